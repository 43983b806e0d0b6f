#include "cli/file.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

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

}  // namespace
}  // namespace flowersec::apps
