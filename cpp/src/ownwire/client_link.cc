#include "ownwire/client_link.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "flowersec/base/json_frame.h"

namespace flowersec::ownwire {

namespace asio = boost::asio;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr auto unsupported_data = static_cast<ws::close_code>(1003);
constexpr std::size_t read_bytes = 16'384;

/// What both kinds do alike: batches of the hub go out one behind the other.
class client_link : public client_side, public std::enable_shared_from_this<client_link> {
 public:
  client_link(std::shared_ptr<core> owner, std::string remote_addr)
      : core_(std::move(owner)), remote_addr_(std::move(remote_addr)) {}

  void wake() override {
    if (writing_) return;
    writing_ = true;
    asio::co_spawn(core_->serial(), write(shared_from_this()), asio::detached);
  }

  /// Behind what the hub has for it.
  void leave() override {
    leaving_ = true;
    if (!writing_) go();
  }

  /// False: there are too many.
  [[nodiscard]] bool enter(dialect how, std::string_view kind) {
    const auto admitted = core_->machine().connect_client(how, core_->now());
    if (!admitted) {
      report(gateway_event_kind::client_refused, "busy");
      return false;
    }
    id_ = *admitted;
    core_->add(id_, std::static_pointer_cast<client_side>(shared_from_this()));
    report(gateway_event_kind::client_connected, kind);
    core_->perform();
    return true;
  }

  void leave_core(std::string_view why) {
    report(gateway_event_kind::client_ended, why);
    core_->remove_client(id_);
  }

 protected:
  /// closed_locally: not a byte of them left, because a close had begun.
  virtual asio::awaitable<error_code> send(std::vector<std::string> frames) = 0;
  /// Closes, because the gateway ends.
  virtual void go() = 0;

  void on_text(std::string_view text) {
    core_->machine().on_client_text(id_, text, core_->now());
    core_->perform();
  }

 private:
  static asio::awaitable<void> write(std::shared_ptr<client_link> self) {
    while (true) {
      auto batch = self->core_->machine().next_batch(self->id_, self->core_->now());
      if (batch.empty()) break;
      const auto failed = co_await self->send(std::move(batch));
      if (failed == ws::ws_errc::closed_locally) self->core_->machine().on_batch_unsent(self->id_);
      if (failed) break;
      self->core_->machine().on_batch_written(self->id_, self->core_->now());
      self->core_->perform();
    }
    self->writing_ = false;
    if (self->leaving_) self->go();
  }

  void report(gateway_event_kind kind, std::string_view detail) {
    core_->report({.kind = kind, .remote_addr = remote_addr_, .detail = std::string{detail}});
  }

  std::shared_ptr<core> core_;
  std::string remote_addr_;
  client_id id_ = 0;
  bool writing_ = false;
  bool leaving_ = false;
};

class socket_client final : public client_link {
 public:
  socket_client(std::shared_ptr<core> owner, ws::message_socket socket, std::string remote_addr)
      : client_link(std::move(owner), std::move(remote_addr)),
        socket_(std::move(socket)),
        left_event_(socket_.get_executor(), asio::steady_timer::time_point::max()) {}

  void abort() override { socket_.abort(); }

  asio::awaitable<std::string_view> read() {
    while (true) {
      auto [failed, message] = co_await socket_.async_read_message(as_result);
      if (closing_) {
        while (!left_) co_await left_event_.async_wait(as_result);
        co_return "stopped";
      }
      if (failed) co_return co_await close_for(failed);
      if (message.kind != ws::message_kind::text) {
        closing_ = true;
        co_await socket_.async_close(unsupported_data, "text only", as_result);
        co_return "binary";
      }
      on_text(as_text(message.payload));
    }
  }

  asio::awaitable<void> refuse() { co_await socket_.async_close(ws::close_code::try_again_later, "busy", as_result); }

 protected:
  void go() override {
    if (std::exchange(closing_, true)) return;
    const auto self = std::static_pointer_cast<socket_client>(shared_from_this());
    socket_.async_close(ws::close_code::going_away, {}, [self](error_code) {
      self->left_ = true;
      self->left_event_.cancel();
    });
  }

  asio::awaitable<error_code> send(std::vector<std::string> frames) override {
    byte_buffer all;
    for (const auto& text : frames) {
      const auto start = all.size();
      all.resize(start + socket_.header_bytes(text.size()));
      append(all, text);
      const mutable_byte_view frame{all.data() + start, all.size() - start};
      if (const auto made = socket_.finish_frame(ws::message_kind::text, frame, text.size()); !made) {
        co_return made.error();
      }
    }
    const byte_view piece{all};
    const auto at_once = socket_.try_write_frames(std::span{&piece, 1});
    if (at_once) co_return *at_once;
    const auto [failed] = co_await socket_.async_finish_write(as_result);
    // Some of it may be there.
    co_return failed ? error_code{asio::error::operation_aborted} : failed;
  }

 private:
  asio::awaitable<std::string_view> close_for(error_code failed) {
    closing_ = true;
    auto code = ws::close_code::normal;
    if (failed.category() == make_error_code(ws::ws_errc::message_too_big).category()) {
      const auto told = ws::close_code_for(static_cast<ws::ws_errc>(failed.value()));
      if (told) code = static_cast<ws::close_code>(*told);
    }
    co_await socket_.async_close(code, {}, as_result);
    if (failed == ws::ws_errc::message_too_big) co_return "too_big";
    if (failed == ws::ws_errc::peer_silent) co_return "silent";
    co_return failed == ws::ws_errc::closed_by_peer ? "closed" : "lost";
  }

  ws::message_socket socket_;
  bool closing_ = false;  // its one close has begun
  bool left_ = false;
  asio::steady_timer left_event_;
};

class stream_client final : public client_link {
 public:
  stream_client(const std::shared_ptr<core>& owner, endpoint::session session, stream link, std::string remote_addr,
                std::chrono::milliseconds linger)
      : client_link(owner, std::move(remote_addr)),
        session_(std::move(session)),
        stream_(std::move(link)),
        linger_(linger),
        lingering_(owner->serial()) {}

  void abort() override { session_.async_close(asio::detached); }

  asio::awaitable<std::string_view> read() {
    json_frame_splitter splitter{max_internal_frame_bytes};
    std::array<std::byte, read_bytes> buffer;
    while (true) {
      const auto [failed, bytes] = co_await stream_.async_read_some(asio::buffer(buffer), as_result);
      if (failed) co_return failed == asio::error::eof ? "closed" : "lost";
      byte_view rest{buffer.data(), bytes};
      while (!rest.empty()) {
        const auto status = splitter.consume(rest);
        if (status == json_frame_splitter::status::bad_length) co_return "too_big";
        if (status != json_frame_splitter::status::frame) continue;
        on_text(splitter.text());
        splitter.release();
      }
    }
  }

  asio::awaitable<void> close() {
    going_ = true;
    lingering_.cancel();
    co_await session_.async_close(as_result);
  }

 protected:
  /// Our half ends behind what was said, and the peer ends the session when it has read that: the end of a session
  /// drops what nobody has read.
  void go() override {
    if (std::exchange(going_, true)) return;
    stream_.async_shutdown_send(asio::detached);
    lingering_.expires_after(linger_);
    const auto self = std::static_pointer_cast<stream_client>(shared_from_this());
    lingering_.async_wait([self](error_code canceled) {
      if (!canceled) self->abort();
    });
  }

  asio::awaitable<error_code> send(std::vector<std::string> frames) override {
    byte_buffer all;
    for (const auto& text : frames) append(all, encode_json_frame(text));
    const auto [failed, written] = co_await asio::async_write(stream_, asio::buffer(all), as_result);
    co_return failed == asio::error::shut_down ? make_error_code(ws::ws_errc::closed_locally) : failed;
  }

 private:
  endpoint::session session_;
  stream stream_;
  std::chrono::milliseconds linger_;
  asio::steady_timer lingering_;
  bool going_ = false;
};

/// The first stream of the right kind; none when the session is over before.
asio::awaitable<stream> accept_internal(endpoint::session session) {
  while (true) {
    auto [failed, incoming] = co_await session.async_accept_stream(as_result);
    if (failed) co_return stream{};
    if (incoming.kind == internal_stream_kind) co_return std::move(incoming.stream);
    incoming.stream.reset();
  }
}

}  // namespace

asio::awaitable<void> serve_client(std::shared_ptr<core> owner, ws::message_socket socket, dialect how,
                                   std::string remote_addr) {
  const auto link = std::make_shared<socket_client>(std::move(owner), std::move(socket), std::move(remote_addr));
  if (!link->enter(how, how == dialect::extended ? "extended" : "compatible")) {
    co_await link->refuse();
    co_return;
  }
  const auto why = co_await link->read();
  link->leave_core(why);
}

asio::awaitable<void> serve_client(std::shared_ptr<core> owner, endpoint::session session,
                                   std::shared_ptr<farewell> arriving, const gateway_limits& limits,
                                   std::string remote_addr) {
  const auto linger = limits.fatal_linger;
  auto waiting = within(limits.hello_timeout, accept_internal(session));
  auto told = co_await arriving->unless_said(std::move(waiting));
  auto opened = told && *told ? std::move(**told) : stream{};
  if (!opened) {
    co_await session.async_close(as_result);
    co_return owner->arrived(arriving);
  }
  const auto link = std::make_shared<stream_client>(owner, session, std::move(opened), std::move(remote_addr), linger);
  std::string_view why;
  const bool entered = link->enter(dialect::compatible, "e2ee");
  if (entered) {
    owner->arrived(arriving);
    why = co_await link->read();
  }
  co_await link->close();
  if (!entered) co_return owner->arrived(arriving);
  link->leave_core(why);
}

}  // namespace flowersec::ownwire
