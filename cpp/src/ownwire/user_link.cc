#include "ownwire/user_link.h"

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
constexpr std::size_t read_bytes = 4096;

/// All frames as one piece for the stream.
byte_buffer join(const std::vector<std::string>& frames) {
  byte_buffer all;
  for (const auto& frame : frames) append(all, encode_json_frame(frame));
  return all;
}

}  // namespace

user_link::user_link(std::shared_ptr<core> owner, connection_id who, endpoint::session session,
                     const gateway_limits& limits)
    : core_(std::move(owner)),
      who_(who),
      session_(std::move(session)),
      linger_(limits.fatal_linger),
      lingering_(core_->serial()) {}

void user_link::start() {
  core_->add(who_, std::static_pointer_cast<user_side>(shared_from_this()));
  asio::co_spawn(core_->serial(), live(shared_from_this()), asio::detached);
  core_->machine().on_open(who_, core_->now());
  core_->perform();
}

asio::awaitable<void> user_link::live(std::shared_ptr<user_link> self) {
  co_await self->accept_chat();
  if (self->chat_) {
    asio::co_spawn(self->core_->serial(), refuse_streams(self), asio::detached);
    if (self->ending_) self->wake();
    co_await self->read();
  }
  self->user_closed_ = true;
  self->lingering_.cancel();
  // What is being written still leaves; the session waits for it, but not for ever.
  co_await self->session_.async_close(as_result);
  self->core_->remove_user(self->who_);
}

asio::awaitable<void> user_link::accept_chat() {
  while (true) {
    auto [failed, incoming] = co_await session_.async_accept_stream(as_result);
    if (failed) co_return;
    if (incoming.kind == chat_stream_kind) {
      chat_ = std::move(incoming.stream);
      co_return;
    }
    incoming.stream.reset();
  }
}

/// One chat is all there is in a session.
asio::awaitable<void> user_link::refuse_streams(std::shared_ptr<user_link> self) {
  while (true) {
    auto [failed, incoming] = co_await self->session_.async_accept_stream(as_result);
    if (failed) co_return;
    incoming.stream.reset();
  }
}

asio::awaitable<void> user_link::read() {
  json_frame_splitter splitter{max_chat_frame_bytes};
  std::array<std::byte, read_bytes> buffer;
  while (true) {
    const auto [failed, bytes] = co_await chat_.async_read_some(asio::buffer(buffer), as_result);
    if (failed) co_return;
    byte_view rest{buffer.data(), bytes};
    bool bad = false;
    while (!rest.empty() && !bad) {
      const auto status = splitter.consume(rest);
      bad = status == json_frame_splitter::status::bad_length;
      if (status == json_frame_splitter::status::frame) {
        core_->machine().on_frame(who_, splitter.text(), core_->now());
        splitter.release();
      }
    }
    if (bad) core_->machine().on_bad_frame(who_);
    core_->perform();
    // The place in the stream is lost: what follows is only waited for.
    while (bad) {
      const auto [ended, ignored] = co_await chat_.async_read_some(asio::buffer(buffer), as_result);
      if (ended) co_return;
    }
  }
}

void user_link::wake() {
  if (writing_ || !chat_) return;
  writing_ = true;
  asio::co_spawn(core_->serial(), write(shared_from_this()), asio::detached);
}

void user_link::end(enum end_user::how how) {
  if (ending_) return;
  ending_ = how;
  if (!chat_) return session_.async_close(asio::detached);
  // The user may have stopped reading: then no write ever completes, and this is what ends it.
  lingering_.expires_after(linger_);
  lingering_.async_wait([self = shared_from_this()](error_code canceled) {
    if (!canceled) self->session_.async_close(asio::detached);
  });
  wake();
}

void user_link::abort() { session_.async_close(asio::detached); }

asio::awaitable<void> user_link::write(std::shared_ptr<user_link> self) {
  while (true) {
    const auto frames = self->core_->machine().next_frames(self->who_);
    if (frames.empty()) break;
    const auto bytes = join(frames);
    const auto [failed, written] = co_await asio::async_write(self->chat_, asio::buffer(bytes), as_result);
    if (failed) break;
  }
  self->writing_ = false;
  if (self->ending_) co_await self->finish();
}

asio::awaitable<void> user_link::finish() {
  if (*ending_ != end_user::how::at_once && !user_closed_) {
    // The user's side has until the timer of end() is over to close by itself.
    co_await chat_.async_shutdown_send(as_result);
    co_return;
  }
  co_await session_.async_close(as_result);
}

}  // namespace flowersec::ownwire
