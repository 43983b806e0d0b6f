// A journal on a real disk: opened again it knows what it knew, and nobody else can use it meanwhile.
#include "tunnel/journal_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <future>
#include <map>

#include "support/process.h"
#include "tunnel/journal_format.h"

namespace flowersec::tunnel {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using testing_support::read_whole_file;
using testing_support::write_whole_file;

class journal : public ::testing::Test {
 protected:
  replay_journal_result<opened_replay_journal> open() { return open_replay_journal({.path = path}, wall, mono); }
  void must_open() {
    auto opened = open();
    ASSERT_TRUE(opened) << opened.error().text;
    found = std::move(*opened);
  }
  std::string problem() {
    found.store.reset();
    auto opened = open();
    return opened ? "(none)" : opened.error().text;
  }
  replay_answer use(const std::string& key, std::int64_t lives_s = 60) {
    std::promise<replay_answer> answer;
    found.store->try_use({key, count(to_unix_seconds(wall)) + lives_s}, wall, mono, mono + seconds{3},
                         [&](replay_answer what) { answer.set_value(what); });
    return answer.get_future().get();
  }
  void close() { found.store.reset(); }
  /// A journal with the tokens "0", "1", ... that were written one by one.
  std::string written(int tokens) {
    must_open();
    for (int i = 0; i < tokens; ++i) EXPECT_EQ(use(std::to_string(i)), replay_answer::fresh);
    close();
    return read_whole_file(path);
  }

  testing_support::temporary_folder folder;
  std::string path = folder.file("used tokens.journal");
  wall_time wall{seconds{1'800'000'000}};
  mono_time mono{seconds{500}};
  opened_replay_journal found;
};

TEST_F(journal, opened_again_it_refuses_what_was_used_until_its_time_is_over) {
  must_open();
  EXPECT_EQ(found.entries, 0u);
  EXPECT_EQ(use("a", 60), replay_answer::fresh);
  EXPECT_EQ(use("b", 10), replay_answer::fresh);
  close();
  wall += seconds{10};
  mono = mono_time{seconds{3}};  // another boot: the other clock began again
  must_open();
  EXPECT_EQ(found.entries, 2u);
  EXPECT_EQ(found.cut_bytes, 0u);
  EXPECT_EQ(use("a"), replay_answer::used);
  EXPECT_EQ(use("b"), replay_answer::used) << "in its last second";
  EXPECT_EQ(use("c"), replay_answer::fresh);
  close();
  wall += seconds{1};
  must_open();
  EXPECT_EQ(found.entries, 2u);
  EXPECT_EQ(use("b"), replay_answer::fresh);
  EXPECT_EQ(use("c"), replay_answer::used);
}

TEST_F(journal, the_last_second_of_a_loaded_token_ends_with_the_wall_clock_s) {
  wall += std::chrono::milliseconds{250};
  must_open();
  EXPECT_EQ(use("a", 10), replay_answer::fresh);
  close();
  must_open();
  wall += std::chrono::milliseconds{10'749};
  mono += std::chrono::milliseconds{10'749};
  EXPECT_EQ(use("a"), replay_answer::used);
  wall += std::chrono::milliseconds{1};
  mono += std::chrono::milliseconds{1};
  EXPECT_EQ(use("a"), replay_answer::fresh);
}

TEST_F(journal, only_its_owner_may_read_it_and_no_token_can_be_read_in_it) {
  write_whole_file(path, "");
  std::filesystem::permissions(path, std::filesystem::perms::all);
  write_whole_file(path + ".new", "left behind");
  std::filesystem::permissions(path + ".new", std::filesystem::perms::all);
  must_open();
  EXPECT_EQ(use("token-id-in-the-clear"), replay_answer::fresh);
  for (const auto& name : {path, path + ".lock"}) {
    struct stat facts {};
    ASSERT_EQ(::stat(name.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  EXPECT_EQ(read_whole_file(path).find("token-id"), std::string::npos);
}

TEST_F(journal, a_second_one_on_the_same_file_is_refused_and_a_later_one_is_not) {
  must_open();
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().text, "another process is using it (" + path + ".lock is locked)");
  EXPECT_EQ(use("a"), replay_answer::fresh) << "the first one goes on";
  close();
  must_open();
}

TEST_F(journal, every_truncation_opens_with_the_whole_records_before_it) {
  const auto whole = written(3);
  // The mark of the rewrite at the start, then a record per token.
  const auto begin = journal_header_bytes + journal_record_bytes;
  ASSERT_EQ(whole.size(), begin + 3 * journal_record_bytes);
  for (auto length = begin; length < whole.size(); ++length) {
    write_whole_file(path, whole.substr(0, length));
    must_open();
    const auto records = (length - begin) / journal_record_bytes;
    EXPECT_EQ(found.entries, records) << length;
    EXPECT_EQ(found.cut_bytes, length - begin - records * journal_record_bytes) << length;
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(use(std::to_string(i)), i < records ? replay_answer::used : replay_answer::fresh) << length;
    }
    close();
  }
}

TEST_F(journal, damage_before_the_end_is_named_and_nothing_is_touched) {
  auto bytes = written(3);
  const auto offset = journal_header_bytes + journal_record_bytes;
  bytes[offset] = static_cast<char>(bytes[offset] ^ 1);
  write_whole_file(path, bytes);
  EXPECT_THAT(problem(), HasSubstr("the record at offset " + std::to_string(offset) + " is damaged"));
  EXPECT_EQ(read_whole_file(path), bytes);
}

TEST_F(journal, other_files_are_not_taken_for_journals) {
  write_whole_file(path, "{}");
  EXPECT_EQ(problem(), "this is not a replay journal");
  EXPECT_EQ(read_whole_file(path), "{}");
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_EQ(problem(), "it is not a regular file");
  std::filesystem::remove(path);
  std::filesystem::create_symlink("/dev/null", path);
  EXPECT_EQ(problem(), "it is not a regular file");
}

TEST_F(journal, a_missing_folder_is_named) {
  path = folder.file("missing/journal");
  EXPECT_EQ(problem(), "cannot open the folder " + folder.file("missing") + ": No such file or directory");
}

TEST_F(journal, an_empty_file_is_a_new_journal) {
  write_whole_file(path, "");
  must_open();
  EXPECT_EQ(use("a"), replay_answer::fresh);
}

TEST_F(journal, a_smaller_limit_than_before_keeps_what_is_known_and_refuses_the_rest) {
  (void)written(3);
  auto opened = open_replay_journal({.path = path, .max_entries = 2}, wall, mono);
  ASSERT_TRUE(opened);
  found = std::move(*opened);
  EXPECT_EQ(found.entries, 3u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(use(std::to_string(i)), replay_answer::used);
  EXPECT_EQ(use("new"), replay_answer::unavailable);
}

/// Names and contents of everything in the folder.
std::map<std::string, std::string> all_of(const testing_support::temporary_folder& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator{folder.path()}) {
    all[entry.path().filename().string()] = read_whole_file(entry.path().string());
  }
  return all;
}

TEST_F(journal, a_look_changes_and_makes_nothing_and_sees_who_uses_it) {
  ASSERT_TRUE(look_at_replay_journal(path)) << "one that is not there is a new one";
  EXPECT_TRUE(all_of(folder).empty());
  const auto whole = written(2);
  write_whole_file(path, whole.substr(0, whole.size() - 1));
  const auto before = all_of(folder);
  for (int i = 0; i < 2; ++i) {
    const auto seen = look_at_replay_journal(path);
    ASSERT_TRUE(seen) << seen.error().text;
    EXPECT_FALSE(seen->in_use);
    EXPECT_EQ(all_of(folder), before) << "an unfinished write is not cut off";
  }
  must_open();
  EXPECT_TRUE(look_at_replay_journal(path).value().in_use);
  EXPECT_EQ(use("a"), replay_answer::fresh) << "which goes on";
}

TEST_F(journal, a_look_finds_what_opening_would) {
  auto whole = written(3);
  whole[journal_header_bytes] = static_cast<char>(~whole[journal_header_bytes]);
  const auto expect_both = [this](const std::string& what) {
    const auto seen = look_at_replay_journal(path);
    ASSERT_TRUE(seen.has_error()) << what;
    EXPECT_EQ(seen.error().text, problem());
  };
  write_whole_file(path, whole);
  expect_both("a damaged record");
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  expect_both("a folder");
  std::filesystem::remove(path);
  std::filesystem::create_symlink("elsewhere", path);
  expect_both("a link");
  std::filesystem::remove(path);
  std::filesystem::remove(path + ".lock");
  std::filesystem::create_symlink("elsewhere", path + ".lock");
  expect_both("a link for a lock");
  path = folder.file("missing/used.journal");
  EXPECT_THAT(look_at_replay_journal(path).error().text, HasSubstr("cannot write to the folder"));
}

}  // namespace
}  // namespace flowersec::tunnel
