#include "cli/file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace flowersec::apps {
namespace {

problem cannot_read(const std::string& path, const std::string& what) { return {"cannot read " + path + ": " + what}; }
problem cannot_read(const std::string& path) { return cannot_read(path, std::generic_category().message(errno)); }

class descriptor {
 public:
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

or_problem<std::string> read_all(const descriptor& file, const std::string& path, std::size_t max_bytes) {
  std::string text;
  std::array<char, 4096> block{};
  while (true) {
    const auto count = ::read(file.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(path);
    if (count == 0) return or_problem<std::string>{boost::system::in_place_value, std::move(text)};
    text.append(block.data(), static_cast<std::size_t>(count));
    if (text.size() > max_bytes) return cannot_read(path, "more than " + std::to_string(max_bytes) + " bytes");
  }
}

/// A pipe that this process was given open, as a shell's <(...): somebody is at its other end, or was.
bool is_nameless_pipe(const descriptor& file, mode_t mode) {
  struct statfs about {};
  return S_ISFIFO(mode) && ::fstatfs(file.get(), &about) == 0 && about.f_type == PIPEFS_MAGIC;
}

or_problem<descriptor> open_at_once(const std::string& path) {
  descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  struct ::stat about {};
  if (file.get() < 0 || ::fstat(file.get(), &about) != 0) return cannot_read(path);
  if (S_ISDIR(about.st_mode)) return cannot_read(path, std::generic_category().message(EISDIR));
  if (!S_ISREG(about.st_mode) && !is_nameless_pipe(file, about.st_mode)) return cannot_read(path, "not a regular file");
  if (::fcntl(file.get(), F_SETFL, 0) != 0) return cannot_read(path);
  return or_problem<descriptor>{boost::system::in_place_value, std::move(file)};
}

}  // namespace

or_problem<std::string> read_text_file(const std::string& path, std::size_t max_bytes) {
  const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  return file.get() < 0 ? cannot_read(path) : read_all(file, path, max_bytes);
}

or_problem<std::string> read_watched_file(const std::string& path, std::size_t max_bytes) {
  const auto file = open_at_once(path);
  return file ? read_all(*file, path, max_bytes) : file.error();
}

std::optional<problem> unreadable_problem(const std::string& path) {
  const auto file = open_at_once(path);
  return file ? std::nullopt : std::optional{file.error()};
}

}  // namespace flowersec::apps
