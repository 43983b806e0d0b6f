#include "flowersec/yamux/session.h"

#include "core.h"

namespace flowersec::yamux {
namespace {

bool fits(stream_id first, role is) noexcept {
  const auto id = static_cast<std::uint32_t>(first);
  return id != 0 && (id % 2 == 1) == (is == role::client);
}

}  // namespace

result<session> session::create(const session_options& options) {
  if (const auto valid = options.limits.validate(); !valid) return valid.error();
  if (options.first_id && !fits(*options.first_id, options.is)) return yamux_errc::invalid_limits;
  return session{std::make_unique<core>(options)};
}

session::session(std::unique_ptr<core> state) noexcept : core_(std::move(state)) {}
session::session(session&&) noexcept = default;
session& session::operator=(session&&) noexcept = default;
session::~session() = default;

void session::receive(byte_view bytes) { core_->receive(bytes); }
void session::end_of_input() { core_->end_of_input(); }
void session::end(yamux_errc why) { core_->end(why); }
void session::advance(mono_time now) noexcept { core_->advance(now); }
std::optional<outgoing_frame> session::next_frame(std::size_t max_bytes) { return core_->next_frame(max_bytes); }
bool session::has_output() const noexcept { return core_->has_output(); }
std::optional<event> session::poll_event() { return core_->poll_event(); }
result<stream_id> session::open() { return core_->open(); }
result<std::optional<std::size_t>> session::read(stream_id id, mutable_byte_view into) { return core_->read(id, into); }
std::size_t session::cancel_read(stream_id id) noexcept { return core_->cancel_read(id); }
result<void> session::write(stream_id id, byte_view body) { return core_->write(id, body); }
std::size_t session::cancel_writes(stream_id id) noexcept { return core_->cancel_writes(id); }
result<void> session::close_write(stream_id id) { return core_->close_write(id); }
void session::reset(stream_id id) { core_->reset(id); }
result<std::uint32_t> session::probe() { return core_->probe(); }
std::optional<yamux_errc> session::ended() const noexcept { return core_->ended(); }
std::size_t session::active_streams() const noexcept { return core_->active_streams(); }
std::size_t session::unread_bytes() const noexcept { return core_->unread_bytes(); }
std::size_t session::receive_memory_bytes() const noexcept { return core_->receive_memory_bytes(); }
std::size_t session::queued_write_bytes(stream_id id) const noexcept { return core_->queued_write_bytes(id); }
std::size_t session::queued_write_bytes() const noexcept { return core_->queued_write_bytes(); }

}  // namespace flowersec::yamux
