#include "relay.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <fstream>

namespace flowersec::bench {
namespace {

class own_byte_relay final : public relay {
 public:
  [[nodiscard]] delivery what_arrives() const override { return delivery::as_sent; }
  [[nodiscard]] const child_process& process() const override { return child_; }

  [[nodiscard]] std::vector<connection_pair> connect(std::size_t pairs) override {
    std::vector<connection_pair> connected;
    for (std::size_t i = 0; i < pairs; ++i) {
      auto sender = connect_to(port_);
      auto sink = connect_to(port_);
      connected.push_back({std::move(sender), std::move(sink)});
    }
    return connected;
  }

 private:
  child_process child_ = start_own_child("byte-relay");
  std::uint16_t port_ = static_cast<std::uint16_t>(std::stoi(child_.read_line()));
};

class own_beast_relay final : public relay {
 public:
  [[nodiscard]] delivery what_arrives() const override { return delivery::unmasked; }
  [[nodiscard]] const child_process& process() const override { return child_; }

  [[nodiscard]] std::vector<connection_pair> connect(std::size_t pairs) override {
    std::vector<connection_pair> connected;
    for (std::size_t i = 0; i < pairs; ++i) {
      auto sender = connect_to(port_);
      auto sink = connect_to(port_);
      for (const int fd : {sender.get(), sink.get()}) upgrade_to_websocket(fd, "/", "http://localhost");
      connected.push_back({std::move(sender), std::move(sink)});
    }
    return connected;
  }

 private:
  child_process child_ = start_own_child("beast-relay");
  std::uint16_t port_ = static_cast<std::uint16_t>(std::stoi(child_.read_line()));
};

/// Connects each client to a server of ours, which is the other end of the pair.
class haproxy final : public relay {
 public:
  haproxy(const std::string& program, const std::vector<std::string>& environment)
      : child_(start(program, environment)) {
    wait_until_it_listens();
  }

  [[nodiscard]] delivery what_arrives() const override { return delivery::as_sent; }
  [[nodiscard]] const child_process& process() const override { return child_; }

  [[nodiscard]] std::vector<connection_pair> connect(std::size_t pairs) override {
    std::vector<connection_pair> connected;
    for (std::size_t i = 0; i < pairs; ++i) {
      auto sender = connect_to(port_);
      auto sink = accept_from(server_.get());
      connected.push_back({std::move(sender), std::move(sink)});
    }
    return connected;
  }

 private:
  child_process start(const std::string& program, const std::vector<std::string>& environment) {
    {
      // A port that was free a moment ago: haproxy cannot say which one it was given.
      const auto probe = listen_on_loopback();
      port_ = local_port(probe.get());
    }
    std::ofstream{folder_.file("haproxy.cfg")} << "global\n  nbthread 1\ndefaults\n  mode tcp\n  timeout connect 5s\n  "
                                                  "timeout client 1h\n  timeout server 1h\n"
                                               << "listen relay\n  bind 127.0.0.1:" << port_
                                               << "\n  server generator 127.0.0.1:" << local_port(server_.get())
                                               << "\n";
    return child_process{
        {.command = {program, "-db", "-f", folder_.file("haproxy.cfg")}, .environment = environment, .cpu = relay_cpu}};
  }

  void wait_until_it_listens() {
    constexpr int attempts = 100;
    for (int i = 0; i < attempts; ++i) {
      try {
        const auto sender = connect_to(port_);
        const auto sink = accept_from(server_.get());
        return;
      } catch (const bench_error&) {
        ::usleep(20'000);
      }
    }
    throw bench_error("haproxy did not start");
  }

  temporary_directory folder_;
  unique_fd server_ = listen_on_loopback();
  std::uint16_t port_ = 0;
  child_process child_;
};

}  // namespace

child_process start_own_child(const std::string& name, const std::vector<std::string>& arguments) {
  std::vector<std::string> command{"/proc/self/exe", "--child", name};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return child_process{{.command = std::move(command), .cpu = relay_cpu, .quiet = false}};
}

std::unique_ptr<relay> start_byte_relay() { return std::make_unique<own_byte_relay>(); }

std::unique_ptr<relay> start_beast_relay() { return std::make_unique<own_beast_relay>(); }

std::unique_ptr<relay> start_haproxy(const std::vector<std::string>& environment) {
  const auto program = find_program("haproxy");
  return program ? std::make_unique<haproxy>(*program, environment) : nullptr;
}

std::string upgrade_request(const std::string& path, const std::string& origin) {
  return "GET " + path +
         " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: " +
         origin + "\r\n\r\n";
}

void check_upgrade_answer(const std::string& answer) {
  if (!answer.starts_with("HTTP/1.1 101")) throw bench_error("upgrade refused: " + answer.substr(0, answer.find('\r')));
}

void request_upgrade(int fd, const std::string& path, const std::string& origin) {
  set_timeout(fd, std::chrono::seconds{5});
  write_all(fd, as_bytes(upgrade_request(path, origin)));
}

void expect_upgraded(int fd) {
  std::string answer;
  while (!answer.ends_with("\r\n\r\n")) {
    std::array<char, 1024> chunk{};
    const auto count = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (count <= 0) throw bench_error("the relay ended a connection during the upgrade");
    answer.append(chunk.data(), static_cast<std::size_t>(count));
  }
  check_upgrade_answer(answer);
}

void upgrade_to_websocket(int fd, const std::string& path, const std::string& origin) {
  request_upgrade(fd, path, origin);
  expect_upgraded(fd);
}

}  // namespace flowersec::bench
