// A token is answered for when its record is durable, not before; and when it cannot be, the answer is no.
#include <gmock/gmock.h>

#include <future>
#include <set>

#include "flowersec/tunnel/limits.h"
#include "tunnel/journal_format.h"
#include "tunnel/journal_replay_store.h"

namespace flowersec::tunnel {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr seconds patience{60};
const error_code disk_full{ENOSPC, boost::system::system_category()};
const error_code input_output{EIO, boost::system::system_category()};

/// A disk that tells what reached it, and waits or fails when told.
class disk {
 public:
  byte_buffer contents;  ///< as a reader finds them
  byte_buffer durable;   ///< as a crash leaves them
  std::vector<std::size_t> synced_groups;
  std::size_t replacements = 0;
  error_code append_fails, sync_fails, cut_fails, replace_fails;
  std::size_t room_when_full = 0;  ///< bytes a failing append leaves behind

  /// From now on a sync waits for release().
  void hold() {
    const std::scoped_lock lock(mutex);
    held_ = true;
  }
  void release() {
    const std::scoped_lock lock(mutex);
    held_ = false;
    changed_.notify_all();
  }
  /// Waits until `syncs` of them have begun.
  [[nodiscard]] bool wait_for_syncs(std::size_t syncs) {
    std::unique_lock lock(mutex);
    return changed_.wait_for(lock, patience, [&] { return syncs_begun_ >= syncs; });
  }
  [[nodiscard]] std::size_t syncs() {
    const std::scoped_lock lock(mutex);
    return syncs_begun_;
  }
  template <class Change>
  void change(Change how) {
    const std::scoped_lock lock(mutex);
    how(*this);
  }

  error_code append(byte_view bytes) {
    const std::scoped_lock lock(mutex);
    flowersec::append(contents, append_fails ? bytes.first(std::min(bytes.size(), room_when_full)) : bytes);
    return append_fails;
  }
  error_code sync() {
    std::unique_lock lock(mutex);
    ++syncs_begun_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    if (sync_fails) return sync_fails;
    synced_groups.push_back(contents.size() - std::min(contents.size(), durable.size()));
    durable = contents;
    return {};
  }
  error_code cut(std::uint64_t length) {
    const std::scoped_lock lock(mutex);
    if (!cut_fails) contents.resize(length);
    return cut_fails;
  }
  error_code replace(const journal_storage::source& source) {
    byte_buffer fresh;
    for (byte_buffer piece; source(piece); piece.clear()) flowersec::append(fresh, piece);
    const std::scoped_lock lock(mutex);
    ++replacements;
    if (!replace_fails) contents = fresh;
    return replace_fails;
  }

  std::mutex mutex;

 private:
  std::condition_variable changed_;
  std::size_t syncs_begun_ = 0;
  bool held_ = false;
};

class disk_storage final : public journal_storage {
 public:
  explicit disk_storage(disk& where) : disk_(where) {}
  error_code append(byte_view bytes) override { return disk_.append(bytes); }
  error_code sync() override { return disk_.sync(); }
  error_code cut(std::uint64_t length) override { return disk_.cut(length); }
  error_code replace(const source& contents) override { return disk_.replace(contents); }

 private:
  disk& disk_;
};

/// A rewrite may catch a token whose own record comes behind it.
std::set<token_digest> tokens_in(byte_view bytes, std::int64_t now) {
  std::set<token_digest> found;
  journal_reader reader{[&](const journal_record& record) {
    if (record.remember_until >= now) found.insert(record.token);
  }};
  reader.feed(bytes);
  EXPECT_FALSE(reader.finish().damage);
  EXPECT_EQ(reader.finish().good_bytes, bytes.size());
  return found;
}

class journal_store : public ::testing::Test {
 protected:
  ~journal_store() override { medium.release(); }

  void start(std::size_t max_entries = 100'000) {
    store = std::make_unique<journal_replay_store>(std::make_unique<disk_storage>(medium), max_entries,
                                                   [this](std::string_view text) {
                                                     const std::scoped_lock lock(reports_mutex);
                                                     reports.emplace_back(text);
                                                   });
    ASSERT_FALSE(store->start());
  }
  std::future<replay_answer> ask(const std::string& key, seconds lives = seconds{60}) {
    auto promise = std::make_shared<std::promise<replay_answer>>();
    auto answer = promise->get_future();
    store->try_use({key, count(to_unix_seconds(wall)) + lives.count()}, wall, mono, mono + seconds{3},
                   [promise](replay_answer what) { promise->set_value(what); });
    return answer;
  }
  static replay_answer get(std::future<replay_answer> answer) {
    if (answer.wait_for(patience) != std::future_status::ready) throw std::runtime_error("no answer");
    return answer.get();
  }
  replay_answer use(const std::string& key, seconds lives = seconds{60}) { return get(ask(key, lives)); }
  static bool open(const std::future<replay_answer>& answer) {
    return answer.wait_for(seconds{0}) == std::future_status::timeout;
  }
  void pass(milliseconds time) {
    wall += time;
    mono += time;
  }
  [[nodiscard]] std::set<token_digest> durable_tokens() {
    const std::scoped_lock lock(medium.mutex);
    return tokens_in(medium.durable, count(to_unix_seconds(wall)));
  }
  [[nodiscard]] std::vector<std::string> told() {
    const std::scoped_lock lock(reports_mutex);
    return reports;
  }

  wall_time wall{seconds{1'800'000'000}};
  mono_time mono{seconds{500}};
  std::mutex reports_mutex;
  std::vector<std::string> reports;
  disk medium;
  std::unique_ptr<journal_replay_store> store;
};

token_digest token(const std::string& key) { return digest_of({key, 0}); }

TEST_F(journal_store, fresh_is_answered_when_the_record_is_durable_and_not_before) {
  start();
  medium.hold();
  auto answer = ask("a");
  ASSERT_TRUE(medium.wait_for_syncs(2)) << "one of the start, one of the record";
  EXPECT_TRUE(open(answer));
  EXPECT_THAT(durable_tokens(), SizeIs(0));
  medium.release();
  EXPECT_EQ(get(std::move(answer)), replay_answer::fresh);
  EXPECT_THAT(durable_tokens(), UnorderedElementsAre(token("a")));
}

TEST_F(journal_store, a_token_under_way_is_used_for_everybody_else) {
  start();
  medium.hold();
  auto first = ask("a");
  EXPECT_EQ(use("a"), replay_answer::used);
  medium.release();
  EXPECT_EQ(get(std::move(first)), replay_answer::fresh);
}

TEST_F(journal_store, what_is_asked_during_a_sync_shares_the_next_one) {
  start();
  medium.hold();
  auto first = ask("first");
  ASSERT_TRUE(medium.wait_for_syncs(2));
  std::vector<std::future<replay_answer>> others;
  for (int i = 0; i < 500; ++i) others.push_back(ask("t" + std::to_string(i)));
  medium.release();
  EXPECT_EQ(get(std::move(first)), replay_answer::fresh);
  for (auto& one : others) EXPECT_EQ(get(std::move(one)), replay_answer::fresh);
  EXPECT_EQ(medium.syncs(), 3u);
  EXPECT_THAT(durable_tokens(), SizeIs(501));
}

TEST_F(journal_store, a_group_has_a_size) {
  start();
  medium.hold();
  auto first = ask("first");
  ASSERT_TRUE(medium.wait_for_syncs(2));
  std::vector<std::future<replay_answer>> others;
  const auto most = journal_replay_store::most_records_per_group;
  for (std::size_t i = 0; i < most + 1; ++i) others.push_back(ask("t" + std::to_string(i)));
  medium.release();
  for (auto& one : others) EXPECT_EQ(get(std::move(one)), replay_answer::fresh);
  const std::scoped_lock lock(medium.mutex);
  EXPECT_THAT(medium.synced_groups, ElementsAre(journal_header_bytes + journal_record_bytes, journal_record_bytes,
                                                most * journal_record_bytes, journal_record_bytes));
}

TEST_F(journal_store, a_full_disk_refuses_says_so_once_in_ten_seconds_and_recovers) {
  start();
  EXPECT_EQ(use("before"), replay_answer::fresh);
  medium.change([](disk& d) { d.append_fails = disk_full, d.room_when_full = 17; });
  EXPECT_EQ(use("a"), replay_answer::unavailable);
  EXPECT_EQ(use("b"), replay_answer::unavailable);
  pass(seconds{9});
  EXPECT_EQ(use("c"), replay_answer::unavailable);
  EXPECT_THAT(told(),
              ElementsAre("used tokens cannot be written down, so attaches are refused: No space left on device"));
  pass(seconds{1});
  EXPECT_EQ(use("d"), replay_answer::unavailable);
  EXPECT_THAT(told(), SizeIs(2));
  EXPECT_EQ(use("before"), replay_answer::used) << "what is known stays known";
  medium.change([](disk& d) { d.append_fails = {}; });
  EXPECT_EQ(use("a"), replay_answer::fresh) << "it opened no door before";
  EXPECT_EQ(use("a"), replay_answer::used);
  EXPECT_THAT(durable_tokens(), UnorderedElementsAre(token("before"), token("a")))
      << "the rest of the failed write is gone";
  EXPECT_EQ(told().back(), "used tokens are written down again");
}

TEST_F(journal_store, after_a_failed_sync_only_a_new_file_is_believed) {
  start();
  EXPECT_EQ(use("before"), replay_answer::fresh);
  medium.change([](disk& d) { d.sync_fails = input_output; });
  EXPECT_EQ(use("a"), replay_answer::unavailable);
  medium.change([](disk& d) { d.sync_fails = {}, d.contents.assign(30, std::byte{0xee}); });
  EXPECT_EQ(use("b"), replay_answer::fresh);
  EXPECT_EQ(medium.replacements, 2u);
  EXPECT_THAT(durable_tokens(), UnorderedElementsAre(token("before"), token("b")));
}

TEST_F(journal_store, a_new_file_that_cannot_be_written_is_tried_again_after_a_pause) {
  start();
  medium.change([](disk& d) { d.append_fails = disk_full, d.cut_fails = input_output; });
  EXPECT_EQ(use("a"), replay_answer::unavailable);
  medium.change([](disk& d) { d.append_fails = d.cut_fails = {}, d.replace_fails = disk_full; });
  EXPECT_EQ(use("b"), replay_answer::unavailable);
  EXPECT_EQ(use("c"), replay_answer::unavailable);
  EXPECT_EQ(medium.replacements, 2u);
  medium.change([](disk& d) { d.replace_fails = {}; });
  pass(milliseconds{999});
  EXPECT_EQ(use("d"), replay_answer::unavailable);
  pass(milliseconds{1});
  EXPECT_EQ(use("e"), replay_answer::fresh);
  EXPECT_EQ(medium.replacements, 3u);
}

TEST_F(journal_store, a_new_file_that_cannot_be_synced_is_not_believed_either) {
  start();
  medium.change([](disk& d) { d.sync_fails = input_output; });
  EXPECT_EQ(use("a"), replay_answer::unavailable);
  EXPECT_EQ(use("b"), replay_answer::unavailable) << "replaced, not synced";
  medium.change([](disk& d) { d.sync_fails = {}; });
  pass(seconds{1});
  EXPECT_EQ(use("c"), replay_answer::fresh);
  EXPECT_EQ(medium.replacements, 3u);
  EXPECT_THAT(durable_tokens(), UnorderedElementsAre(token("c")));
}

TEST_F(journal_store, every_step_may_fail_first_and_nobody_gets_in_without_a_record) {
  for (const int step : {0, 1, 2, 3}) {
    SCOPED_TRACE(step);
    medium.change([](disk& d) { d.contents.clear(), d.durable.clear(); });
    start();
    medium.change([&](disk& d) {
      if (step == 0) d.append_fails = disk_full;
      if (step == 1) d.append_fails = disk_full, d.cut_fails = input_output, d.replace_fails = disk_full;
      if (step == 2) d.sync_fails = input_output;
      if (step == 3) d.sync_fails = input_output, d.replace_fails = disk_full;
    });
    for (int i = 0; i < 5; ++i, pass(seconds{1})) {
      EXPECT_EQ(use("t" + std::to_string(i)), replay_answer::unavailable);
      EXPECT_THAT(durable_tokens(), SizeIs(0));
    }
    medium.change([](disk& d) { d.append_fails = d.cut_fails = d.sync_fails = d.replace_fails = {}; });
    EXPECT_EQ(use("good"), replay_answer::fresh);
    EXPECT_THAT(durable_tokens(), UnorderedElementsAre(token("good")));
    store.reset();
  }
}

TEST_F(journal_store, a_start_that_cannot_write_fails) {
  for (const bool at_sync : {true, false}) {
    medium.change([&](disk& d) { (at_sync ? d.sync_fails : d.replace_fails) = disk_full; });
    journal_replay_store refused{std::make_unique<disk_storage>(medium), 10, [](std::string_view) {}};
    EXPECT_EQ(refused.start(), disk_full);
    medium.change([](disk& d) { d.sync_fails = d.replace_fails = {}; });
  }
}

TEST_F(journal_store, a_hanging_disk_is_answered_for_by_the_deadline) {
  start();
  medium.hold();
  auto under_way = ask("a");
  ASSERT_TRUE(medium.wait_for_syncs(2));
  auto waiting = ask("b");
  pass(seconds{1});
  store->expire(wall, mono);
  EXPECT_TRUE(open(under_way));
  EXPECT_TRUE(open(waiting));
  pass(seconds{1});
  store->expire(wall, mono);
  EXPECT_EQ(get(std::move(under_way)), replay_answer::unavailable);
  EXPECT_EQ(get(std::move(waiting)), replay_answer::unavailable);
  EXPECT_EQ(use("a"), replay_answer::used) << "it may be durable by now";
  EXPECT_EQ(store->size(), 1u) << "the other was never written";
  medium.release();
  EXPECT_EQ(use("b"), replay_answer::fresh);
}

TEST_F(journal_store, settling_answers_what_is_open_without_waiting_for_the_disk) {
  start();
  medium.hold();
  auto under_way = ask("a");
  ASSERT_TRUE(medium.wait_for_syncs(2));
  auto waiting = ask("b");
  store->settle();
  EXPECT_EQ(get(std::move(under_way)), replay_answer::unavailable);
  EXPECT_EQ(get(std::move(waiting)), replay_answer::unavailable);
}

TEST_F(journal_store, is_rewritten_when_much_of_it_is_over) {
  start();
  const auto spare = journal_replay_store::spare_records;
  for (std::size_t i = 0; i < 2 * spare; ++i) {
    ask("t" + std::to_string(i), seconds{5});
    if (i % 1000 == 999) {
      EXPECT_EQ(use("last" + std::to_string(i), seconds{5}), replay_answer::fresh);
    }
  }
  EXPECT_EQ(use("kept"), replay_answer::fresh);
  EXPECT_EQ(medium.replacements, 1u);
  pass(seconds{10});
  store->expire(wall, mono);
  EXPECT_EQ(store->size(), 1u);
  EXPECT_EQ(use("next"), replay_answer::fresh);
  EXPECT_EQ(use("one more"), replay_answer::fresh) << "asked to know that the file was rewritten before";
  EXPECT_EQ(medium.replacements, 2u);
  EXPECT_THAT(durable_tokens(), UnorderedElementsAre(token("kept"), token("next"), token("one more")));
}

TEST_F(journal_store, never_grows_past_its_size_and_refuses_when_it_cannot_be_rewritten_at_it) {
  constexpr std::size_t max_entries = 10;
  const auto most = max_journal_bytes(max_entries);
  start(max_entries);
  medium.change([](disk& d) { d.replace_fails = disk_full; });
  std::uint64_t largest = 0;
  int fresh = 0;
  auto what = replay_answer::fresh;
  for (; what == replay_answer::fresh && fresh < 100'000; ++fresh) {
    what = use("t" + std::to_string(fresh), seconds{1});
    pass(seconds{2});
    store->expire(wall, mono);
    const std::scoped_lock lock(medium.mutex);
    largest = std::max<std::uint64_t>(largest, medium.contents.size());
  }
  EXPECT_EQ(what, replay_answer::unavailable);
  EXPECT_LE(largest, most);
  EXPECT_GT(largest, most - journal_record_bytes) << "one more would have been too many";
  medium.change([](disk& d) { d.replace_fails = {}; });
  EXPECT_EQ(use("after"), replay_answer::fresh);
  EXPECT_LT(medium.contents.size(), 10 * journal_record_bytes);
}

TEST_F(journal_store, a_rewrite_promises_what_it_wrote) {
  start();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(use("t" + std::to_string(i)), replay_answer::fresh);
  store.reset();
  store = std::make_unique<journal_replay_store>(std::make_unique<disk_storage>(medium), 10, [](std::string_view) {});
  for (int i = 0; i < 3; ++i) store->remember(token("t" + std::to_string(i)), 2'000'000'000, wall, mono);
  ASSERT_FALSE(store->start());
  for (std::size_t record = 0; record < 3; ++record) {
    auto damaged = medium.contents;
    damaged[journal_header_bytes + record * journal_record_bytes] ^= std::byte{1};
    journal_reader reader{[](const journal_record&) {}};
    reader.feed(damaged);
    EXPECT_TRUE(reader.finish().damage) << "the last record is protected as well as the first";
  }
}

TEST_F(journal_store, is_full_like_the_one_in_memory) {
  start(2);
  EXPECT_EQ(use("a"), replay_answer::fresh);
  EXPECT_EQ(use("b"), replay_answer::fresh);
  EXPECT_EQ(use("c"), replay_answer::unavailable);
  EXPECT_EQ(use("a"), replay_answer::used);
  EXPECT_THAT(told(), SizeIs(0)) << "a full memory is no trouble of the disk";
}

TEST(journal_size, is_named_for_any_number_of_entries) {
  EXPECT_EQ(max_journal_bytes(48'000), 16u + 52u * (96'000 + 8'193));
  EXPECT_GT(max_journal_bytes(SIZE_MAX), std::uint64_t{1} << 63);
}

TEST(fence, refuses_what_was_issued_in_the_second_of_the_start_or_before) {
  const wall_time start = wall_time{seconds{1'800'000'000}} + milliseconds{999};
  const auto store = make_fenced_replay_store(make_memory_replay_store(10), start);
  const auto use = [&](const std::string& key, std::int64_t issued_at) {
    auto got = replay_answer::unavailable;
    store->try_use({key, 1'800'000'090, issued_at}, start, mono_time{}, mono_time{},
                   [&](replay_answer answer) { got = answer; });
    return got;
  };
  EXPECT_EQ(use("a", 1'799'999'999), replay_answer::used);
  EXPECT_EQ(use("b", 1'800'000'000), replay_answer::used) << "nobody knows on which side of the start";
  EXPECT_EQ(use("c", 1'800'000'001), replay_answer::fresh);
  EXPECT_EQ(use("c", 1'800'000'001), replay_answer::used) << "the store behind is asked";
  EXPECT_EQ(use("d", std::numeric_limits<std::int64_t>::min()), replay_answer::used);
}

}  // namespace
}  // namespace flowersec::tunnel
