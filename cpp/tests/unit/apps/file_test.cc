#include "cli/file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

namespace flowersec::apps {
namespace {

using testing::HasSubstr;

struct temporary_file {
  explicit temporary_file(const std::string& contents) { std::ofstream{path} << contents; }
  ~temporary_file() { std::filesystem::remove(path); }
  std::string path =
      testing::TempDir() + "flowersec_file_test_" + testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST(read_text_file, takes_exactly_the_limit_and_not_one_byte_more) {
  const temporary_file file{std::string(5000, 'x')};
  EXPECT_EQ(read_text_file(file.path, 5000).value().size(), 5000u);
  EXPECT_THAT(read_text_file(file.path, 4999).error().text, HasSubstr("more than 4999 bytes"));
}

TEST(read_text_file, reads_an_empty_file) {
  const temporary_file file{""};
  EXPECT_EQ(read_text_file(file.path, 10).value(), "");
}

TEST(read_text_file, names_the_path_and_the_problem) {
  EXPECT_EQ(read_text_file("/no/such/file", 10).error().text, "cannot read /no/such/file: No such file or directory");
  EXPECT_EQ(read_text_file("/", 10).error().text, "cannot read /: Is a directory");
}

/// A pipe with a name.
struct temporary_pipe {
  temporary_pipe() { EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0); }
  ~temporary_pipe() { std::filesystem::remove(path); }
  std::string path =
      testing::TempDir() + "flowersec_pipe_test_" + testing::UnitTest::GetInstance()->current_test_info()->name();
};

/// A pipe that is open already, as a shell gives one to a program.
struct given_pipe {
  explicit given_pipe(const std::string& contents) {
    EXPECT_EQ(::pipe(ends.data()), 0);
    EXPECT_EQ(::write(ends[1], contents.data(), contents.size()), static_cast<ssize_t>(contents.size()));
    ::close(ends[1]);
  }
  ~given_pipe() { ::close(ends[0]); }
  [[nodiscard]] std::string path() const { return "/dev/fd/" + std::to_string(ends[0]); }
  std::array<int, 2> ends{};
};

TEST(read_text_file, waits_for_who_writes_into_a_pipe) {
  const temporary_pipe pipe;
  std::thread writer{[&pipe] { std::ofstream{pipe.path} << "text"; }};
  EXPECT_EQ(read_text_file(pipe.path, 10).value(), "text");
  writer.join();
  EXPECT_EQ(read_text_file(given_pipe{"text"}.path(), 10).value(), "text");
}

TEST(read_watched_file, takes_files_as_read_text_file_does) {
  const temporary_file file{"text"};
  EXPECT_EQ(read_watched_file(file.path, 4).value(), "text");
  EXPECT_THAT(read_watched_file(file.path, 3).error().text, HasSubstr("more than 3 bytes"));
  EXPECT_EQ(read_watched_file("/no/file", 9).error().text, "cannot read /no/file: No such file or directory");
  EXPECT_EQ(read_watched_file("/", 9).error().text, "cannot read /: Is a directory");
  EXPECT_EQ(unreadable_problem(file.path), std::nullopt);
  EXPECT_EQ(unreadable_problem("/no/file").value().text, "cannot read /no/file: No such file or directory");
}

TEST(read_watched_file, never_waits_for_a_pipe_or_a_device_in_its_place) {
  const temporary_pipe pipe;
  for (const auto& path : {pipe.path, std::string{"/dev/zero"}}) {
    EXPECT_EQ(read_watched_file(path, 10).error().text, "cannot read " + path + ": not a regular file");
    EXPECT_EQ(unreadable_problem(path).value().text, "cannot read " + path + ": not a regular file");
  }
}

TEST(read_watched_file, reads_a_pipe_that_it_was_given_open) {
  const given_pipe pipe{"text"};
  EXPECT_EQ(unreadable_problem(pipe.path()), std::nullopt);
  EXPECT_EQ(read_watched_file(pipe.path(), 10).value(), "text");
  EXPECT_EQ(read_watched_file(pipe.path(), 10).value(), "") << "nobody writes any more";
}

}  // namespace
}  // namespace flowersec::apps
