#include "peer/services.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>

#include "cli/hex.h"
#include "flowersec/base/json.h"
#include "flowersec/crypto/hash.h"
#include "flowersec/rpc/router.h"
#include "peer/pattern.h"
#include "peer/stream_line.h"

namespace flowersec::apps {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using endpoint::default_token;
using figures_ptr = std::shared_ptr<serve_figures>;

constexpr std::size_t block_bytes = 128 * 1024;
constexpr const char* hello_payload = R"({"hello":"world"})";

/// Reads some; nothing at the end of the stream.
awaitable<byte_view> read_some(flowersec::stream& stream, byte_buffer& block, serve_figures& figures) {
  const auto [error, count] = co_await stream.async_read_some(asio::buffer(block), asio::as_tuple(default_token{}));
  if (error && error != asio::error::eof) throw boost::system::system_error{error};
  figures.bytes_in += count;
  co_return byte_view{block}.first(count);
}

awaitable<void> echo(flowersec::stream stream, figures_ptr figures) {
  byte_buffer block(block_bytes);
  for (auto bytes = co_await read_some(stream, block, *figures); !bytes.empty();
       bytes = co_await read_some(stream, block, *figures)) {
    figures->bytes_out += co_await asio::async_write(stream, asio::buffer(bytes.data(), bytes.size()), default_token{});
  }
  co_await stream.async_shutdown_send();
}

awaitable<void> sink(flowersec::stream stream, figures_ptr figures) {
  byte_buffer block(block_bytes);
  crypto::sha256_hasher hasher;
  std::uint64_t count = 0;
  for (auto bytes = co_await read_some(stream, block, *figures); !bytes.empty();
       bytes = co_await read_some(stream, block, *figures)) {
    hasher.update(bytes);
    count += bytes.size();
  }
  std::string line;
  json_object_writer{line}.field("n", count).field("sha256", to_hex(hasher.finish())).end();
  co_await write_line(stream, std::move(line));
  co_await stream.async_shutdown_send();
}

awaitable<void> source(flowersec::stream stream, figures_ptr figures) {
  const auto question = parse_json_object(co_await read_line(stream), max_line_bytes);
  std::uint64_t count = 0;
  if (question) {
    json_object_reader reader{*question};
    reader.read("n", count);
    if (!reader.ok()) co_return stream.reset();
  } else {
    co_return stream.reset();
  }
  byte_buffer block(block_bytes);
  for (std::uint64_t offset = 0; offset < count;) {
    const auto piece = mutable_byte_view{block}.first(std::min<std::uint64_t>(block.size(), count - offset));
    fill_pattern(offset, piece);
    offset += co_await asio::async_write(stream, asio::buffer(piece.data(), piece.size()), default_token{});
    figures->bytes_out += piece.size();
  }
  co_await stream.async_shutdown_send();
}

using service = awaitable<void> (*)(flowersec::stream, figures_ptr);

/// Counts the stream, and its failure if it ends with one: that is the client's business, not ours.
endpoint::stream_router::handler counted(service serve, figures_ptr figures) {
  return [serve, figures](flowersec::stream stream) -> awaitable<void> {
    ++figures->streams;
    try {
      co_await serve(std::move(stream), figures);
    } catch (const boost::system::system_error&) {
      ++figures->failed_streams;
    }
  };
}

rpc::router make_rpc_router(const endpoint::rpc_peer& peer, const figures_ptr& figures) {
  peer.notify(rpc_hello, hello_payload);
  rpc::router router;
  router.on_request(rpc_ping, [peer, figures](const rpc::request&, rpc::responder answer) {
    ++figures->calls;
    peer.notify(rpc_hello, hello_payload);
    answer.succeed(R"({"ok":true})");
  });
  router.on_request(rpc_echo, [figures](rpc::request call, rpc::responder answer) {
    ++figures->calls;
    answer.succeed(std::move(call.payload));
  });
  router.on_request(rpc_teapot, [figures](const rpc::request&, rpc::responder answer) {
    ++figures->calls;
    answer.fail(418, "teapot");
  });
  router.on_notification(rpc_hello, [figures](std::string_view) { ++figures->notifications; });
  return router;
}

}  // namespace

endpoint::stream_router make_services(std::shared_ptr<serve_figures> figures) {
  endpoint::stream_router router;
  router.on("echo", counted(echo, figures)).on("sink", counted(sink, figures)).on("source", counted(source, figures));
  router.on_rpc([figures](const endpoint::rpc_peer& peer) { return make_rpc_router(peer, figures); });
  return router;
}

}  // namespace flowersec::apps
