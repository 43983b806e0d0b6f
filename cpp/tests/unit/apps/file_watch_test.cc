// Noticing that files are others now, however they came to be.
#include "serving/file_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/process.h"

namespace flowersec::apps {
namespace {

namespace fs = std::filesystem;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

class watching : public ::testing::Test {
 protected:
  watching() {
    write_whole_file(file, "one");
    files.note(file);
  }
  /// A change shows at the second look that finds it.
  void expect_change() {
    EXPECT_FALSE(files.changed()) << "it may still be moving";
    EXPECT_TRUE(files.changed());
    EXPECT_TRUE(files.changed()) << "until it is noted again";
    files.note(file);
    EXPECT_FALSE(files.changed());
  }
  temporary_folder folder;
  std::string file = folder.file("file");
  file_watch files;
};

TEST_F(watching, nothing_changes_by_itself) {
  EXPECT_FALSE(files.changed());
  EXPECT_FALSE(files.changed());
}

TEST_F(watching, an_empty_watch_never_changes) { EXPECT_FALSE(file_watch{}.changed()); }

TEST_F(watching, a_file_written_in_place) {
  write_whole_file(file, "other");
  expect_change();
}

TEST_F(watching, a_file_of_the_same_size_and_times_renamed_over_it) {
  const auto twin = folder.file("twin");
  write_whole_file(twin, "two");
  fs::last_write_time(twin, fs::last_write_time(file));
  fs::rename(twin, file);
  expect_change();
}

TEST_F(watching, a_link_in_the_middle_of_the_path_that_points_elsewhere) {
  for (const auto* version : {"v1", "v2"}) {
    fs::create_directory(folder.file(version));
    write_whole_file(folder.file(version) + "/keys", "same");
  }
  fs::create_directory_symlink("v1", folder.file("current"));
  fs::create_symlink("current/keys", folder.file("keys"));
  files.note(folder.file("keys"));
  fs::create_directory_symlink("v2", folder.file("next"));
  fs::rename(folder.file("next"), folder.file("current"));
  EXPECT_FALSE(files.changed());
  EXPECT_TRUE(files.changed());
}

TEST_F(watching, a_file_that_disappears_and_comes_back) {
  fs::remove(file);
  expect_change();
  write_whole_file(file, "back");
  expect_change();
}

TEST_F(watching, files_that_still_move_are_left_alone) {
  write_whole_file(file, "a");
  EXPECT_FALSE(files.changed());
  write_whole_file(file, "ab");
  EXPECT_FALSE(files.changed());
  write_whole_file(file, "abc");
  EXPECT_FALSE(files.changed());
  EXPECT_TRUE(files.changed());
}

TEST_F(watching, one_moving_file_holds_up_its_companion) {
  const auto companion = folder.file("companion");
  write_whole_file(companion, "one");
  files.note(companion);
  write_whole_file(file, "other");
  EXPECT_FALSE(files.changed());
  write_whole_file(companion, "other");
  EXPECT_FALSE(files.changed());
  EXPECT_TRUE(files.changed());
}

TEST_F(watching, a_file_that_was_moved_away_and_back_is_looked_at_again) {
  const auto aside = folder.file("aside");
  fs::rename(file, aside);
  EXPECT_FALSE(files.changed());
  fs::create_hard_link(aside, file);
  fs::remove(aside);
  // The same file, but its status changed with each link: it is read once more than needed, never once less.
  EXPECT_FALSE(files.changed());
  EXPECT_TRUE(files.changed());
}

}  // namespace
}  // namespace flowersec::apps
