#include "ws_transport.h"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/system_executor.hpp>

namespace flowersec::endpoint {
namespace {

using ::flowersec::session::message_kind;
using ::flowersec::session::outbox;
using ::flowersec::session::prefix_rule;
using ::flowersec::session::transport;
using ::flowersec::session::transport_end;
using ::flowersec::session::transport_message;
using ::flowersec::session::transport_user;

std::size_t client_prefix(std::size_t message_bytes) noexcept { return ws::frame_header_bytes(message_bytes, true); }
std::size_t server_prefix(std::size_t message_bytes) noexcept { return ws::frame_header_bytes(message_bytes, false); }

transport_message to_transport(const ws::received_message& message) noexcept {
  return {message.kind == ws::message_kind::text ? message_kind::text : message_kind::binary, message.payload};
}

// The socket completes on the session's strand already: no second hop.
template <class Handler>
auto anywhere(Handler handler) {
  return boost::asio::bind_executor(boost::asio::system_executor{}, std::move(handler));
}

// Completions hold the user, and the user owns this, so `this` outlives every operation.
class ws_transport final : public transport {
 public:
  explicit ws_transport(ws::message_socket socket) : socket_(std::move(socket)) {}

  [[nodiscard]] prefix_rule prefix() const noexcept override {
    return socket_.own_role() == ws::role::client ? client_prefix : server_prefix;
  }

  void set_user(std::weak_ptr<transport_user> user) override { user_ = std::move(user); }

  void receive() override {
    socket_.async_read_message(anywhere([this, user = user_.lock()](error_code failed, ws::received_message message) {
      if (failed) return end(failed, *user);
      user->on_message(to_transport(message));
    }));
  }

  [[nodiscard]] std::optional<transport_message> try_receive() override {
    const auto message = socket_.try_read_message();
    return message ? std::optional{to_transport(*message)} : std::nullopt;
  }

  [[nodiscard]] bool send(outbox& batch) override {
    std::optional<error_code> failed;
    for (const auto& message : batch.messages()) {
      const auto room = batch.bytes().subspan(message.offset, message.prefix_bytes + message.size);
      const auto framed = socket_.finish_frame(ws::message_kind::binary, room, message.size);
      if (!framed) failed = framed.error();
    }
    const byte_view all = batch.bytes();
    const auto done = failed ? failed : socket_.try_write_frames(std::span{&all, 1});
    if (done && !*done) return true;
    if (done) {
      boost::asio::post(socket_.get_executor(), [this, user = user_.lock(), why = *done] { end(why, *user); });
    } else {
      socket_.async_finish_write(anywhere([this, user = user_.lock()](error_code write_failed) {
        if (write_failed) return end(write_failed, *user);
        if (!ended_) user->on_sent();
      }));
    }
    return false;
  }

  void close() override {
    if (closing_) return;
    closing_ = true;
    socket_.async_close(ws::close_code::normal, {}, [this, user = user_.lock()](error_code) {
      finish(*user, {.cause = make_error_code(ws::ws_errc::closed_locally), .close_code = {}, .reason = {}});
    });
  }

 private:
  // The user hears of the first failure at once; the socket is closed in order behind its back.
  void end(error_code cause, transport_user& user) {
    transport_end why{.cause = cause, .close_code = {}, .reason = {}};
    socket_.find_peer_close();
    if (const auto& said = socket_.peer_close()) {
      why.close_code = said->code;
      why.reason = said->reason;
    }
    finish(user, std::move(why));
    close();
  }

  void finish(transport_user& user, transport_end why) {
    if (ended_) return;
    ended_ = true;
    user.on_end(std::move(why));
  }

  ws::message_socket socket_;
  std::weak_ptr<transport_user> user_;
  bool closing_ = false;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<transport> make_ws_transport(ws::message_socket socket) {
  return std::make_unique<ws_transport>(std::move(socket));
}

}  // namespace flowersec::endpoint
