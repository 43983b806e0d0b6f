#include "flowersec/crypto/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "flowersec/crypto/error.h"
#include "flowersec/crypto/secret.h"

namespace flowersec::crypto {
namespace {

constexpr mode_t rights_of_others = S_IRWXG | S_IRWXO;

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

private_file_error system_failure(std::string_view action) {
  const error_code code{errno, boost::system::system_category()};
  return {code, std::string{action} + ": " + code.message()};
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

/// A file beside the target that disappears when this does, whatever name the target has by then.
class temporary_file {
 public:
  explicit temporary_file(const std::filesystem::path& target)
      : name_((target.parent_path() / ("." + target.filename().string() + ".XXXXXX")).string()),
        file_(::mkostemp(name_.data(), O_CLOEXEC)) {}  // created with mode 0600
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() {
    if (there_) ::unlink(name_.c_str());
  }

  [[nodiscard]] bool is_open() const noexcept { return there_; }
  [[nodiscard]] bool fill(std::string_view contents) noexcept {
    return write_all(file_.get(), contents) && ::fsync(file_.get()) == 0 && file_.close();
  }
  /// Over what has that name.
  [[nodiscard]] bool replace(const std::filesystem::path& target) noexcept {
    if (::rename(name_.c_str(), target.c_str()) != 0) return false;
    there_ = false;
    return true;
  }
  /// Fails with EEXIST when something has that name.
  [[nodiscard]] bool become(const std::filesystem::path& target) noexcept {
    return ::link(name_.c_str(), target.c_str()) == 0;
  }

 private:
  std::string name_;
  descriptor file_;
  bool there_ = file_.is_open();
};

}  // namespace

void wipe(std::string& text) noexcept {
  wipe(std::as_writable_bytes(std::span{text.data(), text.size()}));
  text.clear();
}

private_file_result<std::string> read_private_file(const std::filesystem::path& path, std::size_t max_bytes) {
  // Not blocking: a pipe of that name must not hold up whoever asks.
  const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file.is_open()) return system_failure("cannot be opened");
  struct ::stat about {};
  if (::fstat(file.get(), &about) != 0) return system_failure("cannot be looked at");
  if (!S_ISREG(about.st_mode)) return private_file_error{crypto_errc::bad_private_file, "not a file"};
  if ((about.st_mode & rights_of_others) != 0) {
    return private_file_error{crypto_errc::private_file_shared,
                              "group or others have rights to it; its mode must be 0600"};
  }
  // In one piece, so that no part of it stays behind in a buffer that grew. One byte more, to see whether there is one.
  std::string contents(max_bytes + 1, '\0');
  std::size_t used = 0;
  while (used <= max_bytes) {
    const auto got = ::read(file.get(), contents.data() + used, contents.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const auto failed = system_failure("cannot be read");
      wipe(contents);
      return failed;
    }
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  if (used > max_bytes) {
    wipe(contents);
    return private_file_error{crypto_errc::bad_private_file, "more than " + std::to_string(max_bytes) + " bytes"};
  }
  contents.resize(used);
  return contents;
}

private_file_result<void> write_private_file(const std::filesystem::path& path, std::string_view contents,
                                             existing_file existing) {
  temporary_file file{path};
  if (!file.is_open()) return system_failure("no file can be created beside it");
  if (!file.fill(contents)) return system_failure("cannot be written");
  const bool placed = existing == existing_file::replace ? file.replace(path) : file.become(path);
  if (!placed) return system_failure(existing == existing_file::replace ? "cannot be replaced" : "cannot be created");
  return {};
}

}  // namespace flowersec::crypto
