// A folder that exists as long as its object.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace flowersec::testing {

class temporary_folder {
 public:
  explicit temporary_folder(const std::filesystem::path& in = std::filesystem::temp_directory_path()) {
    auto name = (in / "flowersec-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "cannot create " << name;
    path_ = name;
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  /// Where files are cheap, for tests that make many: in memory, if the system has such a place.
  [[nodiscard]] static std::filesystem::path fast_parent() {
    const std::filesystem::path memory{"/dev/shm"};
    return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
  }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace flowersec::testing
