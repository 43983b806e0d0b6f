#include "chat/passphrase.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "flowersec/crypto/private_file.h"

namespace flowersec::apps {
namespace {

/// A descriptor that is closed with it.
class terminal {
 public:
  terminal() noexcept : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {}
  ~terminal() {
    if (fd_ >= 0) ::close(fd_);
  }
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;
  [[nodiscard]] int fd() const noexcept { return fd_; }

  void say(std::string_view text) const noexcept {
    while (!text.empty()) {
      const auto written = ::write(fd_, text.data(), text.size());
      if (written <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

 private:
  int fd_;
};

/// While it lives nothing that is typed is shown, and a signal ends a read instead of the process.
class hushed {
 public:
  explicit hushed(int fd) noexcept : fd_(fd), good_(::tcgetattr(fd, &before_) == 0) {
    if (!good_) return;
    auto quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    good_ = ::tcsetattr(fd_, TCSAFLUSH, &quiet) == 0;
    struct sigaction note {};
    note.sa_handler = [](int) {};  // without SA_RESTART
    for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &note, &handlers_[i]);
  }
  ~hushed() {
    if (!good_) return;
    for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &handlers_[i], nullptr);
    ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  hushed(const hushed&) = delete;
  hushed& operator=(const hushed&) = delete;
  [[nodiscard]] bool good() const noexcept { return good_; }

 private:
  static constexpr std::array<int, 3> signals = {SIGINT, SIGTERM, SIGHUP};
  int fd_;
  termios before_{};
  bool good_;
  std::array<struct sigaction, 3> handlers_{};
};

}  // namespace

or_problem<identity::secret_text> read_passphrase_file(const std::string& path) {
  auto read = crypto::read_private_file(path, identity::max_passphrase_bytes + 2);
  if (!read) return problem{path + ": " + read.error().text};
  auto end = read->find('\n');
  if (end != read->npos && end + 1 < read->size()) {
    crypto::wipe(*read);
    return problem{path + ": more than one line"};
  }
  if (end != read->npos && end > 0 && (*read)[end - 1] == '\r') --end;
  if (end != read->npos) read->resize(end);
  return identity::secret_text{std::move(*read)};
}

or_problem<identity::secret_text> ask_passphrase(const std::string& question) {
  const terminal tty;
  if (tty.fd() < 0) return problem{"there is no terminal to ask for the passphrase: --passphrase-file"};
  std::string typed;
  typed.reserve(2 * identity::max_passphrase_bytes);  // never grows, so that no piece stays behind
  const hushed quiet{tty.fd()};
  if (!quiet.good()) return problem{"the terminal shows what is typed: --passphrase-file"};
  tty.say(question);
  for (char each = 0;;) {
    const auto got = ::read(tty.fd(), &each, 1);
    if (got != 1) {
      crypto::wipe(typed);
      tty.say("\n");
      return problem{"no passphrase was given"};
    }
    if (each == '\n') break;
    if (typed.size() < typed.capacity()) typed += each;
  }
  tty.say("\n");
  if (typed.size() > identity::max_passphrase_bytes) {
    crypto::wipe(typed);
    return problem{"a passphrase has at most " + std::to_string(identity::max_passphrase_bytes) + " bytes"};
  }
  return identity::secret_text{std::move(typed)};
}

}  // namespace flowersec::apps
