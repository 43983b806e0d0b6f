#include "flowersec/controlplane/state_store.h"

#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>

#include "flowersec/controlplane/file.h"
#include "flowersec/token/keyset.h"
#include "state_samples.h"
#include "support/temporary_folder.h"

namespace flowersec::controlplane {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::temporary_folder;

constexpr unix_seconds now{1'700'000'000};
constexpr unix_seconds later{1'700'000'060};

unix_seconds after(unix_seconds start, std::int64_t seconds) { return unix_seconds{count(start) + seconds}; }

class state_store_test : public ::testing::Test {
 protected:
  state_store_test() { EXPECT_TRUE(state_store::create(file, "k1", sample_key(1), now)); }
  [[nodiscard]] state_store open(store_options options = {}) const {
    auto opened = state_store::open(file, std::move(options));
    EXPECT_TRUE(opened) << opened.error().text;
    return std::move(opened.value());
  }
  [[nodiscard]] static std::vector<std::string> described(state_store& store) {
    std::vector<std::string> all;
    for (const auto& key : store.keys().value()) all.push_back(key.kid + ' ' + name_of(key.state));
    return all;
  }
  [[nodiscard]] mode_t mode_of(const std::filesystem::path& path) const {
    struct stat about {};
    EXPECT_EQ(::stat(path.c_str(), &about), 0) << path;
    return about.st_mode & 0777;
  }
  void run_sql(const char* sql) const {
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &raw), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(raw, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
    sqlite3_close(raw);
  }
  [[nodiscard]] static std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  [[nodiscard]] std::string bytes_on_disk() const { return bytes_of(file) + bytes_of(file.string() + "-wal"); }
  [[nodiscard]] bool is_on_disk(std::string_view text) const { return bytes_on_disk().find(text) != std::string::npos; }

  temporary_folder folder{temporary_folder::fast_parent()};
  std::filesystem::path file = folder.file("state.db");
};

TEST_F(state_store_test, a_new_file_is_private_and_has_one_key_that_signs) {
  EXPECT_EQ(mode_of(file), 0600);
  auto store = open();
  EXPECT_THAT(described(store), ElementsAre("k1 signing"));
  EXPECT_EQ(store.keys().value()[0].since, now);
  EXPECT_EQ(store.load_issuer().value().current_kid(), "k1");
  ASSERT_TRUE(store.add_endpoint(sample_credential("laptop"), now));
  EXPECT_EQ(mode_of(file.string() + "-wal"), 0600);
}

TEST_F(state_store_test, a_file_is_never_made_over_another) {
  const auto before = bytes_on_disk();
  EXPECT_EQ(code_of(state_store::create(file, "k9", sample_key(9), now)), store_errc::file_exists);
  EXPECT_TRUE(bytes_on_disk() == before);
  const auto elsewhere = folder.file("other.db");
  std::ofstream{elsewhere + "-wal"} << "left behind";
  EXPECT_EQ(code_of(state_store::create(elsewhere, "k1", sample_key(1), now)), store_errc::file_exists);
  EXPECT_FALSE(std::filesystem::exists(elsewhere));
}

TEST_F(state_store_test, a_file_that_cannot_be_made_leaves_nothing) {
  const auto fresh = folder.file("fresh.db");
  EXPECT_EQ(code_of(state_store::create(fresh, "  ", sample_key(1), now)), store_errc::bad_name);
  EXPECT_FALSE(state_store::create(folder.file("missing/state.db"), "k1", sample_key(1), now));
  for (const auto& entry : std::filesystem::directory_iterator{folder.path()}) {
    EXPECT_EQ(entry.path().filename().string().substr(0, 8), "state.db") << entry.path();
  }
}

TEST_F(state_store_test, only_a_private_state_file_of_this_version_is_opened) {
  EXPECT_EQ(code_of(state_store::open(folder.file("none.db"))), store_errc::no_file);
  std::filesystem::permissions(file, std::filesystem::perms::group_read, std::filesystem::perm_options::add);
  EXPECT_EQ(code_of(state_store::open(file)), store_errc::not_private);
  std::filesystem::permissions(file, std::filesystem::perms::group_read, std::filesystem::perm_options::remove);
  run_sql("PRAGMA user_version = 2");
  EXPECT_EQ(code_of(state_store::open(file)), store_errc::newer_schema);
  run_sql("PRAGMA user_version = 1; PRAGMA application_id = 1");
  EXPECT_EQ(code_of(state_store::open(file)), store_errc::not_a_state_file);

  const auto text = folder.file("text");
  ASSERT_TRUE(write_file_atomically(text, std::string(4096, 'x'), 0600));
  EXPECT_EQ(code_of(state_store::open(text)), store_errc::not_a_state_file);
  const auto empty = folder.file("empty");
  ASSERT_TRUE(write_file_atomically(empty, "", 0600));
  EXPECT_EQ(code_of(state_store::open(empty)), store_errc::not_a_state_file);
}

TEST_F(state_store_test, failures_name_the_file) {
  EXPECT_THAT(state_store::open(folder.file("none.db")).error().text, HasSubstr("none.db"));
}

TEST_F(state_store_test, a_key_is_published_then_signs_then_is_replaced_then_goes) {
  auto store = open();
  ASSERT_TRUE(store.publish_key(" k2 ", sample_key(2), now));
  EXPECT_THAT(described(store), ElementsAre("k1 signing", "k2 published"));
  ASSERT_TRUE(store.rotate_key("k2", later));
  EXPECT_THAT(described(store), ElementsAre("k1 replaced", "k2 signing"));
  EXPECT_EQ(store.load_issuer().value().current_kid(), "k2");
  EXPECT_EQ(store.load_issuer().value().public_keys().size(), 2u);
  ASSERT_TRUE(store.retire_key("k1", after(later, retired_key_wait.count())));
  EXPECT_THAT(described(store), ElementsAre("k2 signing"));
}

TEST_F(state_store_test, a_replaced_key_stays_for_as_long_as_its_tokens_may_live) {
  auto store = open();
  ASSERT_TRUE(store.publish_key("k2", sample_key(2), now));
  ASSERT_TRUE(store.rotate_key("k2", later));
  EXPECT_EQ(code_of(store.retire_key("k1", after(later, retired_key_wait.count() - 1))), store_errc::key_needed);
  EXPECT_THAT(described(store), ElementsAre("k1 replaced", "k2 signing"));
  EXPECT_TRUE(store.retire_key("k1", later, std::chrono::seconds{0}));
}

TEST_F(state_store_test, key_steps_out_of_order_change_nothing) {
  auto store = open();
  EXPECT_EQ(code_of(store.publish_key("k1", sample_key(2), now)), store_errc::key_exists);
  EXPECT_EQ(code_of(store.publish_key(" ", sample_key(2), now)), store_errc::bad_name);
  EXPECT_EQ(code_of(store.rotate_key("k2", now)), store_errc::unknown_key);
  EXPECT_EQ(code_of(store.rotate_key("k1", now)), store_errc::key_not_waiting);
  EXPECT_EQ(code_of(store.retire_key("k1", now)), store_errc::key_signs);
  EXPECT_EQ(code_of(store.retire_key("k2", now)), store_errc::unknown_key);
  EXPECT_THAT(described(store), ElementsAre("k1 signing"));
  ASSERT_TRUE(store.publish_key("k2", sample_key(2), now));
  ASSERT_TRUE(store.rotate_key("k2", now));
  EXPECT_EQ(code_of(store.rotate_key("k1", now)), store_errc::key_not_waiting) << "a replaced key never returns";
}

TEST_F(state_store_test, a_published_key_can_be_taken_back) {
  auto store = open();
  ASSERT_TRUE(store.publish_key("k2", sample_key(2), now));
  ASSERT_TRUE(store.retire_key("k2", now));
  EXPECT_THAT(described(store), ElementsAre("k1 signing"));
}

TEST_F(state_store_test, as_many_keys_as_the_limit_and_no_more) {
  auto store = open({.limits = {.max_keys = 2}});
  EXPECT_TRUE(store.publish_key("k2", sample_key(2), now));
  EXPECT_EQ(code_of(store.publish_key("k3", sample_key(3), now)), store_errc::limit_reached);
}

TEST_F(state_store_test, the_keyset_file_is_what_a_tunnel_reads) {
  auto store = open();
  ASSERT_TRUE(store.publish_key("k2", sample_key(2), now));
  const auto keyset = folder.file("issuer_keys.json");
  ASSERT_TRUE(store.write_keyset_file(keyset));
  EXPECT_EQ(mode_of(keyset), 0644);
  EXPECT_EQ(read_file(keyset, 4096).value(), store.load_issuer().value().export_keyset_file());
  EXPECT_THAT(read_file(keyset, 4096).value(), HasSubstr("k2"));
  EXPECT_FALSE(store.write_keyset_file(folder.file("missing/issuer_keys.json")));
}

TEST_F(state_store_test, the_private_half_of_a_replaced_key_is_overwritten) {
  const auto secret = sample_key(1).private_key();
  const auto seed = std::string{as_text(secret.view())};
  EXPECT_TRUE(is_on_disk(seed));
  auto store = open();
  ASSERT_TRUE(store.publish_key("k2", sample_key(2), now));
  ASSERT_TRUE(store.rotate_key("k2", now));
  EXPECT_FALSE(is_on_disk(seed));
}

TEST_F(state_store_test, the_private_half_of_a_key_that_was_taken_back_is_overwritten) {
  auto other = open();  // whoever closes a file last empties its log
  auto store = open();
  const auto secret = sample_key(2).private_key();
  const auto seed = std::string{as_text(secret.view())};
  ASSERT_TRUE(store.publish_key("k2", sample_key(2), now));
  EXPECT_TRUE(is_on_disk(seed));
  ASSERT_TRUE(store.retire_key("k2", now));
  EXPECT_FALSE(is_on_disk(seed));
}

TEST_F(state_store_test, an_endpoint_is_found_by_the_channel_id_of_its_credential) {
  auto store = open();
  const auto credential = sample_credential("laptop");
  ASSERT_TRUE(store.add_endpoint(credential, now));
  EXPECT_TRUE(store.has_endpoint("laptop").value());
  EXPECT_FALSE(store.has_endpoint("other").value());
  auto reopened = open();
  const auto found = reopened.find_credential(credential.channel_id).value();
  EXPECT_EQ(found.endpoint_id, "laptop");
  EXPECT_EQ(found.psk, credential.psk);
  EXPECT_EQ(found.init_exp, credential.init_exp);
  EXPECT_EQ(found.suite, credential.suite);
  EXPECT_EQ(code_of(store.find_credential("laptop")), store_errc::unknown_endpoint);
  ASSERT_EQ(store.endpoints().value().size(), 1u);
  EXPECT_EQ(store.endpoints().value()[0].added_at, now);
}

TEST_F(state_store_test, an_endpoint_has_one_credential) {
  auto store = open();
  ASSERT_TRUE(store.add_endpoint(sample_credential("laptop"), now));
  auto again = sample_credential("laptop");
  again.channel_id = "another";
  EXPECT_EQ(code_of(store.add_endpoint(again, now)), store_errc::endpoint_exists);
  auto thief = sample_credential("thief");
  thief.channel_id = sample_credential("laptop").channel_id;
  EXPECT_EQ(code_of(store.add_endpoint(thief, now)), store_errc::channel_id_in_use);
  EXPECT_EQ(store.endpoints().value().size(), 1u);
}

TEST_F(state_store_test, ids_are_bounded_at_256_bytes_of_text) {
  auto store = open();
  EXPECT_TRUE(store.add_endpoint(sample_credential(std::string(256, 'x')), now));
  EXPECT_EQ(code_of(store.add_endpoint(sample_credential(std::string(257, 'x')), now)), store_errc::bad_name);
  EXPECT_EQ(code_of(store.add_endpoint(sample_credential(""), now)), store_errc::bad_name);
  EXPECT_EQ(code_of(store.add_endpoint(sample_credential("\xff"), now)), store_errc::bad_name);
}

TEST_F(state_store_test, ids_that_differ_after_a_zero_byte_are_two) {
  auto store = open();
  using namespace std::string_literals;
  EXPECT_TRUE(store.add_endpoint(sample_credential("a\0b"s), now));
  EXPECT_TRUE(store.add_endpoint(sample_credential("a\0c"s), now));
  EXPECT_FALSE(store.has_endpoint("a").value());
}

TEST_F(state_store_test, as_many_endpoints_as_the_limit_and_no_more) {
  auto store = open({.limits = {.max_endpoints = 1}});
  EXPECT_TRUE(store.add_endpoint(sample_credential("one"), now));
  EXPECT_EQ(code_of(store.add_endpoint(sample_credential("two"), now)), store_errc::limit_reached);
}

TEST_F(state_store_test, a_revoked_endpoint_leaves_nothing_behind) {
  auto store = open();
  const auto credential = sample_credential("laptop");
  ASSERT_TRUE(store.add_endpoint(credential, now));
  ASSERT_TRUE(store.add_ticket(sample_ticket("t", "laptop", later), now));
  ASSERT_TRUE(store.revoke_endpoint("laptop"));
  EXPECT_EQ(code_of(store.find_credential(credential.channel_id)), store_errc::unknown_endpoint);
  EXPECT_EQ(code_of(store.revoke_endpoint("laptop")), store_errc::unknown_endpoint);
  EXPECT_EQ(code_of(store.record_issue(sample_issue("laptop", "c1", later), now)), store_errc::unknown_endpoint);
  EXPECT_FALSE(is_on_disk(as_text(credential.psk.view())));
  ASSERT_TRUE(store.add_endpoint(sample_credential("laptop"), now)) << "the id may have a new credential";
  EXPECT_EQ(code_of(store.check_ticket(hash_of("t"), "laptop", now)), store_errc::ticket_refused);
}

TEST_F(state_store_test, a_ticket_is_good_for_its_uses_its_endpoint_and_its_time) {
  auto store = open();
  ASSERT_TRUE(store.add_endpoint(sample_credential("laptop"), now));
  ASSERT_TRUE(store.add_endpoint(sample_credential("phone"), now));
  auto ticket = sample_ticket("t", "laptop", later);
  ticket.uses = 2;
  ASSERT_TRUE(store.add_ticket(ticket, now));
  EXPECT_TRUE(store.check_ticket(hash_of("t"), "laptop", now));
  EXPECT_FALSE(store.check_ticket(hash_of("t"), "phone", now));
  EXPECT_FALSE(store.check_ticket(hash_of("u"), "laptop", now));
  EXPECT_FALSE(store.check_ticket(hash_of("t"), "laptop", later)) << "it expires at its time";
  EXPECT_TRUE(store.check_ticket(hash_of("t"), "laptop", after(later, -1)));

  auto issue = sample_issue("laptop", "c1", later);
  issue.ticket = hash_of("t");
  EXPECT_TRUE(store.record_issue(issue, now));
  issue.channel_id = "c2";
  EXPECT_TRUE(store.record_issue(issue, now));
  issue.channel_id = "c3";
  EXPECT_EQ(code_of(store.record_issue(issue, now)), store_errc::ticket_refused);
  EXPECT_TRUE(store.record_issue(sample_issue("laptop", "c3", later), now)) << "a refusal noted no channel";
}

TEST_F(state_store_test, a_use_of_a_ticket_is_spent_only_when_the_channel_is_noted) {
  auto store = open();
  ASSERT_TRUE(store.add_endpoint(sample_credential("laptop"), now));
  ASSERT_TRUE(store.add_ticket(sample_ticket("t", "laptop", later), now));
  ASSERT_TRUE(store.record_issue(sample_issue("laptop", "c1", later), now));
  auto issue = sample_issue("laptop", "c1", later);
  issue.ticket = hash_of("t");
  EXPECT_EQ(code_of(store.record_issue(issue, now)), store_errc::channel_id_in_use);
  EXPECT_TRUE(store.check_ticket(hash_of("t"), "laptop", now));
}

TEST_F(state_store_test, tickets_that_expired_make_room) {
  auto store = open({.limits = {.max_tickets = 1}});
  ASSERT_TRUE(store.add_endpoint(sample_credential("laptop"), now));
  EXPECT_EQ(code_of(store.add_ticket(sample_ticket("t", "nobody", later), now)), store_errc::unknown_endpoint);
  EXPECT_TRUE(store.add_ticket(sample_ticket("t", "laptop", later), now));
  EXPECT_EQ(code_of(store.add_ticket(sample_ticket("u", "laptop", later), now)), store_errc::limit_reached);
  EXPECT_TRUE(store.add_ticket(sample_ticket("u", "laptop", after(later, 1)), later));
}

TEST_F(state_store_test, a_channel_id_is_given_out_once_while_it_is_good) {
  auto store = open();
  ASSERT_TRUE(store.add_endpoint(sample_credential("laptop"), now));
  EXPECT_EQ(store.record_issue(sample_issue("laptop", "c1", later), now).value(), sample_key(1).public_key());
  auto reopened = open();
  EXPECT_EQ(code_of(reopened.record_issue(sample_issue("laptop", "c1", later), now)), store_errc::channel_id_in_use);
  EXPECT_EQ(code_of(reopened.record_issue(sample_issue("laptop", "c1", later), after(later, -1))),
            store_errc::channel_id_in_use);
  EXPECT_TRUE(reopened.record_issue(sample_issue("laptop", "c1", after(later, 60)), later));
}

TEST_F(state_store_test, issues_that_are_noted_together_are_refused_one_by_one) {
  auto store = open();
  ASSERT_TRUE(store.add_endpoint(sample_credential("laptop"), now));
  ASSERT_TRUE(store.add_ticket(sample_ticket("t", "laptop", later), now));
  std::vector<issue_record> batch;
  for (const auto* channel : {"c1", "c2", "c1", "c3"}) batch.push_back(sample_issue("laptop", channel, later));
  batch[1].ticket = hash_of("t");
  batch[2].ticket = hash_of("t");
  batch.push_back(sample_issue("nobody", "c4", later));
  batch.push_back(sample_issue("laptop", "c4", later));
  const auto noted = store.record_issues(batch, now);
  ASSERT_EQ(noted.size(), 6u);
  EXPECT_TRUE(noted[0] && noted[1] && noted[3] && noted[5]);
  EXPECT_EQ(code_of(noted[2]), store_errc::ticket_refused) << "spent by the one before";
  EXPECT_EQ(code_of(noted[4]), store_errc::unknown_endpoint);
  EXPECT_TRUE(store.record_issues({}, now).empty());
}

TEST_F(state_store_test, issues_that_cannot_be_written_are_all_refused) {
  auto store = open({.limits = {.busy_timeout = std::chrono::milliseconds{1}}});
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const std::vector<issue_record> batch(2, sample_issue("laptop", "c1", later));
  const auto noted = store.record_issues(batch, now);
  sqlite3_close(other);
  ASSERT_EQ(noted.size(), 2u);
  EXPECT_EQ(code_of(noted[1]), store_errc::storage_failed);
}

TEST_F(state_store_test, channels_that_expired_are_forgotten) {
  auto store = open();
  ASSERT_TRUE(store.add_endpoint(sample_credential("laptop"), now));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(store.record_issue(sample_issue("laptop", "old" + std::to_string(i), later), now));
  }
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(store.record_issue(sample_issue("laptop", "new" + std::to_string(i), after(later, 60)), later));
  }
  const auto copy = folder.file("copy.db");  // has live rows only
  ASSERT_TRUE(store.back_up(copy));
  EXPECT_EQ(bytes_of(copy).find("old"), std::string::npos);
  EXPECT_NE(bytes_of(copy).find("new1"), std::string::npos);
}

TEST_F(state_store_test, issuing_names_the_key_that_signs_at_that_moment) {
  auto store = open();
  auto administrator = open();
  ASSERT_TRUE(store.add_endpoint(sample_credential("laptop"), now));
  EXPECT_EQ(store.record_issue(sample_issue("laptop", "c1", later), now).value(), sample_key(1).public_key());
  ASSERT_TRUE(administrator.publish_key("k2", sample_key(2), now));
  EXPECT_EQ(store.record_issue(sample_issue("laptop", "c2", later), now).value(), sample_key(1).public_key());
  ASSERT_TRUE(administrator.rotate_key("k2", now));
  EXPECT_EQ(store.record_issue(sample_issue("laptop", "c3", later), now).value(), sample_key(2).public_key());
}

TEST_F(state_store_test, the_revision_tells_of_what_another_process_changed) {
  auto store = open();
  auto administrator = open();
  auto seen = store.revision().value();
  EXPECT_EQ(store.revision().value(), seen);
  const auto changed = [&](std::int64_t state_revision::*part) {
    const auto before = std::exchange(seen, store.revision().value());
    auto expected = before;
    expected.*part = seen.*part;
    return seen.*part != before.*part && seen == expected;
  };
  ASSERT_TRUE(administrator.add_endpoint(sample_credential("laptop"), now));
  EXPECT_TRUE(changed(&state_revision::endpoints));
  ASSERT_TRUE(administrator.revoke_endpoint("laptop"));
  EXPECT_TRUE(changed(&state_revision::endpoints));
  ASSERT_TRUE(administrator.publish_key("k2", sample_key(2), now));
  EXPECT_TRUE(changed(&state_revision::keys));
  ASSERT_TRUE(administrator.rotate_key("k2", now));
  EXPECT_TRUE(changed(&state_revision::keys));
  ASSERT_TRUE(administrator.retire_key("k1", now, std::chrono::seconds{0}));
  EXPECT_TRUE(changed(&state_revision::keys));
  ASSERT_TRUE(administrator.add_endpoint(sample_credential("laptop"), now));
  EXPECT_TRUE(changed(&state_revision::endpoints));
  ASSERT_TRUE(administrator.add_ticket(sample_ticket("t", "laptop", later), now));
  ASSERT_TRUE(administrator.record_issue(sample_issue("laptop", "c1", later), now));
  EXPECT_EQ(store.revision().value(), seen) << "tickets and channels are no news";
}

TEST_F(state_store_test, a_process_that_writes_for_too_long_is_not_waited_for) {
  auto store = open({.limits = {.busy_timeout = std::chrono::milliseconds{1}}});
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_EQ(code_of(store.add_endpoint(sample_credential("laptop"), now)), store_errc::storage_failed);
  ASSERT_EQ(sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  EXPECT_TRUE(store.add_endpoint(sample_credential("laptop"), now));
}

TEST_F(state_store_test, a_backup_is_a_private_state_file_of_its_own) {
  auto store = open();
  ASSERT_TRUE(store.add_endpoint(sample_credential("laptop"), now));
  const auto copy = folder.file("backup.db");
  ASSERT_TRUE(store.back_up(copy));
  EXPECT_EQ(mode_of(copy), 0600);
  auto restored = state_store::open(copy);
  ASSERT_TRUE(restored) << restored.error().text;
  EXPECT_TRUE(restored->has_endpoint("laptop").value());
  EXPECT_EQ(restored->load_issuer().value().current_kid(), "k1");
  EXPECT_EQ(code_of(store.back_up(copy)), store_errc::file_exists);
  EXPECT_TRUE(store.has_endpoint("laptop").value());
}

}  // namespace
}  // namespace flowersec::controlplane
