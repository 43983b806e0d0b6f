#include "flowersec/ws/message_socket.h"

#include <boost/asio/error.hpp>
#include <utility>

#include "ws/message_connection.h"

namespace flowersec::ws {
namespace {

constexpr opcode opcode_of(message_kind kind) noexcept {
  return kind == message_kind::text ? opcode::text : opcode::binary;
}

}  // namespace

bool socket_options::validate() const noexcept {
  const auto positive = [](std::chrono::milliseconds time) { return time > std::chrono::milliseconds::zero(); };
  const bool keep_alive = (!ping_after || positive(*ping_after)) &&
                          (!silence_limit || *silence_limit > ping_after.value_or(std::chrono::milliseconds::zero()));
  return limits.validate() && keep_alive && positive(close_timeout);
}

message_socket::message_socket(std::shared_ptr<message_connection> connection) noexcept
    : connection_(std::move(connection)) {}

message_socket& message_socket::operator=(message_socket&& other) noexcept {
  if (this != &other) {
    abort();
    connection_ = std::move(other.connection_);
  }
  return *this;
}

message_socket::~message_socket() { abort(); }

message_socket::executor_type message_socket::get_executor() const noexcept { return connection_->executor(); }

role message_socket::own_role() const noexcept { return connection_->own_role(); }

std::string_view message_socket::subprotocol() const noexcept { return connection_->subprotocol(); }

std::optional<received_message> message_socket::try_read_message() { return connection_->try_read(); }

void message_socket::bound_messages(std::optional<message_bound> bound) {
  connection_->bound_messages(std::move(bound));
}

result<void> message_socket::finish_frame(message_kind kind, mutable_byte_view frame, std::size_t payload_bytes) {
  return connection_->finish_frame(opcode_of(kind), frame, payload_bytes);
}

void message_socket::abort() noexcept {
  if (connection_) connection_->shut(boost::asio::error::operation_aborted, make_error_code(ws_errc::closed_locally));
}

void message_socket::find_peer_close() {
  if (connection_) connection_->find_peer_close();
}

const std::optional<close_payload>& message_socket::peer_close() const noexcept { return connection_->peer_close(); }

void message_socket::start_read(read_handler handler) { connection_->read(std::move(handler)); }

void message_socket::start_write(std::span<const byte_view> frames, done_handler handler) {
  connection_->write(frames, std::move(handler));
}

std::optional<error_code> message_socket::try_write_frames(std::span<const byte_view> pieces) {
  return connection_->try_write(pieces);
}

void message_socket::start_finish_write(done_handler handler) { connection_->finish_write(std::move(handler)); }

void message_socket::start_write_copy(message_kind kind, byte_view payload, done_handler handler) {
  connection_->write_copy(opcode_of(kind), payload, std::move(handler));
}

void message_socket::start_close(close_code code, const std::string& reason, done_handler handler) {
  connection_->close({.code = static_cast<std::uint16_t>(code), .reason = reason}, std::move(handler));
}

}  // namespace flowersec::ws
