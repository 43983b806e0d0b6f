#include "peer/bulk.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <vector>

#include "cli/hex.h"
#include "flowersec/base/json.h"
#include "flowersec/crypto/hash.h"
#include "peer/checks.h"
#include "peer/pattern.h"
#include "peer/progress.h"
#include "peer/stream_line.h"

namespace flowersec::apps {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using endpoint::default_token;
using steady = std::chrono::steady_clock;

constexpr std::size_t block_bytes = 128 * 1024;

/// The share of one of the streams; the first takes the rest.
std::uint64_t share(const bulk_plan& plan, unsigned index) {
  return plan.bytes / plan.streams + (index == 0 ? plan.bytes % plan.streams : 0);
}

awaitable<void> upload(endpoint::session session, std::uint64_t bytes, std::string expected, progress_bar& bar) {
  auto stream = co_await session.async_open_stream("sink");
  byte_buffer block(block_bytes);
  for (std::uint64_t offset = 0; offset < bytes;) {
    const auto piece = mutable_byte_view{block}.first(std::min<std::uint64_t>(block.size(), bytes - offset));
    fill_pattern(offset, piece);
    offset += co_await asio::async_write(stream, asio::buffer(piece.data(), piece.size()), default_token{});
    bar.add(piece.size());
  }
  co_await stream.async_shutdown_send();
  require(co_await read_line(stream) == expected, "sink answered another length or hash");
}

awaitable<void> download(endpoint::session session, std::uint64_t bytes, progress_bar& bar) {
  auto stream = co_await session.async_open_stream("source");
  std::string question;
  json_object_writer{question}.field("n", bytes).end();
  co_await write_line(stream, std::move(question));
  byte_buffer block(block_bytes);
  std::uint64_t offset = 0;
  while (true) {
    const auto [error, count] = co_await stream.async_read_some(asio::buffer(block), asio::as_tuple(default_token{}));
    if (error == asio::error::eof) break;
    if (error) throw boost::system::system_error{error};
    require(matches_pattern(offset, byte_view{block}.first(count)),
            "source sent other bytes near " + std::to_string(offset));
    offset += count;
    bar.add(count);
  }
  require(offset == bytes, "source sent " + std::to_string(offset) + " of " + std::to_string(bytes) + " bytes");
}

/// When each stream was done, in milliseconds since all began.
using finish_times = std::vector<double>;

double milliseconds_since(steady::time_point start) {
  return std::chrono::duration<double, std::milli>(steady::now() - start).count();
}

template <class Start>
awaitable<void> run_stream(Start& start, unsigned index, steady::time_point began, finish_times& finished) {
  co_await start(index);
  finished.push_back(milliseconds_since(began));
}

/// Runs start(index) for every stream at once; throws what the first that failed threw. Returns when each was done, in
/// order.
template <class Start>
awaitable<finish_times> run_streams(const bulk_plan& plan, Start start) {
  const auto executor = co_await asio::this_coro::executor;
  const auto began = steady::now();
  finish_times finished;
  const auto make = [&](unsigned index) {
    return asio::co_spawn(executor, run_stream(start, index, began, finished), asio::deferred);
  };
  std::vector<decltype(make(0))> transfers;
  for (unsigned i = 0; i < plan.streams; ++i) transfers.push_back(make(i));
  const auto [order, thrown] = co_await asio::experimental::make_parallel_group(std::move(transfers))
                                   .async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
  for (const auto& failure : thrown) {
    if (failure) std::rethrow_exception(failure);
  }
  co_return finished;
}

void report_figures(const std::string& name, const bulk_plan& plan, const finish_times& finished,
                    client_report& report) {
  const auto mib = static_cast<double>(plan.bytes) / 1048576.0;
  report.figure(name + "_mib", mib);
  report.figure(name + "_mib_per_s", mib / (finished.back() / 1000));
  report.figure(name + "_median_ms", finished[finished.size() / 2]);
  report.figure(name + "_last_ms", finished.back());
}

/// Lower-case hex of the SHA-256 of the first `bytes` bytes. Lets the session breathe in between: gigabytes take
/// seconds.
awaitable<std::string> pattern_sha256(std::uint64_t bytes) {
  constexpr std::uint64_t breath = 64 << 20;
  crypto::sha256_hasher hasher;
  byte_buffer block(block_bytes);
  for (std::uint64_t offset = 0; offset < bytes;) {
    const auto piece = mutable_byte_view{block}.first(std::min<std::uint64_t>(block.size(), bytes - offset));
    fill_pattern(offset, piece);
    hasher.update(piece);
    offset += piece.size();
    if (offset % breath == 0) co_await asio::post(asio::use_awaitable);
  }
  co_return to_hex(hasher.finish());
}

/// What a sink answers to this many bytes. Computed before the clock starts.
awaitable<std::string> sink_answer(std::uint64_t bytes) {
  const auto hash = co_await pattern_sha256(bytes);
  std::string line;
  json_object_writer{line}.field("n", bytes).field("sha256", hash).end();
  co_return line;
}

}  // namespace

awaitable<void> check_upload(endpoint::session session, bulk_plan plan, client_report& report) {
  std::vector<std::string> answers;
  for (unsigned i = 0; i < plan.streams; ++i) answers.push_back(co_await sink_answer(share(plan, i)));
  progress_bar bar{"sending", plan.bytes, plan.show_progress};
  const auto finished = co_await run_streams(
      plan, [&](unsigned index) { return upload(session, share(plan, index), answers[index], bar); });
  report_figures("upload", plan, finished, report);
}

awaitable<void> check_download(endpoint::session session, bulk_plan plan, client_report& report) {
  progress_bar bar{"receiving", plan.bytes, plan.show_progress};
  const auto finished =
      co_await run_streams(plan, [&](unsigned index) { return download(session, share(plan, index), bar); });
  report_figures("download", plan, finished, report);
}

}  // namespace flowersec::apps
