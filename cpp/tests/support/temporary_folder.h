// A folder that exists as long as its object.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace flowersec::testing_support {

/// A fresh folder, removed with all it holds.
class temporary_folder {
 public:
  /// Throws std::system_error when there cannot be one in `parent`.
  explicit temporary_folder(const std::filesystem::path& parent = std::filesystem::temp_directory_path())
      : path_{(parent / "flowersec-test-XXXXXX").string()} {
    if (::mkdtemp(path_.data()) == nullptr) throw std::system_error{errno, std::generic_category(), path_};
  }
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  /// Where files are cheap, for tests that make many: in memory, if the system has such a place.
  [[nodiscard]] static std::filesystem::path fast_parent() {
    const std::filesystem::path memory{"/dev/shm"};
    return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + '/' + name; }

 private:
  std::string path_;
};

}  // namespace flowersec::testing_support
