// The memory of given responses: age, bound, consumption, sharing between threads.
#include <thread>

#include "fixture.h"

namespace flowersec::handshake::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

init_fingerprint fingerprint(int number) {
  init_fingerprint init{};
  init[0] = static_cast<std::byte>(number);
  init[1] = static_cast<std::byte>(number >> 8);
  return init;
}

pending_response response(const std::string& id) {
  seeded_random random;
  auto key_pair = crypto::dh_key_pair::generate(crypto::suite::x25519, random).value();
  response_parameters parameters{
      .handshake_id = id, .public_key = to_buffer(key_pair.public_key()), .nonce_s = {}, .features = 0};
  return {std::move(parameters), std::move(key_pair)};
}

mono_time after(milliseconds time) { return mono_time{time}; }

TEST(response_cache, limits_are_checked) {
  EXPECT_TRUE(validate(response_cache_limits{}));
  EXPECT_EQ(response_cache_limits{}.time_to_live, seconds{60});
  EXPECT_EQ(response_cache_limits{}.max_entries, 4096U);
  EXPECT_TRUE(validate({.time_to_live = std::nullopt, .max_entries = std::nullopt}));
  EXPECT_TRUE(validate({.time_to_live = milliseconds{1}, .max_entries = 1}));
  EXPECT_TRUE(validate(response_cache_limits{.max_entries = 1048576}));
  EXPECT_EQ(validate({.time_to_live = milliseconds{0}, .max_entries = 1}).error(), handshake_errc::bad_limits);
  EXPECT_EQ(validate(response_cache_limits{.max_entries = 0}).error(), handshake_errc::bad_limits);
  EXPECT_EQ(validate(response_cache_limits{.max_entries = 1048577}).error(), handshake_errc::bad_limits);
}

TEST(response_cache, answers_until_it_is_taken) {
  response_cache cache;
  EXPECT_FALSE(cache.find(fingerprint(1), after({})));
  EXPECT_EQ(cache.insert(fingerprint(1), response("a"), after({})).value().handshake_id, "a");
  EXPECT_EQ(cache.find(fingerprint(1), after({}))->handshake_id, "a");
  EXPECT_FALSE(cache.find(fingerprint(2), after({})));
  EXPECT_EQ(cache.take(fingerprint(1))->parameters.handshake_id, "a");
  EXPECT_FALSE(cache.take(fingerprint(1)));
  EXPECT_FALSE(cache.find(fingerprint(1), after({})));
}

TEST(response_cache, the_first_of_two_answers_to_one_init_holds) {
  response_cache cache;
  (void)cache.insert(fingerprint(1), response("first"), after({}));
  EXPECT_EQ(cache.insert(fingerprint(1), response("second"), after({})).value().handshake_id, "first");
  EXPECT_EQ(cache.size(), 1U);
}

TEST(response_cache, lifetime_holds_at_its_edge_and_one_past) {
  response_cache cache;
  (void)cache.insert(fingerprint(1), response("a"), after(milliseconds{5}));
  EXPECT_TRUE(cache.find(fingerprint(1), after(milliseconds{60005})));
  EXPECT_FALSE(cache.find(fingerprint(1), after(milliseconds{60006})));
  EXPECT_EQ(cache.size(), 0U);
}

TEST(response_cache, age_is_judged_when_an_init_is_looked_up_not_at_ack) {
  response_cache cache;
  (void)cache.insert(fingerprint(1), response("a"), after({}));
  EXPECT_TRUE(cache.take(fingerprint(1))) << "no INIT came that could have removed it";
  (void)cache.insert(fingerprint(2), response("b"), after({}));
  (void)cache.find(fingerprint(3), after(seconds{61}));
  EXPECT_FALSE(cache.take(fingerprint(2)));
}

TEST(response_cache, an_expired_entry_is_replaced) {
  response_cache cache;
  (void)cache.insert(fingerprint(1), response("old"), after({}));
  EXPECT_EQ(cache.insert(fingerprint(1), response("new"), after(seconds{61})).value().handshake_id, "new");
}

TEST(response_cache, bound_holds_at_its_edge_and_one_past) {
  response_cache cache{{.max_entries = 3}};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(cache.insert(fingerprint(i), response("x"), after({})));
  EXPECT_EQ(cache.insert(fingerprint(3), response("x"), after({})).error(), handshake_errc::cache_full);
  EXPECT_TRUE(cache.insert(fingerprint(2), response("x"), after({}))) << "an answered INIT is not a new one";
  (void)cache.take(fingerprint(0));
  EXPECT_TRUE(cache.insert(fingerprint(3), response("x"), after({})));
}

TEST(response_cache, without_bounds_nothing_is_refused_or_removed) {
  response_cache cache{{.time_to_live = std::nullopt, .max_entries = std::nullopt}};
  for (int i = 0; i < 5000; ++i) EXPECT_TRUE(cache.insert(fingerprint(i), response("x"), after({})));
  EXPECT_TRUE(cache.find(fingerprint(0), after(std::chrono::hours{100000})));
}

TEST(response_cache, of_many_threads_exactly_one_takes_each_entry) {
  response_cache cache;
  constexpr int entries = 200;
  std::atomic<int> taken = 0;
  const auto work = [&] {
    for (int i = 0; i < entries; ++i) {
      (void)cache.insert(fingerprint(i), response("x"), after({}));
      (void)cache.find(fingerprint(i), after({}));
    }
  };
  const auto take_all = [&] {
    for (int i = 0; i < entries; ++i) taken += cache.take(fingerprint(i)).has_value() ? 1 : 0;
  };
  {
    std::jthread a{work};
    std::jthread b{work};
  }
  {
    std::jthread a{take_all};
    std::jthread b{take_all};
    std::jthread c{take_all};
  }
  EXPECT_EQ(taken, entries);
}

}  // namespace
}  // namespace flowersec::handshake::testing
