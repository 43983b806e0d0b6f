#include "cli/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace flowersec::apps {
namespace {

problem cannot_read(const std::string& path, const std::string& what) { return {"cannot read " + path + ": " + what}; }

class descriptor {
 public:
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

}  // namespace

or_problem<std::string> read_text_file(const std::string& path, std::size_t max_bytes) {
  const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.get() < 0) return cannot_read(path, std::generic_category().message(errno));
  std::string text;
  std::array<char, 4096> block{};
  while (true) {
    const auto count = ::read(file.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(path, std::generic_category().message(errno));
    if (count == 0) return or_problem<std::string>{boost::system::in_place_value, std::move(text)};
    text.append(block.data(), static_cast<std::size_t>(count));
    if (text.size() > max_bytes) return cannot_read(path, "more than " + std::to_string(max_bytes) + " bytes");
  }
}

}  // namespace flowersec::apps
