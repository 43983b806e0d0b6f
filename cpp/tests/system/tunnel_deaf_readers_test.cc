// Clients that ask for page after page and never read one, at every HTTP listener of flowersec-tunnel: what they are
// owed stays small, the write time-out ends them, and everybody else is served meanwhile.
#include <atomic>
#include <future>

#include "keys_fixture.h"
#include "support/standstill.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

/// host:port and path of a URL.
struct page {
  explicit page(const std::string& url)
      : host_begin(url.find("://") + 3),
        path_begin(url.find('/', host_begin)),
        address(url.substr(host_begin, path_begin - host_begin)),
        path(url.substr(path_begin)) {}
  page(std::string host_port, std::string of) : address(std::move(host_port)), path(std::move(of)) {}

  std::size_t host_begin = 0;
  std::size_t path_begin = 0;
  std::string address;
  std::string path;
};

/// Asks for the page without end, reading nothing, until the tunnel ends the connection. How many bytes it could send,
/// also while it goes on.
std::size_t ask_and_never_read(const page& wanted, std::atomic<std::size_t>& moved) {
  tunnel_client::options narrow;
  narrow.receive_buffer_bytes = 4096;
  tunnel_client client{wanted.address, narrow};
  std::string requests;
  while (requests.size() < 65536) requests += "GET " + wanted.path + " HTTP/1.1\r\nHost: t\r\n\r\n";
  std::size_t sent = 0;
  try {
    for (;; sent += requests.size(), moved += requests.size()) client.send_text(requests);
  } catch (const std::runtime_error&) {
    return sent;
  }
}

class deaf_readers : public ::testing::Test {
 protected:
  static process::words arguments(const std::string& keys, const token_mint& mint) {
    write_whole_file(keys, keyset_text(mint));
    return {"--issuer-keys-file", keys,          "--aud",          "aud",        "--iss", "iss",
            "--metrics-listen",   "127.0.0.1:0", "--stats-listen", "127.0.0.1:0"};
  }

  temporary_folder folder;
  token_mint mint{unix_now()};
  running_tunnel tunnel{arguments(folder.file("keys.json"), mint)};
};

TEST_F(deaf_readers, are_bounded_in_memory_and_ended_in_time_and_hold_nobody_up) {
  constexpr int of_each_page = 8;  // fewer than a listener of its own serves at once
  constexpr auto write_timeout = 10s;
  const std::vector<page> pages{page{tunnel.address, "/healthz"}, page{tunnel.address, "/readyz"},
                                page{tunnel.metrics_url}, page{tunnel.stats_url}};
  auto calm = tunnel.pair(mint, "calm");
  ASSERT_TRUE(calm.works());
  for (const auto& each : pages) ASSERT_NE(testing_support::http_get(each.address, each.path), "");
  const auto before = tunnel.program.resident_bytes();
  const auto descriptors = tunnel.program.open_descriptors();

  const auto begin = steady::now();
  std::atomic<std::size_t> moved{0};
  std::vector<std::future<std::size_t>> deaf;
  for (const auto& each : pages) {
    for (int i = 0; i < of_each_page; ++i) {
      deaf.push_back(std::async(std::launch::async, ask_and_never_read, each, std::ref(moved)));
    }
  }
  // The time-out begins when nothing moves any more: on a busy machine it takes long until all buffers are full.
  auto moved_at = begin;
  std::size_t moved_before = 0;
  std::size_t most = before;
  steady::duration slowest{};
  standstill_watch machine;
  for (auto& one : deaf) {
    do {
      static_cast<void>(machine.take());
      const auto asked = steady::now();
      EXPECT_TRUE(calm.works());
      for (const auto& each : pages) {
        EXPECT_NE(testing_support::http_get(each.address, each.path).find(" 200 "), std::string::npos) << each.path;
      }
      slowest = std::max(slowest, steady::now() - asked - machine.take());
      most = std::max(most, tunnel.program.resident_bytes());
      if (const auto so_far = moved.load(); so_far != moved_before) {
        moved_before = so_far;
        moved_at = steady::now();
      }
      if (steady::now() - moved_at > 3 * write_timeout) {
        tunnel.program.send_signal(SIGKILL);  // those who ask would wait for ever
        FAIL() << "they are still there";
      }
    } while (one.wait_for(100ms) != std::future_status::ready);
  }
  EXPECT_GE(steady::now() - begin, write_timeout) << "they had their time";
  EXPECT_LT(slowest, 2s);
  EXPECT_LT(most, before + 8 * 1024 * 1024) << "a page and a piece of input for each";
  for (auto& one : deaf) EXPECT_LT(one.get(), 64u << 20) << "it was read all the same";
  const auto patience = steady::now() + testing_support::process_patience;
  while (tunnel.program.open_descriptors() > descriptors) ASSERT_LT(steady::now(), patience) << "one is still open";
}

}  // namespace
}  // namespace flowersec::testing
