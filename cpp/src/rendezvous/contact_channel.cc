#include "rendezvous/contact_channel.h"

#include <algorithm>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace flowersec::rendezvous {

namespace asio = boost::asio;

void contact_channel::begin(const public_key& peer, const channel_services& services) {
  session_.async_wait_end(
      asio::bind_executor(serial_, [weak = weak_from_this()](error_code canceled, const endpoint::termination&) {
        const auto self = weak.lock();
        if (self && !canceled) self->lose(rendezvous_errc::channel_lost);
      }));
  session_.async_serve(make_router(peer, services), asio::bind_executor(serial_, [](error_code /*ended*/) {}));
  if (session_.role() != endpoint::role::client) return;
  auto done = asio::bind_executor(serial_, [self = shared_from_this()](error_code failed, flowersec::stream opened) {
    if (failed) return self->lose(rendezvous_errc::channel_lost);
    self->on_stream(std::move(opened));
  });
  session_.async_open_stream(std::string{messages_stream_kind}, std::move(done));
}

// Coroutines with parameters of their own: the closures that start them may go before they end.
asio::awaitable<void> contact_channel::take_messages(std::weak_ptr<contact_channel> channel, flowersec::stream opened) {
  if (const auto self = channel.lock()) {
    asio::dispatch(self->serial_, [self, stream = std::move(opened)]() mutable { self->on_stream(std::move(stream)); });
  }
  co_return;
}

asio::awaitable<void> contact_channel::serve_other(std::weak_ptr<contact_channel> channel, public_key peer,
                                                   contact_stream_handler serve, flowersec::stream opened) {
  if (const auto self = channel.lock()) {
    asio::dispatch(self->serial_, [self] {
      if (self->listener_.used) self->listener_.used();
    });
  }
  channel.reset();
  co_await serve(peer, std::move(opened));
}

endpoint::stream_router contact_channel::make_router(const public_key& peer, const channel_services& services) {
  endpoint::stream_router router;
  const auto weak = weak_from_this();
  if (session_.role() == endpoint::role::server) {
    router.on(std::string{messages_stream_kind},
              [weak](flowersec::stream opened) { return take_messages(weak, std::move(opened)); });
  }
  for (const auto& [kind, handler] : services.on_stream) {
    contact_stream_handler serve = handler;
    router.on(kind, [weak, peer, serve](flowersec::stream opened) {
      return serve_other(weak, peer, serve, std::move(opened));
    });
  }
  if (services.make_rpc) router.on_rpc(services.make_rpc(peer));
  return router;
}

void contact_channel::on_stream(flowersec::stream opened) {
  if (over_ || stream_) return opened.reset();  // one is enough
  stream_ = std::move(opened);
  if (!queue_.empty()) write();
  read();
}

void contact_channel::read() {
  stream_.async_read_some(asio::buffer(input_), asio::bind_executor(serial_, [self = shared_from_this()](
                                                                                 error_code failed, std::size_t bytes) {
                            self->on_read(failed, bytes);
                          }));
}

void contact_channel::on_read(error_code failed, std::size_t bytes) {
  if (over_) return;
  if (failed) return lose(rendezvous_errc::channel_lost);
  byte_view rest{input_.data(), bytes};
  while (!over_) {
    const auto status = splitter_.consume(rest);
    if (status == json_frame_splitter::status::need_more) return read();
    const auto frame = status == json_frame_splitter::status::frame ? decode_channel_frame(splitter_.text())
                                                                    : std::optional<channel_frame>{};
    if (!frame) return lose(rendezvous_errc::channel_failed);
    if (listener_.frame) listener_.frame(*frame);
  }
}

void contact_channel::send(const channel_frame& frame) {
  if (over_) return;
  if (queue_.size() >= max_channel_outbox_frames) return lose(rendezvous_errc::channel_failed);
  const auto* message = std::get_if<channel_message>(&frame);
  queue_.push_back({.bytes = encode_json_frame(encode(frame)),
                    .message = message != nullptr ? std::optional{message->id} : std::nullopt});
  if (!is_writing_ && stream_) write();
}

void contact_channel::write() {
  is_writing_ = true;
  writing_ = std::move(queue_.front());
  queue_.pop_front();
  write_piece();
}

void contact_channel::write_piece() {
  const auto rest = byte_view{writing_.bytes}.subspan(writing_.written);
  const auto piece = rest.first(std::min(rest.size(), piece_bytes));
  asio::async_write(stream_, asio::buffer(piece.data(), piece.size()),
                    asio::bind_executor(serial_, [self = shared_from_this()](error_code failed, std::size_t bytes) {
                      self->writing_.written += bytes;
                      self->on_written(failed);
                    }));
}

void contact_channel::on_written(error_code failed) {
  if (!failed && !over_ && writing_.message && listener_.moved) listener_.moved(*writing_.message);
  if (!failed && stream_ && writing_.written < writing_.bytes.size()) return write_piece();
  is_writing_ = false;
  if (failed) queue_.clear();
  if (!queue_.empty()) return write();
  if (gone_) return close_session();
  if (failed && !over_) lose(rendezvous_errc::channel_lost);
}

void contact_channel::drop() {
  over_ = true;
  listener_ = {};
  queue_.clear();
  stream_ = {};
  if (session_) session_.async_close(asio::detached);
  session_ = {};
  leave_timer_.cancel();
  if (const auto gone = std::exchange(gone_, nullptr)) gone();
}

void contact_channel::leave(std::function<void()> gone) {
  over_ = true;
  listener_ = {};
  gone_ = std::move(gone);
  if (!is_writing_) return close_session();
  leave_timer_.expires_after(leave_time);
  leave_timer_.async_wait([self = shared_from_this()](error_code canceled) {
    if (!canceled) self->close_session();
  });
}

void contact_channel::close_session() {
  leave_timer_.cancel();
  auto gone = std::exchange(gone_, nullptr);
  if (!gone) return;
  session_.async_close(
      asio::bind_executor(serial_, [self = shared_from_this(), gone = std::move(gone)](error_code /*ignored*/) {
        self->stream_ = {};
        self->session_ = {};
        gone();
      }));
}

void contact_channel::lose(error_code why) {
  if (over_) return;
  const auto keep = shared_from_this();
  const auto lost = std::move(listener_.lost);
  drop();
  if (lost) lost(why);
}

}  // namespace flowersec::rendezvous
