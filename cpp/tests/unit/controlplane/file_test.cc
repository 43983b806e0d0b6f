// Files that are written whole or not at all.
#include "flowersec/controlplane/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "support/temporary_folder.h"

namespace flowersec::controlplane {
namespace {

using flowersec::testing_support::temporary_folder;

mode_t mode_of(const std::filesystem::path& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777U;
}

std::size_t entries(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator{folder}, std::filesystem::directory_iterator{}));
}

class atomic_file : public ::testing::Test {
 protected:
  temporary_folder folder;
  const std::filesystem::path path = folder.file("file");
};

TEST_F(atomic_file, has_the_mode_asked_for_whatever_the_umask) {
  const auto before = ::umask(0);
  EXPECT_TRUE(write_file_atomically(path, "secret", secret_file_mode).has_value());
  EXPECT_EQ(mode_of(path), 0600U);
  ::umask(0777);
  EXPECT_TRUE(write_file_atomically(path, "public", public_file_mode).has_value());
  ::umask(before);
  EXPECT_EQ(mode_of(path), 0644U);
  EXPECT_EQ(read_file(path, 100).value(), "public");
}

TEST_F(atomic_file, replaces_contents_and_corrects_a_too_open_mode) {
  ASSERT_TRUE(write_file_atomically(path, "old and longer", public_file_mode).has_value());
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  ASSERT_TRUE(write_file_atomically(path, "new", secret_file_mode).has_value());
  EXPECT_EQ(read_file(path, 100).value(), "new");
  EXPECT_EQ(mode_of(path), 0600U);
  EXPECT_EQ(entries(folder.path()), 1U) << "no temporary file is left";
}

TEST_F(atomic_file, the_folder_must_exist) {
  const auto written = write_file_atomically(folder.file("no/file"), "x", secret_file_mode);
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code, boost::system::errc::no_such_file_or_directory);
  EXPECT_NE(written.error().text.find("/no/file"), std::string::npos);
}

TEST_F(atomic_file, a_failed_rename_leaves_target_and_folder_as_they_were) {
  ASSERT_TRUE(std::filesystem::create_directory(path));
  EXPECT_FALSE(write_file_atomically(path, "x", secret_file_mode).has_value());
  EXPECT_TRUE(std::filesystem::is_directory(path));
  EXPECT_EQ(entries(folder.path()), 1U) << "the temporary file is gone";
}

TEST_F(atomic_file, reading_is_bounded) {
  for (const std::size_t size : {0U, 1U, 16383U, 16384U, 16385U, 40000U}) {
    const std::string contents(size, 'x');
    ASSERT_TRUE(write_file_atomically(path, contents, secret_file_mode).has_value());
    EXPECT_EQ(read_file(path, size).value(), contents) << size;
    EXPECT_EQ(read_file(path, size + 1).value(), contents) << size;
    if (size == 0) continue;
    const auto refused = read_file(path, size - 1);
    ASSERT_FALSE(refused.has_value()) << size;
    EXPECT_EQ(refused.error().code, controlplane_errc::file_too_large);
    EXPECT_NE(refused.error().text.find(path.string()), std::string::npos);
  }
}

TEST_F(atomic_file, reading_what_is_not_there_names_the_path) {
  const auto missing = read_file(path, 100);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, boost::system::errc::no_such_file_or_directory);
  EXPECT_NE(missing.error().text.find(path.string()), std::string::npos);
  EXPECT_FALSE(read_file(folder.path(), 100).has_value()) << "a folder is not a file";
}

TEST_F(atomic_file, an_endless_file_is_given_up_at_the_limit) {
  EXPECT_EQ(read_file("/dev/zero", 100000).error().code, controlplane_errc::file_too_large);
}

}  // namespace
}  // namespace flowersec::controlplane
