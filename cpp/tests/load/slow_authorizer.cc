#include "slow_authorizer.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <vector>

#include "sockets.h"

namespace flowersec::load {
namespace {

using bench::unique_fd;

std::size_t announced_bytes(const std::string& head) {
  constexpr std::string_view name = "\r\nContent-Length: ";
  const auto at = head.find(name);
  if (at == std::string::npos) throw bench::bench_error("a request without a length: " + head);
  std::size_t bytes = 0;
  const auto* const begin = head.data() + at + name.size();
  if (std::from_chars(begin, head.data() + head.size(), bytes).ec != std::errc{}) {
    throw bench::bench_error("no length: " + head);
  }
  return bytes;
}

/// Head and body; what came of it when the tunnel left before.
std::string read_request(int fd) {
  std::string text;
  std::array<char, 4096> chunk{};
  for (;;) {
    const auto head_end = text.find("\r\n\r\n");
    if (head_end != std::string::npos && text.size() >= head_end + 4 + announced_bytes(text.substr(0, head_end + 2))) {
      return text;
    }
    const auto count = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (count <= 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

std::string answer_of(const std::string& body, std::size_t announced) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
         std::to_string(announced) + "\r\n\r\n" + body;
}

}  // namespace

void serve_slowly(orders& parent) {
  const auto listener = bench::listen_on_loopback();
  parent.answer({static_cast<double>(bench::local_port(listener.get()))});
  const std::string allowed = R"({"allowed":true})";
  const auto whole = answer_of(allowed, allowed.size());
  const auto unfinished = answer_of(std::string(most_answer_bytes - 1, ' '), most_answer_bytes);
  std::vector<unique_fd> waiting;
  std::array<pollfd, 2> watched{pollfd{.fd = listener.get(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = parent.fd(), .events = POLLIN, .revents = 0}};
  while (::poll(watched.data(), watched.size(), -1) > 0 && watched[1].revents == 0) {
    auto caller = bench::accept_from(listener.get());
    const bool keeps = read_request(caller.get()).find(kept_waiting) != std::string::npos;
    bench::write_all(caller.get(), as_bytes(keeps ? unfinished : whole));
    if (keeps) waiting.push_back(std::move(caller));
  }
}

std::string authorizer_url(std::uint16_t port) { return "http://127.0.0.1:" + std::to_string(port) + "/attach"; }

}  // namespace flowersec::load
