// A crowd at a chat gateway: sessions from many loopback addresses at once, and what all of them say and hear.
// Test support.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <memory>
#include <vector>

#include "support/ownwire_people.h"

namespace flowersec::ownwire {

/// Raises the limit of this process and those it starts.
inline void want_descriptors(rlim_t wanted) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_GE(limit.rlim_cur, wanted) << "the hard limit is too low";
}

/// Passes bytes on to the gateway from an address of its own.
class address_relay {
 public:
  address_relay(asio::io_context& context, int number, std::uint16_t to)
      : acceptor_{context, any_loopback_port},
        from_{asio::ip::address_v4{0x7F000100U + static_cast<unsigned>(number)}},
        to_{asio::ip::address_v4::loopback(), to} {
    asio::co_spawn(context, serve(), asio::detached);
  }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  [[nodiscard]] std::string url() const { return "ws://127.0.0.1:" + std::to_string(port()) + "/ws"; }

 private:
  using shared_socket = std::shared_ptr<tcp::socket>;

  awaitable<void> serve() {
    while (true) {
      auto [failed, accepted] = co_await acceptor_.async_accept(as_result);
      if (failed) co_return;
      const auto near = std::make_shared<tcp::socket>(std::move(accepted));
      const auto far = std::make_shared<tcp::socket>(near->get_executor());
      far->open(tcp::v4());
      far->bind({from_, 0});
      co_await far->async_connect(to_, asio::use_awaitable);
      asio::co_spawn(near->get_executor(), pump(near, far), asio::detached);
      asio::co_spawn(near->get_executor(), pump(far, near), asio::detached);
    }
  }
  static awaitable<void> pump(shared_socket from, shared_socket to) {
    std::array<std::byte, 8192> buffer;
    while (true) {
      const auto [failed, bytes] = co_await from->async_read_some(asio::buffer(buffer), as_result);
      if (failed) break;
      const auto [lost, written] = co_await asio::async_write(*to, asio::buffer(buffer, bytes), as_result);
      if (lost) break;
    }
    error_code ignored;
    to->shutdown(tcp::socket::shutdown_send, ignored);
  }

  tcp::acceptor acceptor_;
  asio::ip::address from_;
  tcp::endpoint to_;
};

using relay_list = std::vector<std::unique_ptr<address_relay>>;

inline relay_list relays_to(asio::io_context& context, std::uint16_t port, int addresses) {
  relay_list relays;
  for (int i = 1; i <= addresses; ++i) relays.push_back(std::make_unique<address_relay>(context, i, port));
  return relays;
}

inline std::vector<std::string> urls_of(const relay_list& relays) {
  std::vector<std::string> urls;
  for (const auto& relay : relays) urls.push_back(relay->url());
  return urls;
}

/// Relays in a process of their own: two descriptors for each connection are not this one's. Before any thread.
class relay_process {
 public:
  /// Addresses 127.0.1.`first` and those behind it.
  relay_process(std::uint16_t port, int first, int addresses) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("no process");
    if (pid_ == 0) serve(port, first, addresses, ends[1]);
    close(ends[1]);
    std::string ports;
    std::array<char, 512> piece{};
    for (ssize_t count = 0; (count = read(ends[0], piece.data(), piece.size())) > 0;) {
      ports.append(piece.data(), static_cast<std::size_t>(count));
    }
    close(ends[0]);
    for (std::size_t at = 0; at < ports.size(); at = ports.find('\n', at) + 1) {
      urls_.push_back("ws://127.0.0.1:" + ports.substr(at, ports.find('\n', at) - at) + "/ws");
    }
  }
  relay_process(const relay_process&) = delete;
  relay_process& operator=(const relay_process&) = delete;
  ~relay_process() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] const std::vector<std::string>& urls() const noexcept { return urls_; }

 private:
  [[noreturn]] static void serve(std::uint16_t port, int first, int addresses, int report) {
    asio::io_context context;
    relay_list relays;
    std::string ports;
    for (int i = 0; i < addresses; ++i) {
      relays.push_back(std::make_unique<address_relay>(context, first + i, port));
      ports += std::to_string(relays.back()->port()) + '\n';
    }
    const auto written = write(report, ports.data(), ports.size());
    close(report);
    if (written == static_cast<ssize_t>(ports.size())) context.run();
    _exit(1);
  }

  pid_t pid_ = -1;
  std::vector<std::string> urls_;
};

struct crowd {
  int sessions_each = 20;
  std::uint64_t texts_each = 3;
  sealed::public_key key = identity().public_half();
  std::vector<test_user> users{};
  std::vector<std::string> ids{};
  int done = 0;
};

inline awaitable<void> open_some(crowd& all, std::string url, std::string origin) {
  for (int i = 0; i < all.sessions_each; ++i) {
    auto user = co_await test_user::open(url, origin, all.key);
    const auto welcome = co_await user.join();
    EXPECT_EQ(welcome.session_id.size(), 36U);
    all.ids.push_back(welcome.session_id);
    all.users.push_back(std::move(user));
  }
  ++all.done;
}

/// Opens the sessions of every address, all addresses at once.
inline awaitable<void> gather(crowd& all, const std::vector<std::string>& urls) {
  const auto executor = co_await asio::this_coro::executor;
  for (const auto& url : urls) {
    const auto origin = "http" + url.substr(2, url.rfind('/') - 2);
    asio::co_spawn(executor, open_some(all, url, origin), asio::detached);
  }
  co_await until([&] { return all.done == static_cast<int>(urls.size()); });
}

/// Answers every text with its session and itself.
inline awaitable<void> echo(test_client& client) {
  while (true) {
    const auto heard = co_await client.hear();
    if (heard.empty()) co_return;
    const std::string id{heard.at("session_id").as_string()};
    co_await client.reply(id, id + ' ' + std::string{heard.at("content").as_string()});
  }
}

inline awaitable<void> say_all(crowd& all, int number) {
  auto& user = all.users[static_cast<std::size_t>(number)];
  for (std::uint64_t id = 1; id <= all.texts_each; ++id) {
    co_await user.say(text(id, std::to_string(number) + '/' + std::to_string(id)));
  }
}

/// Acknowledgements and replies of one user, in order, and nothing else.
inline awaitable<void> hear_all(crowd& all, int number) {
  auto& user = all.users[static_cast<std::size_t>(number)];
  const auto& own = all.ids[static_cast<std::size_t>(number)];
  std::uint64_t acknowledged = 0;
  std::uint64_t replies = 0;
  while (acknowledged < all.texts_each || replies < all.texts_each) {
    const auto frame = co_await user.hear();
    if (!frame) {
      ADD_FAILURE() << number << " was cut off";
      break;
    }
    if (const auto* ack = std::get_if<ack_frame>(&*frame)) {
      EXPECT_EQ(ack->id, ++acknowledged);
    } else if (const auto* reply = std::get_if<reply_frame>(&*frame)) {
      EXPECT_EQ(reply->seq, ++replies);
      EXPECT_EQ(reply->content, own + ' ' + std::to_string(number) + '/' + std::to_string(replies));
    } else {
      ADD_FAILURE() << encode(*frame);
      break;
    }
  }
  ++all.done;
}

/// Everybody says all texts at once, and each hears the own answers.
inline awaitable<void> talk(crowd& all, test_client& client) {
  const auto executor = co_await asio::this_coro::executor;
  asio::co_spawn(executor, echo(client), asio::detached);
  all.done = 0;
  const auto count = static_cast<int>(all.users.size());
  for (int i = 0; i < count; ++i) {
    asio::co_spawn(executor, say_all(all, i), asio::detached);
    asio::co_spawn(executor, hear_all(all, i), asio::detached);
  }
  co_await until([&] { return all.done == count; });
}

}  // namespace flowersec::ownwire
