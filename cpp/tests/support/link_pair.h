// Two links joined by an in-memory pipe of messages whose every send a test can hold up.
// Test support, on Asio. One io_context that runs only when told, so that a test sees every step.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "flowersec/session/link.h"
#include "support/session_pair.h"

namespace flowersec::testing {

/// One end of the pipe. What the test does to it happens between two steps of the context.
class pipe_transport final : public session::transport {
 public:
  explicit pipe_transport(session::strand serial) : serial_(std::move(serial)) {}
  ~pipe_transport() override {
    if (other_ != nullptr) other_->other_ = nullptr;
  }
  static void join(pipe_transport& a, pipe_transport& b) {
    a.other_ = &b;
    b.other_ = &a;
  }

  /// From now on a send is under way until release(), and nothing of it arrives.
  void hold() { held_ = true; }
  void release() {
    held_ = false;
    if (auto waiting = std::exchange(waiting_, {}); !waiting.empty()) pass_on(std::move(waiting));
  }
  /// Loses everything after this many more messages.
  void lose_after(std::size_t messages) { left_ = messages; }
  /// Ends as TCP does when the other side is gone: without a word.
  void cut() {
    boost::asio::post(serial_, [this, user = user_.lock()] {
      if (user) finish(*user);
    });
  }

  [[nodiscard]] session::prefix_rule prefix() const noexcept override { return session::no_prefix; }
  void set_user(std::weak_ptr<session::transport_user> user) override { user_ = std::move(user); }
  void receive() override {
    receiving_ = true;
    deliver();
  }
  [[nodiscard]] std::optional<session::transport_message> try_receive() override { return std::nullopt; }
  [[nodiscard]] bool send(session::outbox& batch) override {
    std::vector<byte_buffer> messages;
    for (const auto& message : batch.messages()) messages.push_back(to_buffer(batch.payload(message)));
    held_ ? static_cast<void>(waiting_ = std::move(messages)) : pass_on(std::move(messages));
    return false;
  }
  void close() override {
    cut();
    if (other_ != nullptr) other_->cut();
  }

 private:
  void pass_on(std::vector<byte_buffer> messages) {
    for (auto& message : messages) {
      if (left_ == 0) break;
      --left_;
      if (other_ != nullptr) other_->inbox_.push_back(std::move(message));
    }
    if (other_ != nullptr) other_->deliver();
    boost::asio::post(serial_, [this, user = user_.lock()] {
      if (!ended_) user->on_sent();
    });
  }
  void deliver() {
    if (!receiving_ || inbox_.empty()) return;
    receiving_ = false;
    boost::asio::post(serial_, [this, user = user_.lock()] {
      if (ended_ || inbox_.empty()) return;
      current_ = std::move(inbox_.front());
      inbox_.pop_front();
      user->on_message({session::message_kind::binary, current_});
    });
  }
  void finish(session::transport_user& user) {
    if (std::exchange(ended_, true)) return;
    if (auto* other = std::exchange(other_, nullptr)) other->other_ = nullptr;
    user.on_end({.cause = make_error_code(boost::system::errc::connection_reset), .close_code = {}, .reason = {}});
  }

  session::strand serial_;
  std::weak_ptr<session::transport_user> user_;
  pipe_transport* other_ = nullptr;
  std::deque<byte_buffer> inbox_;
  byte_buffer current_;
  std::vector<byte_buffer> waiting_;
  std::size_t left_ = std::numeric_limits<std::size_t>::max();
  bool receiving_ = false;
  bool held_ = false;
  bool ended_ = false;
};

/// A client and a server, up; errors keep the names of their layer.
class link_pair {
 public:
  struct side {
    pipe_transport* pipe = nullptr;
    std::shared_ptr<session::link> link;
    std::vector<session::incident> reported;
  };

  /// For the system's clocks, which links go by.
  static machine_options live_server_options() {
    const auto now = to_unix_seconds(system_clocks().wall_now());
    return server_options_of(crypto::suite::x25519, unix_seconds{count(now) + 60});
  }

  explicit link_pair(machine_options client_side = client_options_of(),
                     machine_options server_side = live_server_options()) {
    auto client_pipe = make_pipe(client);
    auto server_pipe = make_pipe(server);
    pipe_transport::join(*client.pipe, *server.pipe);
    start(client, std::move(client_side), std::move(client_pipe));
    start(server, std::move(server_side), std::move(server_pipe));
    poll();
    EXPECT_EQ(up_, 2);
  }

  /// Runs what can run now.
  void poll() {
    context.restart();
    context.poll();
  }
  /// Runs until `happened`, for what a deadline brings about.
  template <class Condition>
  void run_until(Condition happened) {
    context.restart();
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (!happened() && std::chrono::steady_clock::now() < limit) context.run_one_until(limit);
    EXPECT_TRUE(happened()) << "it did not happen";
  }

  /// A new stream, both ends of it.
  struct ends {
    flowersec::stream near;
    flowersec::stream far;
  };
  ends open(std::string kind = "x") {
    ends made{open_here(kind), {}};
    while (!made.far) {
      bool arrived = false;
      server.link->accept({[&](error_code failed, session::incoming_stream in) {
                             arrived = true;
                             EXPECT_FALSE(failed) << failed.message();
                             if (in.kind == kind) made.far = std::move(in.stream);
                           },
                           context.get_executor()});
      poll();
      if (!arrived) {
        ADD_FAILURE() << "the stream did not arrive";
        break;
      }
    }
    return made;
  }
  flowersec::stream open_here(std::string kind) {
    flowersec::stream made;
    client.link->open(std::move(kind), {[&made](error_code failed, flowersec::stream opened) {
                                          EXPECT_FALSE(failed) << failed.message();
                                          made = std::move(opened);
                                        },
                                        context.get_executor()});
    poll();
    return made;
  }

  /// What an operation ended with; empty while it is under way.
  struct outcome {
    error_code failed;
    std::size_t bytes;
  };
  using pending = std::shared_ptr<std::optional<outcome>>;
  pending write(flowersec::stream& to, byte_view bytes) {
    auto told = std::make_shared<std::optional<outcome>>();
    to.async_write_some(boost::asio::const_buffer{bytes.data(), bytes.size()},
                        [told](error_code failed, std::size_t n) {
                          told->emplace(outcome{failed, n});
                        });
    poll();
    return told;
  }
  void shutdown(flowersec::stream& of) {
    of.async_shutdown_send([](error_code failed) { EXPECT_FALSE(failed) << failed.message(); });
    poll();
  }
  /// Reads until the stream ends or nothing more is there; then the reading is cancelled.
  struct received {
    std::string text;
    error_code end;
  };
  received read_all(flowersec::stream& from) {
    received all;
    std::array<char, 65536> block;
    while (!all.end) {
      std::optional<outcome> got;
      from.async_read_some(boost::asio::buffer(block), [&got](error_code failed, std::size_t n) {
        got.emplace(outcome{failed, n});
      });
      poll();
      if (!got) {
        from.cancel();
        poll();
      }
      all.text.append(block.data(), got->bytes);
      all.end = got->failed;
    }
    return all;
  }

  boost::asio::io_context context;
  side client;
  side server;

 private:
  std::unique_ptr<pipe_transport> make_pipe(side& of) {
    auto made = std::make_unique<pipe_transport>(serial_);
    of.pipe = made.get();
    return made;
  }
  void start(side& of, machine_options options, std::unique_ptr<pipe_transport> pipe) {
    const auto session = options.session;
    const moment now{.mono = system_clocks().mono_now(), .wall = to_unix_seconds(system_clocks().wall_now())};
    auto core = machine::create(std::move(options), system_random(), now).value();
    of.link = session::link::make(std::move(core), std::move(pipe),
                                  {.executor = context.get_executor(),
                                   .serial = serial_,
                                   .session = session,
                                   .names = {.of_operation = [](error_code why) { return why; },
                                             .of_end = [](const session::link_end& end) { return end.why; }},
                                   .report = [&of](const session::incident& what) { of.reported.push_back(what); }});
    of.link->start({[this](error_code failed) {
                      EXPECT_FALSE(failed) << failed.message();
                      ++up_;
                    },
                    context.get_executor()});
  }

  session::strand serial_{context.get_executor()};
  int up_ = 0;
};

}  // namespace flowersec::testing
