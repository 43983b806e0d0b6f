#include "services.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/endian/conversion.hpp>
#include <memory>
#include <string>

#include "flowersec/base/json.h"
#include "flowersec/base/json_frame.h"
#include "flowersec/demo/v1/service.gen.h"

namespace demo {
namespace {

namespace asio = boost::asio;
namespace endpoint = flowersec::endpoint;
namespace messages = flowersec::messages::demo::v1;
using asio::awaitable;
using endpoint::default_token;
using flowersec::byte_buffer;

constexpr std::size_t block_bytes = 128 * 1024;
constexpr std::size_t max_question_bytes = 8192;
constexpr std::int64_t max_file_bytes = 64 * 1024 * 1024;    // what one session can make us keep
constexpr std::int64_t max_content_bytes = 8 * 1024 * 1024;  // of one meta_bytes stream

// [frames]
/// The JSON object that opens a stream; nothing when it is none. Throws system_error when the stream ends first.
awaitable<std::optional<boost::json::object>> read_frame(flowersec::stream& stream) {
  std::array<unsigned char, flowersec::json_frame_header_bytes> header{};
  co_await asio::async_read(stream, asio::buffer(header), default_token{});
  const auto length = boost::endian::load_big_u32(header.data());
  if (length > max_question_bytes) co_return std::nullopt;
  std::string text(length, '\0');
  co_await asio::async_read(stream, asio::buffer(text), default_token{});
  co_return flowersec::parse_json_object(text, max_question_bytes);
}

awaitable<void> write_frame(flowersec::stream& stream, std::string text) {
  const auto frame = flowersec::encode_json_frame(text);
  co_await asio::async_write(stream, asio::buffer(frame), default_token{});
}
// [frames]

awaitable<void> refuse(flowersec::stream& stream, std::string_view code) {
  std::string error;
  flowersec::json_object_writer{error}.field("code", code).end();
  std::string text;
  flowersec::json_object_writer{text}.field("ok", false).raw("error", error).end();
  co_await write_frame(stream, std::move(text));
}

awaitable<void> echo(flowersec::stream stream) {
  byte_buffer block(block_bytes);
  while (true) {
    const auto [error, count] = co_await stream.async_read_some(asio::buffer(block), asio::as_tuple(default_token{}));
    if (error == asio::error::eof) break;
    if (error) throw boost::system::system_error{error};
    co_await asio::async_write(stream, asio::buffer(block.data(), count), default_token{});
  }
  co_await stream.async_shutdown_send();
}

struct stored_file {
  std::string name;
  byte_buffer bytes;
};

awaitable<void> upload(flowersec::stream stream, std::shared_ptr<stored_file> shelf) {
  const auto question = co_await read_frame(stream);
  stored_file file;
  std::int64_t size = -1;
  if (question) {
    flowersec::json_object_reader reader{*question};
    reader.read("name", file.name);
    reader.read("size", size);
    if (!reader.ok()) size = -1;
  }
  if (size < 0 || size > max_file_bytes) co_return co_await refuse(stream, "invalid_size");
  // Grows with what arrives, not with what was announced.
  while (file.bytes.size() < static_cast<std::size_t>(size)) {
    const auto have = file.bytes.size();
    const auto want = std::min(block_bytes, static_cast<std::size_t>(size) - have);
    file.bytes.resize(have + want);
    co_await asio::async_read(stream, asio::buffer(file.bytes.data() + have, want), default_token{});
  }
  *shelf = std::move(file);
  std::string text;
  flowersec::json_object_writer{text}.field("ok", true).field("size", size).end();
  co_await write_frame(stream, std::move(text));
}

awaitable<void> download(flowersec::stream stream, std::shared_ptr<stored_file> shelf) {
  co_await read_frame(stream);
  if (shelf->name.empty()) co_return co_await refuse(stream, "no_file");
  const auto file = *shelf;  // the next upload may replace it meanwhile
  std::string text;
  flowersec::json_object_writer{text}.field("ok", true).field("name", file.name).field("size", file.bytes.size()).end();
  co_await write_frame(stream, std::move(text));
  co_await asio::async_write(stream, asio::buffer(file.bytes), default_token{});
}

awaitable<void> meta_bytes(flowersec::stream stream) {
  const auto question = co_await read_frame(stream);
  if (!question) co_return co_await refuse(stream, "invalid_json");
  std::int64_t size = 0;
  std::optional<std::uint8_t> fill;
  flowersec::json_object_reader reader{*question};
  reader.read("max_bytes", size);
  reader.read("fill_byte", fill);
  if (!reader.ok() || size < 1 || size > max_content_bytes) co_return co_await refuse(stream, "invalid_max_bytes");
  std::string text;
  flowersec::json_object_writer{text}
      .field("ok", true)
      .field("content_len", size)
      .field("content_type", "application/octet-stream")
      .end();
  co_await write_frame(stream, std::move(text));
  const byte_buffer block(block_bytes, std::byte{fill.value_or('a')});
  for (auto left = static_cast<std::size_t>(size); left > 0;) {
    left -=
        co_await asio::async_write(stream, asio::buffer(block.data(), std::min(left, block.size())), default_token{});
  }
}

// [calls]
class service final : public messages::demo_handler {
 public:
  explicit service(messages::demo_notifier peer) : peer_(std::move(peer)) { say_hello(); }

  void ping(messages::ping_request /*request*/,
            flowersec::rpc::typed_responder<messages::ping_response> answer) override {
    say_hello();
    answer.succeed({.ok = true});
  }

 private:
  void say_hello() { static_cast<void>(peer_.hello({.hello = "world"})); }

  messages::demo_notifier peer_;
};
// [calls]

}  // namespace

// [services]
endpoint::stream_router make_services() {
  const auto shelf = std::make_shared<stored_file>();
  endpoint::stream_router services;
  services.on("echo", echo)
      .on("upload", [shelf](flowersec::stream stream) { return upload(std::move(stream), shelf); })
      .on("download", [shelf](flowersec::stream stream) { return download(std::move(stream), shelf); })
      .on("meta_bytes", meta_bytes)
      .on_rpc([](const endpoint::rpc_peer& peer) {
        flowersec::rpc::router calls;
        messages::register_demo(calls, std::make_shared<service>(messages::demo_notifier{peer}));
        return calls;
      });
  return services;
}
// [services]

}  // namespace demo
