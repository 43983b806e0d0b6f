// A crowd at a running registry with its default limits: keys of 100 addresses, calls at a steady rate, nine of ten
// accepted. FLOWERSEC_REGISTRY_KEYS, _RATE and _SECONDS make it longer: 10000, 500 and 60 in make check-long.
#include <sys/resource.h>

#include <boost/asio/steady_timer.hpp>
#include <cstdlib>

#include "support/standstill.h"
#include "system/registry_world.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;

std::size_t wanted(const char* name, std::size_t standard) {
  const auto* text = std::getenv(name);
  return text == nullptr ? standard : std::stoul(text);
}

void want_descriptors(rlim_t count) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(count, limit.rlim_max));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_GE(limit.rlim_cur, count) << "the hard limit is too low";
}

constexpr std::size_t addresses = 200;

struct crowd {
  registry_program& program;
  std::size_t keys;
  std::size_t rate;
  std::size_t seconds;
  std::vector<std::shared_ptr<registry_client>> clients{};
  std::vector<identity::public_key> names{};
  std::size_t arriving = 0;
  std::size_t rung = 0;
  std::size_t granted = 0;
  std::size_t unavailable = 0;
  std::size_t other = 0;
  bool over = false;
};

/// Every tenth call is left alone; the others are accepted at once.
awaitable<void> live(crowd& all, std::size_t number) {
  auto& self = *all.clients[number];
  while (const auto frame = co_await self.hear()) {
    if (const auto* incoming = std::get_if<rv::incoming_frame>(&*frame)) {
      if (++all.rung % 10 == 0) continue;
      const rv::accept_frame accept{.call_id = incoming->call_id, .eph = all.names[number]};
      co_await self.say(accept);
    } else if (std::holds_alternative<rv::grant_frame>(*frame)) {
      ++all.granted;
    } else if (const auto* error = std::get_if<rv::error_frame>(&*frame)) {
      ++(error->code == rv::rendezvous_errc::recipient_unavailable ? all.unavailable : all.other);
    } else if (!std::holds_alternative<rv::cancelled_frame>(*frame)) {
      ++all.other;
    }
  }
  if (!all.over) ADD_FAILURE() << number << " was cut off";
}

/// As fast as an address may: four in a second.
awaitable<void> arrive(crowd& all, std::size_t address) {
  asio::steady_timer pace{co_await asio::this_coro::executor};
  for (auto number = address; number < all.keys; number += addresses) {
    pace.expires_after(251ms);
    auto made = co_await registry_client::registered(
        all.program.port(), loopback_number(static_cast<unsigned>(address)), static_cast<std::uint32_t>(number + 1));
    all.clients[number] = std::make_shared<registry_client>(std::move(made));
    co_await pace.async_wait(asio::use_awaitable);
  }
  --all.arriving;
}

void expect_nothing_thrown(const std::exception_ptr& thrown) {
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const std::exception& what) {
    ADD_FAILURE() << what.what();
  }
}

awaitable<void> gather(crowd& all) {
  const auto executor = co_await asio::this_coro::executor;
  all.clients.resize(all.keys);
  for (std::size_t i = 0; i < all.keys; ++i) all.names.push_back(key_of(static_cast<std::uint32_t>(i + 1)));
  all.arriving = addresses;
  for (std::size_t i = 0; i < addresses; ++i) asio::co_spawn(executor, arrive(all, i), expect_nothing_thrown);
  asio::steady_timer look{executor};
  while (all.arriving > 0) {
    look.expires_after(20ms);
    co_await look.async_wait(asio::use_awaitable);
  }
  for (std::size_t i = 0; i < all.keys; ++i) asio::co_spawn(executor, live(all, i), expect_nothing_thrown);
}

/// Everybody calls in turn, at the rate, whatever the answers.
awaitable<void> call(crowd& all) {
  asio::steady_timer pace{co_await asio::this_coro::executor};
  const auto began = std::chrono::steady_clock::now();
  undisturbed_time taken;
  const auto calls = all.rate * all.seconds;
  for (std::size_t i = 0; i < calls; ++i) {
    const auto caller = i % all.keys;
    const auto callee = (caller + all.keys / 2 + i / all.keys) % all.keys;
    const rv::call_frame frame{.rid = i / all.keys + 1, .to = all.names[callee], .eph = all.names[caller]};
    co_await all.clients[caller]->say(frame);
    pace.expires_at(began + std::chrono::microseconds{1'000'000 * (i + 1) / all.rate});
    co_await pace.async_wait(asio::use_awaitable);
  }
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_LE(taken.elapsed(), std::chrono::seconds{all.seconds} + 2s) << "the rate was not kept";
  pace.expires_after(20s);
  co_await pace.async_wait(asio::use_awaitable);
  while (all.granted + all.unavailable + all.other < calls && std::chrono::steady_clock::now() - began - took < 30s) {
    pace.expires_after(20ms);
    co_await pace.async_wait(asio::use_awaitable);
  }
  EXPECT_EQ(all.rung, calls);
  EXPECT_EQ(all.granted, calls - calls / 10);
  EXPECT_EQ(all.unavailable, calls / 10);
  EXPECT_EQ(all.other, 0U);
}

awaitable<void> meet(crowd& all) {
  co_await gather(all);
  EXPECT_EQ(all.program.metric("keys"), all.keys);
  co_await call(all);
  EXPECT_EQ(all.program.metric("keys"), all.keys);
  EXPECT_EQ(all.program.metric("calls_total{outcome=\"accepted\"}"), all.granted);
  EXPECT_EQ(all.program.metric("open_calls"), 0U);
  for (const auto* none : {"sockets_refused_total", "sockets_dropped_total", "mints_failed_total"}) {
    EXPECT_EQ(all.program.metric(none), 0U) << none;
  }
  all.over = true;
  for (const auto& each : all.clients) each->abort();
}

TEST(registry_crowd, calls_are_answered_at_a_steady_rate) {
  const temporary_folder folder;
  const auto keys = wanted("FLOWERSEC_REGISTRY_KEYS", 1'000);
  want_descriptors(keys + 500);
  registry_program program{folder.path(), {"--log-level=warn"}};
  asio::io_context context;
  crowd all{.program = program,
            .keys = keys,
            .rate = wanted("FLOWERSEC_REGISTRY_RATE", 200),
            .seconds = wanted("FLOWERSEC_REGISTRY_SECONDS", 5)};
  run(context, meet(all), 230s);
  ::testing::Test::RecordProperty("processor_ms", static_cast<int>(program.running().processor_time().count()));
  std::cout << keys << " keys, " << all.granted << " of " << all.rung << " calls accepted; processor time "
            << program.running().processor_time().count() << " ms, memory "
            << program.running().resident_bytes() / 1'000'000 << " MB\n";
}

}  // namespace
}  // namespace flowersec::testing
