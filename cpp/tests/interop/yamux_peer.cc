// yamux-peer: yamux over a bare TCP connection, without the records below it, for peers of other makers.
// Lines on stdin: `<number> session client|server to=<port> [limit=value...]` and the words of yamux_program.h;
// lines on stdout: `<number> <what came of it>`. One session at a time; the end of stdin ends the program.
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iostream>
#include <sstream>

#include "interop/yamux_program.h"

namespace {

using namespace flowersec;

constexpr std::size_t most_output = 65536 + yamux::header_bytes;

int dial(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return -1;
  (void)::fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

/// The connection, and what has not left for it.
class line {
 public:
  explicit line(interop::yamux_program& program) : program_(program) {}

  void session(const std::string& number, const std::vector<std::string>& words) {
    close();
    yamux::session_options options{};
    options.is = words.at(1) == "client" ? yamux::role::client : yamux::role::server;
    int port = 0;
    for (std::size_t i = 2; i < words.size(); i++) {
      const auto equals = words[i].find('=');
      const auto name = words[i].substr(0, equals);
      const auto value = std::stoul(words[i].substr(equals + 1));
      if (name == "to") port = static_cast<int>(value);
      if (name == "active") options.limits.max_active_streams = value;
      if (name == "inbound") options.limits.max_inbound_streams = value;
      if (name == "frame") options.limits.max_frame_bytes = value;
      if (name == "outbound_frame") options.limits.preferred_outbound_frame_bytes = value;
      if (name == "write_queue") options.limits.max_stream_write_queue_bytes = value;
    }
    auto made = yamux::session::create(options);
    if (!made) {
      std::cout << number << " error invalid_limits" << std::endl;
      return;
    }
    fd_ = dial(port);
    program_.start(std::move(*made));
    std::cout << number << (fd_ < 0 ? " error dial" : " ok") << std::endl;
  }

  [[nodiscard]] pollfd wants() {
    program_.output_to(out_, most_output);
    if (fd_ >= 0 && program_.ended() && out_.empty()) close();
    const bool reads = !program_.stalled() && !program_.ended();
    return {fd_, static_cast<short>((reads ? POLLIN : 0) | (out_.empty() ? 0 : POLLOUT)), 0};
  }

  void ready(int events) {
    if (fd_ < 0) return;
    if ((events & POLLOUT) != 0) {
      const auto sent = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        out_.erase(out_.begin(), out_.begin() + sent);
      } else if (errno != EAGAIN) {
        out_.clear();
      }
    }
    if ((events & (POLLIN | POLLHUP | POLLERR)) == 0 || program_.stalled()) return;
    std::array<std::byte, 65536> bytes;
    const auto count = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (count > 0) return program_.receive(byte_view{bytes}.first(static_cast<std::size_t>(count)));
    if (count < 0 && errno == EAGAIN) return;
    out_.clear();
    program_.end_of_input();
    close();
  }

 private:
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    out_.clear();
  }

  interop::yamux_program& program_;
  int fd_ = -1;
  std::vector<std::byte> out_;
};

}  // namespace

int main() {
  interop::yamux_program program{[](const std::string& text) { std::cout << text << std::endl; }};
  line connection{program};
  std::string typed;
  while (true) {
    std::array<pollfd, 2> both{pollfd{STDIN_FILENO, POLLIN, 0}, connection.wants()};
    if (::poll(both.data(), both.size(), -1) < 0 && errno != EINTR) return 1;
    connection.ready(both[1].revents);
    if (both[0].revents == 0) continue;
    std::array<char, 4096> text;
    const auto count = ::read(STDIN_FILENO, text.data(), text.size());
    if (count <= 0) return 0;
    typed.append(text.data(), static_cast<std::size_t>(count));
    for (auto end = typed.find('\n'); end != std::string::npos; end = typed.find('\n')) {
      std::istringstream words{typed.substr(0, end)};
      typed.erase(0, end + 1);
      std::string number;
      std::vector<std::string> rest;
      words >> number;
      for (std::string each; words >> each;) rest.push_back(each);
      if (rest.at(0) == "session") {
        connection.session(number, rest);
      } else {
        program.obey(number, rest);
      }
    }
  }
}
