#include "ws/message_connection.h"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cassert>
#include <utility>

namespace flowersec::ws {

namespace asio = boost::asio;

namespace {

// Handlers are stored with swap(): the move assignment of any_completion_handler recurses for ever in Boost 1.81.

template <typename Handler, typename Action>
void on_cancel(const Handler& handler, Action action) {
  auto slot = asio::get_associated_cancellation_slot(handler);
  if (slot.is_connected()) slot.assign([action](asio::cancellation_type /*kind*/) { action(); });
}

template <typename Handler>
Handler take(Handler& pending) {
  auto handler = std::exchange(pending, nullptr);
  if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) slot.clear();
  return handler;
}

/// Posts the completion. `keep` keeps alive what the arguments point into, until the handler has run.
template <typename Handler, typename Keep, typename... Args>
void complete(Handler& pending, const asio::any_io_executor& executor, Keep keep, Args... args) {
  auto handler = take(pending);
  auto where = asio::get_associated_executor(handler, executor);
  asio::post(executor, asio::bind_executor(where, [handler = std::move(handler), keep = std::move(keep),
                                                   args...]() mutable { std::move(handler)(args...); }));
}

}  // namespace

message_connection::message_connection(asio::ip::tcp::socket socket, socket_io io, role own,
                                       const socket_options& options, byte_view received, std::string subprotocol)
    : socket_(std::move(socket)),
      io_(std::move(io)),
      own_(own),
      subprotocol_(std::move(subprotocol)),
      options_(options),
      reader_(own, options.limits),
      keys_(system_random()),
      close_timer_(socket_.get_executor()),
      silence_timer_(socket_.get_executor()) {
  while (!received.empty()) {
    const auto room = reader_.prepare();
    const auto taken = std::min(room.size(), received.size());
    std::copy_n(received.begin(), taken, room.begin());
    reader_.commit(taken);
    received = received.subspan(taken);
  }
}

// ---- Reading

void message_connection::read(read_handler handler) {
  assert(!read_handler_ && "one read at a time");
  read_handler_.swap(handler);
  on_cancel(read_handler_, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && self->read_handler_) self->complete_read(asio::error::operation_aborted);
  });
  if (const auto outcome = advance_reading()) complete_read(outcome->error, outcome->message);
}

/// Receives only where more is likely: without a system call that finds nothing.
std::optional<received_message> message_connection::try_read() {
  while (closing_ == closing::no) {
    if (auto message = take_message()) return message;
    if (read_ended_ || read_blocked_ || kernel_drained_) break;
    receive();
  }
  return std::nullopt;
}

void message_connection::bound_messages(std::optional<message_bound> bound) {
  assert(!read_handler_ && "no read may be under way");
  bound_ = std::move(bound);
  reader_.limit_messages(bound_ ? bound_->max_bytes : options_.limits.max_message_bytes);
}

/// Goes on until there is a message, an end, or nothing to receive now.
std::optional<message_connection::read_outcome> message_connection::advance_reading() {
  while (closing_ == closing::no) {
    if (const auto message = take_message()) return read_outcome{{}, *message};
    if (read_ended_) return read_outcome{*read_ended_, {}};
    if (read_blocked_) return std::nullopt;
    receive();
  }
  return read_outcome{make_error_code(ws_errc::closed_locally), {}};
}

/// Nobody's call is on the stack, so that the handler runs at once if it asks for no executor or for this one.
void message_connection::resume_reading() {
  if (!read_handler_ || closing_ != closing::no) return;
  const auto outcome = advance_reading();
  if (!outcome) return;
  auto handler = take(read_handler_);
  const auto where = asio::get_associated_executor(handler);
  asio::dispatch(where, [handler = std::move(handler), keep = shared_from_this(), outcome]() mutable {
    std::move(handler)(outcome->error, outcome->message);
  });
}

/// The next whole message in what was received. Control frames on the way are dealt with.
std::optional<received_message> message_connection::take_message() {
  while (!read_ended_) {
    const auto event = reader_.next();
    if (const auto* message = std::get_if<message_reader::message>(&event)) {
      return received_message{message->kind, message->payload};
    }
    if (const auto* control = std::get_if<message_reader::control>(&event)) {
      on_control(*control);
    } else if (const auto* error = std::get_if<ws_errc>(&event)) {
      on_violation(*error);
    } else {
      break;
    }
  }
  return std::nullopt;
}

void message_connection::receive() {
  // After a receive that left room, nothing was left in the kernel: wait without asking, and without holding memory.
  if (std::exchange(kernel_drained_, false)) {
    reader_.release_if_idle();
    read_blocked_ = io_status::want_read;
    return wait_for(io_status::want_read);
  }
  const auto room = reader_.prepare();
  const auto received = io_.read(room);
  if (received.status != io_status::done) return on_no_input(received);
  reader_.commit(received.bytes);
  note_input();
  kernel_drained_ = !io_.secure() && received.bytes < room.size();
}

/// The transport has nothing now, or nothing any more.
void message_connection::on_no_input(const io_result& why) {
  if (why.status == io_status::want_read || why.status == io_status::want_write) {
    reader_.release_if_idle();
    read_blocked_ = why.status;
    return wait_for(why.status);
  }
  input_ended_ = true;
  end_reading(why.error ? why.error : make_error_code(ws_errc::abrupt_end));
}

void message_connection::on_control(const message_reader::control& control) {
  if (control.op == opcode::ping) queue_control(opcode::pong, control.payload);
  if (control.op == opcode::close) on_close_frame(control.payload);
}

void message_connection::on_close_frame(byte_view payload) {
  auto said = parse_close_payload(payload);
  if (!said) return on_violation(static_cast<ws_errc>(said.error().value()));
  peer_close_ = std::move(*said);
  // Echoed once: same code, no reason.
  queue_control(opcode::close, encode_close_payload({.code = peer_close_->code, .reason = {}}));
  end_reading(make_error_code(ws_errc::closed_by_peer));
}

void message_connection::on_violation(ws_errc error) {
  if (bound_ && error == ws_errc::message_too_big) {
    queue_control(opcode::close, encode_close_payload(bound_->said));
  } else if (const auto code = close_code_for(error)) {
    const std::string reason = error == ws_errc::message_too_big ? "" : describe(error);
    queue_control(opcode::close, encode_close_payload({.code = *code, .reason = reason}));
  }
  end_reading(make_error_code(error));
}

void message_connection::end_reading(error_code why) {
  if (!read_ended_) read_ended_ = why;
}

void message_connection::complete_read(error_code error, received_message message) {
  complete(read_handler_, executor(), shared_from_this(), error, message);
}

// ---- Writing

result<void> message_connection::finish_frame(opcode op, mutable_byte_view frame, std::size_t payload_bytes) {
  frame_header header{.op = op, .fin = true, .mask = {}, .payload_bytes = payload_bytes};
  if (own_ == role::client) {
    header.mask = keys_.next();
    if (!header.mask) return make_error_code(ws_errc::random_failed);
  }
  finish_frame_in_place(frame, header);
  return {};
}

/// The outcome, if it is known already.
std::optional<error_code> message_connection::try_write(std::span<const byte_view> frames) {
  assert(sender_.frames_done() && "one write at a time");
  if (write_ended_) return write_ended_;
  // Nothing may follow a close frame.
  if (sender_.close_queued()) return make_error_code(ws_errc::closed_locally);
  sender_.start(frames);
  advance_writing();
  if (!sender_.frames_done()) return std::nullopt;
  return write_ended_.value_or(error_code{});
}

void message_connection::finish_write(done_handler handler) {
  assert(!write_handler_ && "one write at a time");
  write_handler_.swap(handler);
  if (sender_.frames_done()) return complete_write(write_ended_.value_or(error_code{}));
  on_cancel(write_handler_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->shut(asio::error::operation_aborted, asio::error::operation_aborted);
  });
}

void message_connection::write(std::span<const byte_view> frames, done_handler handler) {
  const auto done = try_write(frames);
  if (!done) return finish_write(std::move(handler));
  write_handler_.swap(handler);
  complete_write(*done);
}

void message_connection::write_copy(opcode op, byte_view payload, done_handler handler) {
  const auto room = frame_header_bytes(payload.size(), own_ == role::client);
  written_copy_.resize(room);
  append(written_copy_, payload);
  if (const auto finished = finish_frame(op, written_copy_, payload.size()); !finished) {
    write_handler_.swap(handler);
    return complete_write(finished.error());
  }
  const byte_view frame = written_copy_;
  write({&frame, 1}, std::move(handler));
}

void message_connection::advance_writing() {
  while (!write_blocked_ && !write_ended_ && !sender_.idle()) {
    const auto written = io_.write(sender_.pending());
    switch (written.status) {
      case io_status::done:
        sender_.sent(written.bytes);
        break;
      case io_status::want_read:
      case io_status::want_write:
        write_blocked_ = written.status;
        wait_for(written.status);
        break;
      case io_status::end:
      case io_status::failed:
        end_writing(written.error ? written.error : make_error_code(ws_errc::abrupt_end));
        break;
    }
  }
  if (write_handler_ && sender_.frames_done()) complete_write(write_ended_.value_or(error_code{}));
}

void message_connection::end_writing(error_code why) {
  if (!write_ended_) write_ended_ = why;
  sender_.drop_frames();
}

/// Queues a control frame and sends it if the kernel takes it now. Never waits.
void message_connection::queue_control(opcode op, byte_view payload) {
  if (write_ended_) return;
  std::optional<mask_key> mask;
  if (own_ == role::client) {
    mask = keys_.next();
    if (!mask) return end_writing(make_error_code(ws_errc::random_failed));
  }
  auto frame = make_frame(op, payload, mask);
  if (op == opcode::pong) sender_.queue_pong(std::move(frame));
  if (op == opcode::ping) sender_.queue_ping(std::move(frame));
  if (op == opcode::close) sender_.queue_close(std::move(frame));
  advance_writing();
}

void message_connection::complete_write(error_code error) {
  complete(write_handler_, executor(), shared_from_this(), error);
}

// ---- Closing

void message_connection::close(const close_payload& payload, done_handler handler) {
  assert(!close_handler_ && "one close at a time");
  close_handler_.swap(handler);
  if (closing_ == closing::finished) return finish_closing({});
  on_cancel(close_handler_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->finish_closing(asio::error::operation_aborted);
  });
  closing_ = closing::under_way;
  if (read_handler_) complete_read(make_error_code(ws_errc::closed_locally));
  close_timer_.expires_after(options_.close_timeout);
  close_timer_.async_wait([weak = weak_from_this()](error_code canceled) {
    const auto self = weak.lock();
    if (self && !canceled) self->finish_closing(asio::error::timed_out);
  });
  auto said = payload;
  const bool normal = said.code == static_cast<std::uint16_t>(close_code::normal);
  if (normal && options_.going_away && options_.going_away->load()) {
    said.code = static_cast<std::uint16_t>(close_code::going_away);
  }
  queue_control(opcode::close, encode_close_payload(said));
  advance_closing();
}

/// Flush, let the peer answer, end our half, let the peer end its half. Closing TCP with input unread would reset the
/// connection and take our last frames from the peer.
void message_connection::advance_closing() {
  while (closing_ == closing::under_way) {
    while (take_message()) {
    }
    const bool flushed = write_ended_ || sender_.idle();
    if (flushed && input_ended_) return finish_closing({});
    if (flushed && read_ended_ && !std::exchange(half_closed_, true)) {
      io_.end_writing();
      // After both close frames it is the server that ends TCP first (RFC 6455 section 7.1.1).
      if (peer_close_ && own_ == role::server) return finish_closing({});
    }
    if (!drain_some()) return;
  }
}

/// Reads once, into the reader while frames matter, else into the void. False when there is nothing to read now.
bool message_connection::drain_some() {
  if (input_ended_ || read_blocked_) return false;
  std::array<std::byte, 4096> dropped;
  const auto received = io_.read(read_ended_ ? mutable_byte_view{dropped} : reader_.prepare());
  if (received.status != io_status::done) {
    on_no_input(received);
    return !read_blocked_;
  }
  if (!read_ended_) reader_.commit(received.bytes);
  drained_bytes_ += received.bytes;
  if (drained_bytes_ > options_.max_close_drain_bytes) finish_closing(asio::error::timed_out);
  return true;
}

void message_connection::finish_closing(error_code error) {
  if (close_handler_) complete(close_handler_, executor(), shared_from_this(), error);
  const auto closed = make_error_code(ws_errc::closed_locally);
  shut(closed, closed);
}

void message_connection::find_peer_close() {
  std::size_t received_bytes = 0;
  while (!read_ended_) {
    while (take_message()) {
    }
    if (read_ended_ || received_bytes > options_.max_close_drain_bytes) return;
    const auto received = io_.read(reader_.prepare());
    if (received.status != io_status::done) return;
    reader_.commit(received.bytes);
    received_bytes += received.bytes;
  }
}

void message_connection::shut(error_code pending, error_code later) {
  error_code ignored;
  socket_.close(ignored);  // from here on nothing touches the descriptor: both directions have ended
  close_timer_.cancel();
  silence_timer_.cancel();
  closing_ = closing::finished;
  input_ended_ = true;
  end_reading(later);
  end_writing(later);
  if (read_handler_) complete_read(pending);
  if (write_handler_) complete_write(pending);
  if (close_handler_) complete(close_handler_, executor(), shared_from_this(), pending);
}

// ---- Waiting

void message_connection::abandon() noexcept {
  read_handler reading;
  done_handler writing;
  done_handler ending;
  reading.swap(read_handler_);
  writing.swap(write_handler_);
  ending.swap(close_handler_);
}

void message_connection::wait_for(io_status direction) {
  const bool readable = direction == io_status::want_read;
  if (std::exchange(readable ? waiting_readable_ : waiting_writable_, true)) return;
  socket_.async_wait(readable ? socket_.wait_read : socket_.wait_write, waiting{shared_from_this(), direction});
}

/// TLS may read in order to write and write in order to read, so a direction of the descriptor says nothing about
/// whose turn it is.
void message_connection::wake(io_status direction) {
  (direction == io_status::want_read ? waiting_readable_ : waiting_writable_) = false;
  if (read_blocked_ == direction) {
    read_blocked_.reset();
    resume_reading();
  }
  if (write_blocked_ == direction) {
    write_blocked_.reset();
    advance_writing();
  }
  advance_closing();
}

}  // namespace flowersec::ws
