#include "ownwire/client_connection.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "endpoint/one_stream.h"
#include "flowersec/ownwire/client_errc.h"

namespace flowersec::ownwire {

namespace asio = boost::asio;

void client_connection::dial(const endpoint::sealed_connect_info& info, endpoint::connect_options options) {
  auto done = asio::bind_executor(serial_, [self = shared_from_this()](error_code failed, endpoint::session up) {
    self->on_dialled(failed, std::move(up));
  });
  const auto executor = serial_.get_inner_executor();
  endpoint::start_attempt(executor, info, std::move(options), hint_,
                          {asio::bind_cancellation_slot(stop_dialling_.slot(), std::move(done)), executor});
}

void client_connection::on_dialled(error_code failed, endpoint::session up) {
  if (over_) return;  // `up` closes with its last handle
  if (failed) return lose(failed, hint_->draining);
  session_ = std::move(up);
  endpoint::refuse_streams(session_);
  session_.async_open_stream(
      std::string{chat_stream_kind},
      asio::bind_executor(serial_, [self = shared_from_this()](error_code refused, flowersec::stream opened) {
        self->on_stream(refused, std::move(opened));
      }));
}

void client_connection::on_stream(error_code failed, flowersec::stream opened) {
  if (over_) return;
  if (failed) return lose_with_session(failed);
  stream_ = std::move(opened);
  if (const auto user = user_.lock()) user->on_opened(id_);
  if (!over_) read();
}

void client_connection::read() {
  stream_.async_read_some(asio::buffer(input_), asio::bind_executor(serial_, [self = shared_from_this()](
                                                                                 error_code failed, std::size_t bytes) {
                            self->on_read(failed, bytes);
                          }));
}

void client_connection::on_read(error_code failed, std::size_t bytes) {
  if (gone_) return failed ? close_session() : read();
  if (over_) return;
  if (failed) return lose_with_session(client_errc::connection_lost);
  byte_view rest{input_.data(), bytes};
  while (!over_) {
    const auto status = splitter_.consume(rest);
    if (status == json_frame_splitter::status::need_more) return read();
    const auto frame = status == json_frame_splitter::status::frame ? decode_gateway_frame(splitter_.text())
                                                                    : std::optional<gateway_frame>{};
    if (!frame) return lose(client_errc::invalid_frame);
    if (const auto user = user_.lock()) user->on_frame(id_, *frame);
  }
  if (gone_) read();
}

void client_connection::send(user_frame frame) {
  const bool replaces = std::holds_alternative<received_frame>(frame) || std::holds_alternative<typing_frame>(frame);
  if (replaces && !queue_.empty() && queue_.back().index() == frame.index()) queue_.pop_back();
  queue_.push_back(std::move(frame));
  if (!is_writing_) write();
}

void client_connection::write() {
  is_writing_ = true;
  writing_ = encode_json_frame(encode(queue_.front()));
  queue_.pop_front();
  asio::async_write(stream_, asio::buffer(writing_),
                    asio::bind_executor(serial_, [self = shared_from_this()](error_code failed, std::size_t /*bytes*/) {
                      self->on_written(failed);
                    }));
}

void client_connection::on_written(error_code failed) {
  is_writing_ = false;
  if (failed) queue_.clear();
  if (!queue_.empty()) return write();
  // A read under way learns why; without one there is nobody left to say it to.
  if (failed && !over_) lose_with_session(client_errc::connection_lost);
}

void client_connection::drop() {
  over_ = true;
  user_.reset();
  queue_.clear();
  stop_dialling_.emit(asio::cancellation_type::terminal);
  stream_ = {};
  session_ = {};
}

void client_connection::leave(std::function<void()> gone) {
  over_ = true;
  user_.reset();
  gone_ = std::move(gone);
  leave_timer_.expires_after(leave_time);
  leave_timer_.async_wait([self = shared_from_this()](error_code canceled) {
    if (!canceled) self->close_session();
  });
}

void client_connection::close_session() {
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

/// The stream is gone. If its session is as well, that knows what the gateway said.
void client_connection::lose_with_session(error_code why) {
  endpoint::ask_draining(session_, serial_, [self = shared_from_this(), why](bool draining) {
    if (self->gone_) return self->close_session();
    if (!self->over_) self->lose(why, draining);
  });
}

void client_connection::lose(error_code why, bool draining) {
  const auto user = std::exchange(user_, {}).lock();
  const auto keep = shared_from_this();
  drop();
  if (user) user->on_lost(id_, why, draining);
}

}  // namespace flowersec::ownwire
