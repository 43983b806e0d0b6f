// A client and a server machine joined by a pipe, with random chunking, random completion order and faults.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "fixture.h"

namespace flowersec::rpc {
namespace {

class rpc_pair {
 public:
  explicit rpc_pair(std::uint64_t seed)
      : random_(seed),
        client_(*client::create({.limits = {.max_calls_in_flight = 1 + below(300)}})),
        server_(
            *server::create({.limits = {.max_running_requests = 1 + below(40), .max_queued_requests = below(60)}})) {}

  void step() {
    switch (below(8)) {
      case 0:
      case 1:
        return call();
      case 2:
        if (!calls_.empty()) abandon();
        return;
      case 3:
        if (client_.notify(3, std::to_string(notified_)).has_value()) ++notified_;
        return;
      case 4:
        if (server_.notify(4, std::to_string(pushed_)).has_value()) ++pushed_;
        return;
      case 5:
        return finish_one();
      case 6:
        return to_server();
      default:
        return to_client();
    }
  }

  void settle() {
    for (int i = 0; i < 100000 && !quiet(); ++i) {
      finish_one();
      to_server();
      to_client();
    }
    EXPECT_TRUE(quiet());
    EXPECT_EQ(client_.calls_in_flight(), 0U);
    EXPECT_EQ(server_.admitted_requests(), 0U);
    EXPECT_EQ(notices_, notified_);
    EXPECT_EQ(pushes_, pushed_);
  }

  [[nodiscard]] std::size_t answered() const { return answered_; }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  [[nodiscard]] bool quiet() const {
    return calls_.empty() && running_.empty() && c2s_.empty() && s2c_.empty() && !client_.has_output() &&
           !server_.has_output() && notices_ == notified_;
  }

  void call() {
    const auto payload = std::to_string(random_());
    if (const auto id = client_.call(7, payload, {})) calls_[*id] = payload;
  }

  void abandon() {
    const auto id = calls_.begin()->first;
    EXPECT_TRUE(client_.abandon(id, {}));
    calls_.erase(id);
  }

  void finish_one() {
    if (running_.empty()) return;
    auto at = running_.begin();
    std::advance(at, below(running_.size()));
    server_.finish(at->first, success(at->second));
    running_.erase(at);
    server_events();
  }

  template <class From, class To, class Events>
  void move(From& from, byte_buffer& pipe, To receive, Events events) {
    while (below(3) != 0) {
      const auto frame = from.take_output();
      if (!frame) break;
      append(pipe, *frame);
    }
    events();
    const auto count = std::min(pipe.size(), 1 + below(200));
    byte_view input = byte_view{pipe}.first(count);
    while (!input.empty()) {
      receive(input);
      events();
    }
    pipe.erase(pipe.begin(), pipe.begin() + static_cast<std::ptrdiff_t>(count));
  }

  void to_server() {
    move(
        client_, c2s_, [this](byte_view& in) { server_.receive(in); }, [this] { server_events(); });
  }
  void to_client() {
    move(
        server_, s2c_, [this](byte_view& in) { client_.receive(in, {}); }, [this] { client_events(); });
  }

  void server_events() {
    while (auto e = server_.poll_event()) {
      if (auto* start = std::get_if<start_request>(&*e)) {
        running_[start->key] = std::move(start->payload);
      } else if (const auto* notice = std::get_if<start_notification>(&*e)) {
        EXPECT_EQ(notice->payload, std::to_string(notices_++)) << "in order";
        server_.finish(notice->key, {});
      } else {
        ADD_FAILURE() << "the server ended";
      }
    }
  }

  void client_events() {
    while (const auto e = client_.poll_event()) {
      if (const auto* done = std::get_if<call_finished>(&*e)) {
        const auto found = calls_.find(done->id);
        ASSERT_NE(found, calls_.end());
        ASSERT_TRUE(done->outcome.has_value());
        if (done->outcome->ok()) {
          EXPECT_EQ(done->outcome->payload, found->second);
          ++answered_;
        } else {
          EXPECT_EQ(done->outcome->error->code, status::server_overloaded);
        }
        calls_.erase(found);
      } else if (const auto* push = std::get_if<notification_received>(&*e)) {
        EXPECT_EQ(push->payload, std::to_string(pushes_++)) << "in order";
      } else {
        ADD_FAILURE() << "the client ended";
      }
    }
  }

  std::mt19937_64 random_;
  client client_;
  server server_;
  byte_buffer c2s_;
  byte_buffer s2c_;
  std::map<call_id, std::string> calls_;
  std::map<request_key, std::string> running_;
  std::uint64_t notified_ = 0;
  std::uint64_t notices_ = 0;
  std::uint64_t pushed_ = 0;
  std::uint64_t pushes_ = 0;
  std::size_t answered_ = 0;
};

class rpc_random : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(rpc_random, every_call_gets_its_own_answer_and_nothing_is_left) {
  rpc_pair pair{GetParam()};
  for (int i = 0; i < 3000; ++i) pair.step();
  pair.settle();
  EXPECT_GT(pair.answered(), 0U);
}

INSTANTIATE_TEST_SUITE_P(seeds, rpc_random, ::testing::Range<std::uint64_t>(1, 11));

TEST(rpc_faults, any_damaged_bit_leaves_machines_that_live_or_ended_with_a_reason) {
  byte_buffer input = frame_of(request_text(1, 1));
  append(input, frame_of(notification_text(2, "[1]")));
  append(input, frame_of(error_text(1, 1, 418, "teapot")));
  for (std::size_t i = 0; i < input.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      SCOPED_TRACE("bit " + std::to_string(bit) + " of byte " + std::to_string(i));
      auto damaged = input;
      damaged[i] ^= static_cast<std::byte>(1U << bit);
      client_fixture client;
      (void)client.called(1);
      client.peer_bytes(damaged);
      client.machine.end_of_input({});
      EXPECT_EQ(client.machine.calls_in_flight(), 0U);
      EXPECT_FALSE(client.machine.has_output());
      server_fixture server;
      server.peer_bytes(damaged);
      server.machine.end_of_input();
      EXPECT_EQ(server.machine.admitted_requests(), 0U);
      EXPECT_FALSE(server.machine.has_output());
    }
  }
}

}  // namespace
}  // namespace flowersec::rpc
