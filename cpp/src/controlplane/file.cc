#include "flowersec/controlplane/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace flowersec::controlplane {
namespace {

/// Enough for every key file and grant, so that reading one leaves no piece of it behind in a buffer that grew.
constexpr std::size_t first_read_bytes = 16384;

/// Owns a file descriptor.
class descriptor {
 public:
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  /// Reports what the destructor would have to swallow: a late write error.
  [[nodiscard]] bool close() noexcept { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

failure system_failure(std::string_view action, const std::filesystem::path& path) {
  const error_code code{errno, boost::system::system_category()};
  return {code, std::string{action} + " " + path.string() + ": " + code.message()};
}

bool write_all(int fd, std::string_view contents) noexcept {
  while (!contents.empty()) {
    const auto written = ::write(fd, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    contents.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// A temporary file that disappears unless it was renamed.
class temporary_file {
 public:
  explicit temporary_file(const std::filesystem::path& target)
      : name_((target.parent_path() / ("." + target.filename().string() + ".XXXXXX")).string()),
        file_(::mkostemp(name_.data(), O_CLOEXEC)) {}  // created with mode 0600
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() {
    if (created_ && !name_.empty()) ::unlink(name_.c_str());
  }

  [[nodiscard]] bool is_open() const noexcept { return created_; }
  [[nodiscard]] bool fill(std::string_view contents, mode_t mode) noexcept {
    return ::fchmod(file_.get(), mode) == 0 && write_all(file_.get(), contents) && ::fsync(file_.get()) == 0 &&
           file_.close();
  }
  [[nodiscard]] bool rename_to(const std::filesystem::path& target) noexcept {
    if (::rename(name_.c_str(), target.c_str()) != 0) return false;
    name_.clear();
    return true;
  }

 private:
  std::string name_;
  descriptor file_;
  bool created_ = file_.is_open();
};

}  // namespace

outcome<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file.is_open()) return system_failure("open", path);
  std::string contents;
  std::size_t used = 0;
  for (;;) {
    // One byte more than allowed, to see whether there is one.
    contents.resize(std::min(std::max(2 * used, first_read_bytes), max_bytes + 1));
    const auto got = ::read(file.get(), contents.data() + used, contents.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure("read", path);
    used += static_cast<std::size_t>(got);
    if (used > max_bytes) {
      return failure{controlplane_errc::file_too_large,
                     "read " + path.string() + ": more than " + std::to_string(max_bytes) + " bytes"};
    }
    if (got > 0) continue;
    contents.resize(used);
    return contents;
  }
}

outcome<void> write_file_atomically(const std::filesystem::path& path, std::string_view contents, mode_t mode) {
  temporary_file file{path};
  if (!file.is_open()) return system_failure("create a file beside", path);
  if (!file.fill(contents, mode)) return system_failure("write", path);
  if (!file.rename_to(path)) return system_failure("replace", path);
  if (::chmod(path.c_str(), mode) != 0) return system_failure("set the mode of", path);
  return {};
}

}  // namespace flowersec::controlplane
