// accept_options::on_head: pages beside the WebSocket, subprotocols, and what it may pass over.
#include <boost/asio/read.hpp>

#include "flowersec/ws/upgrade.h"
#include "unit/ws/socket_pair.h"

namespace flowersec::ws {
namespace {

using namespace testing;  // NOLINT

class head_hook : public ::testing::Test {
 protected:
  /// What the server answers to `text`, to the end of the connection.
  std::string answer_to(std::string text) {
    std::string answer;
    const auto client = [&]() -> task {
      auto socket = co_await net.tcp_client();
      co_await boost::asio::async_write(socket, boost::asio::buffer(text), as_result);
      co_await boost::asio::async_read(socket, boost::asio::dynamic_buffer(answer), as_result);
    };
    const auto server = [&]() -> task {
      auto peer = co_await net.tcp_peer();
      auto [error, made] = co_await async_accept(std::move(peer), net.accepting, as_result);
      accepted = error;
    };
    run_tasks(context, client(), server());
    return answer;
  }

  /// What both ends of a connect learn.
  struct outcome {
    error_code error;
    std::string of_client;
    std::string of_server;
  };
  outcome connect() {
    outcome seen;
    const auto client = [&]() -> task {
      auto [error, socket] = co_await async_connect(context.get_executor(), net.address(), net.connecting, as_result);
      seen.error = error;
      if (!error) seen.of_client = socket.subprotocol();
    };
    const auto server = [&]() -> task {
      auto peer = co_await net.tcp_peer();
      auto [error, made] = co_await async_accept(std::move(peer), net.accepting, as_result);
      accepted = error;
      if (!error) seen.of_server = made.socket.subprotocol();
    };
    run_tasks(context, client(), server());
    return seen;
  }

  void decide(head_decision what) {
    net.accepting.on_head = [what = std::move(what)](const request_head& /*head*/) { return what; };
  }

  boost::asio::io_context context;
  loopback net{context};
  error_code accepted;
};

const std::string page = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

TEST_F(head_hook, an_answer_is_sent_as_it_is_and_ends_the_connection) {
  decide(head_answer{page});
  EXPECT_EQ(answer_to("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"), page);
  EXPECT_EQ(accepted, ws_errc::upgrade_declined);
  EXPECT_EQ(answer_to(std::string{raw_upgrade}), page);  // an upgrade as well
}

TEST_F(head_hook, an_answer_reaches_a_client_that_sent_a_body) {
  decide(head_answer{page});
  EXPECT_EQ(answer_to("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n" + std::string(20000, 'x')), page);
}

TEST_F(head_hook, an_answer_larger_than_any_buffer_of_the_kernel_arrives_whole) {
  const std::string large = page + std::string(8'000'000, 'x');
  decide(head_answer{large});
  EXPECT_EQ(answer_to("GET /large HTTP/1.1\r\nHost: h\r\n\r\n"), large);
}

TEST_F(head_hook, it_sees_the_request_before_every_other_check) {
  std::vector<std::string> seen;
  net.accepting.busy = true;
  net.accepting.path = "/ws";
  net.accepting.on_head = [&](const request_head& head) -> head_decision {
    seen.push_back(std::string{head.method} + " " + std::string{head.path()});
    return head_pass{};
  };
  EXPECT_TRUE(answer_to("HEAD /other?x HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 503 "));
  net.accepting.busy = false;
  EXPECT_TRUE(answer_to("GET /other HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(answer_to("GET /ws HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_EQ(seen, (std::vector<std::string>{"HEAD /other", "GET /other", "GET /ws"}));
}

TEST_F(head_hook, it_is_not_asked_about_what_is_no_request) {
  bool asked = false;
  net.accepting.on_head = [&](const request_head& /*head*/) -> head_decision {
    asked = true;
    return head_pass{};
  };
  EXPECT_TRUE(answer_to("this is not HTTP\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_EQ(accepted, ws_errc::request_invalid);
  EXPECT_FALSE(asked);
}

TEST_F(head_hook, a_pass_leaves_the_origin_check_in_place_unless_it_says_otherwise) {
  decide(head_pass{});
  EXPECT_FALSE(connect().error);
  net.connecting.origin = "https://evil.example";
  EXPECT_EQ(refused_status(connect().error), 403u);
  decide(head_pass{.any_origin = true});
  EXPECT_FALSE(connect().error);
  net.connecting.origin.reset();
  EXPECT_FALSE(connect().error);
}

TEST_F(head_hook, both_ends_learn_the_subprotocol_that_was_selected) {
  std::string offered;
  net.connecting.subprotocol = "ownwire.v2";
  net.accepting.on_head = [&](const request_head& head) -> head_decision {
    offered = head.first("Sec-WebSocket-Protocol").value_or("");
    return head_pass{.subprotocol = "ownwire.v2"};
  };
  const auto seen = connect();
  EXPECT_FALSE(seen.error);
  EXPECT_EQ(offered, "ownwire.v2");
  EXPECT_EQ(seen.of_client, "ownwire.v2");
  EXPECT_EQ(seen.of_server, "ownwire.v2");
}

TEST_F(head_hook, an_offer_that_is_not_taken_up_is_no_error) {
  net.connecting.subprotocol = "ownwire.v2";
  const auto seen = connect();
  EXPECT_FALSE(seen.error);
  EXPECT_EQ(seen.of_client, "");
  EXPECT_EQ(seen.of_server, "");
}

TEST_F(head_hook, a_server_that_selects_another_subprotocol_is_refused) {
  decide(head_pass{.subprotocol = "ownwire.v2"});
  EXPECT_EQ(connect().error, ws_errc::subprotocol_selected);  // nothing was offered
  net.connecting.subprotocol = "ownwire.v3";
  EXPECT_EQ(connect().error, ws_errc::subprotocol_selected);
}

TEST_F(head_hook, an_offer_that_is_no_token_is_refused_before_any_connection) {
  for (const auto* offer : {"", "two words", "a,b", "a\r\nX: y"}) {
    net.connecting.subprotocol = offer;
    error_code refused;
    const auto client = [&]() -> task {
      auto [error, socket] = co_await async_connect(context.get_executor(), net.address(), net.connecting, as_result);
      refused = error;
    };
    run_tasks(context, client());
    EXPECT_EQ(refused, ws_errc::header_invalid) << offer;
  }
}

}  // namespace
}  // namespace flowersec::ws
