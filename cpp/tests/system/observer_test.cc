// What an observer is told of connecting, through a tunnel and directly: the cases that both languages share.
// The other side is a socket that does what the case says, or the real thing where connecting succeeds.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "flowersec/base/base64url.h"
#include "flowersec/endpoint/artifact.h"
#include "flowersec/ws/close.h"
#include "flowersec/ws/frame.h"
#include "flowersec/ws/upgrade.h"
#include "serve_fixture.h"
#include "support/case_table.h"
#include "support/testdata.h"
#include "support/watched_observer.h"

namespace flowersec::testing {
namespace {

namespace json = boost::json;
using asio::ip::tcp;

/// Keeps "stage/domain/code/result", but of the stages transport and close.
struct event_lines final : testing_support::watched_observer {
  void hear(const endpoint::event& happened) override {
    if (happened.stage == "transport" || happened.stage == "close") return;
    const auto text = json::parse(endpoint::to_json(happened));
    std::string line;
    for (const auto* name : {"stage", "code_domain", "code", "result"}) line += text_at(text, name) + '/';
    line.pop_back();
    lines.push_back(std::move(line));
  }
  std::vector<std::string> lines;
};

/// The other side of one connection that does not come about.
class bad_server {
 public:
  bad_server(asio::io_context& context, std::string what, std::string reason, std::function<void()> reached)
      : what_(std::move(what)), reason_(std::move(reason)), reached_(std::move(reached)), at_(context, any_port()) {
    asio::co_spawn(context, play(), asio::detached);
  }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(at_.local_endpoint().port()); }

 private:
  static tcp::endpoint any_port() { return {asio::ip::make_address("127.0.0.1"), 0}; }

  awaitable<void> play() {
    auto socket = co_await at_.async_accept(endpoint::default_token{});
    std::string heard;
    const auto head_bytes =
        co_await asio::async_read_until(socket, asio::dynamic_buffer(heard), "\r\n\r\n", endpoint::default_token{});
    const auto head = heard.substr(0, head_bytes);
    if (what_ == "upgrade_refused") co_await say(socket, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    if (what_ == "canceled_dialling") reached_();
    const bool opens = what_ != "upgrade_refused" && what_ != "canceled_dialling" && what_ != "no_answer";
    if (opens) {
      co_await say(socket, switching(head));
      co_await hear(socket);  // the first message: an attach, or a handshake
      if (what_ == "canceled_handshake") reached_();
      const auto frame = first_answer();
      co_await say(socket, std::string{as_text(frame)});
    }
    while (co_await hear(socket)) {
    }
  }
  static awaitable<void> say(tcp::socket& to, std::string text) {
    co_await asio::async_write(to, asio::buffer(text), with_error);
  }
  static awaitable<bool> hear(tcp::socket& from) {
    std::array<char, 4096> block;
    const auto [failed, count] = co_await from.async_read_some(asio::buffer(block), with_error);
    co_return !failed;
  }
  static std::string switching(const std::string& head) {
    constexpr std::string_view name = "Sec-WebSocket-Key: ";
    const auto at = head.find(name) + name.size();
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
           ws::sec_websocket_accept(head.substr(at, head.find("\r\n", at) - at)) + "\r\n\r\n";
  }
  /// Empty: nothing is said.
  [[nodiscard]] byte_buffer first_answer() const {
    if (what_ == "bad_bytes") return ws::make_frame(ws::opcode::binary, byte_buffer(16), {});
    if (what_ != "closed") return {};
    return ws::make_frame(ws::opcode::close, ws::encode_close_payload({.code = 1008, .reason = reason_}), {});
  }

  const std::string what_;
  const std::string reason_;
  const std::function<void()> reached_;
  tcp::acceptor at_;
};

class observed : public serve_world {
 protected:
  void run_case(const json::value& row) {
    asio::io_context own;
    std::vector<endpoint::session> servers;  // gone before what they run on
    const auto what = text_at(row, "what");
    asio::cancellation_signal stop;
    const auto reason = row.as_object().contains("reason") ? text_at(row, "reason") : std::string{};
    bad_server server{own, what, reason, [&stop] { stop.emit(asio::cancellation_type::terminal); }};
    auto address = server.address();
    if (what == "nobody_listens") address = address_of_nobody(own);
    const bool through_tunnel = text_at(row, "path") == "tunnel";
    auto artifact = through_tunnel ? tunnel_artifact(what, address, own, servers) : direct_artifact(what, address);
    if (what == "unresolved_scope") artifact.scoped.push_back({.scope = "app", .scope_version = 1, .critical = true});

    auto options = dial_plaintext();
    const auto seen = std::make_shared<event_lines>();
    options.common.events = seen;
    if (what == "policy_refuses") options.policy = {};
    if (what == "no_origin") options.origin = " ";
    if (what == "no_answer") options.connect_timeout = 50ms;
    if (what == "no_handshake") options.common.session.handshake_timeout = 50ms;

    std::optional<error_code> over;
    endpoint::session kept;
    endpoint::async_connect(own.get_executor(), std::move(artifact), std::move(options),
                            asio::bind_cancellation_slot(stop.slot(), [&](error_code why, endpoint::session up) {
                              over = why;
                              kept = std::move(up);
                            }));
    const auto limit = std::chrono::steady_clock::now() + 60s;
    while (!over && std::chrono::steady_clock::now() < limit) {
      own.run_one_for(10ms);
      context.restart();
      context.poll();  // of the direct server that is real
    }
    ASSERT_TRUE(over);
    own.poll();
    const auto info = endpoint::describe_error(*over);
    const auto error = info ? std::string{to_string(info->stage)} + '/' + std::string{to_string(info->code)} : "";
    if (row.as_object().contains("error")) {
      EXPECT_EQ(error, text_at(row, "error"));
    }
    if (what == "connected") {
      EXPECT_FALSE(*over) << over->message();
    }
    std::vector<std::string> events;
    for (const auto& line : row.at("events").as_array()) events.emplace_back(line.as_string());
    EXPECT_EQ(seen->lines, events);
  }

 private:
  static std::string address_of_nobody(asio::io_context& context) {
    const tcp::acceptor gone{context, {asio::ip::make_address("127.0.0.1"), 0}};
    return "127.0.0.1:" + std::to_string(gone.local_endpoint().port());
  }
  endpoint::connect_artifact tunnel_artifact(const std::string& what, const std::string& address, asio::io_context& own,
                                             std::vector<endpoint::session>& servers) {
    const auto channel = "observed-" + std::to_string(++channels_);
    auto mine = grant(channel, endpoint::role::client);
    if (what == "connected") {
      endpoint::async_attach_server(own.get_executor(), grant(channel, endpoint::role::server), dial_plaintext(),
                                    [&servers](error_code, endpoint::session up) { servers.push_back(std::move(up)); });
    } else {
      mine.tunnel_url = "ws://" + address + "/ws";
    }
    if (what == "bad_psk") mine.e2ee_psk_b64u = short_key();
    endpoint::connect_artifact made{.target = std::move(mine)};
    return made;
  }
  endpoint::connect_artifact direct_artifact(const std::string& what, const std::string& address) {
    auto mine = control.credential();
    if (what != "connected") mine.ws_url = "ws://" + address + "/ws";
    if (what == "bad_psk") mine.e2ee_psk_b64u = short_key();
    endpoint::connect_artifact made{.target = std::move(mine)};
    return made;
  }
  static messages::sensitive_text short_key() { return messages::sensitive_text{encode_base64url(byte_buffer(31))}; }

  int channels_ = 0;
};

TEST_F(observed, every_case_of_the_shared_table) {
  const auto cases = read_cases("observer_cases.json", "connecting");
  ASSERT_FALSE(cases.as_array().empty());
  for (const auto& row : cases.as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    run_case(row);
  }
}

}  // namespace
}  // namespace flowersec::testing
