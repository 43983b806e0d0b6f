#include "flowersec/endpoint/session.h"

#include <boost/asio/error.hpp>
#include <boost/asio/system_executor.hpp>

#include "failure.h"
#include "flowersec/session/error.h"
#include "session_state.h"

namespace flowersec::endpoint {
namespace {

using ::flowersec::session::link_end;
using ::flowersec::session::session_errc;

error_code gone(session_errc why) { return make_error(operation_failure(path::automatic, make_error_code(why))); }

}  // namespace

session::executor_type session::get_executor() const noexcept {
  return shared_ ? shared_->link->executor() : executor_type{boost::asio::system_executor{}};
}

path session::path() const noexcept { return shared_ ? shared_->path : endpoint::path::automatic; }

role session::role() const noexcept { return shared_ ? shared_->role : endpoint::role::client; }

std::string_view session::channel_id() const noexcept {
  return shared_ ? std::string_view{shared_->channel_id} : std::string_view{};
}

void session::start_open(std::string kind, completion<error_code, flowersec::stream> done) {
  if (!shared_) return done.complete(gone(session_errc::streams_gone), {});
  shared_->link->open(std::move(kind), std::move(done));
}

void session::start_accept(completion<error_code, incoming_stream> done) {
  if (!shared_) return done.complete(gone(session_errc::accept_ended), {});
  shared_->link->accept(std::move(done));
}

void session::start_call(std::uint32_t type_id, std::string payload, rpc_call_options options,
                         completion<error_code, rpc::reply> done) {
  if (!shared_) return done.complete(gone(session_errc::rpc_gone), {});
  shared_->link->call(type_id, std::move(payload), options, std::move(done));
}

void session::start_notify(std::uint32_t type_id, std::string payload, completion<error_code> done) {
  if (!shared_) return done.complete(gone(session_errc::rpc_gone));
  shared_->link->notify(type_id, std::move(payload), std::move(done));
}

remove_handler session::on_notification(std::uint32_t type_id, std::function<void(const std::string& payload)> fn) {
  if (!shared_) return [] {};
  return shared_->link->on_notification(type_id,
                                        [fn = std::move(fn)](std::string_view payload) { fn(std::string{payload}); });
}

void session::start_ping(completion<error_code> done) {
  if (!shared_) return done.complete(gone(session_errc::channel_gone));
  shared_->link->ping(std::move(done));
}

void session::start_rekey(completion<error_code> done) {
  if (!shared_) return done.complete(gone(session_errc::channel_gone));
  shared_->link->rekey(std::move(done));
}

void session::start_probe(completion<error_code, std::chrono::nanoseconds> done) {
  if (!shared_) return done.complete(gone(session_errc::streams_gone), {});
  shared_->link->probe(std::move(done));
}

void session::start_close(completion<error_code> done) {
  if (!shared_) return done.complete(gone(session_errc::closed_here));
  shared_->link->close(std::move(done));
}

void session::start_wait_end(completion<error_code, termination> done) {
  if (!shared_) return done.complete({}, {});
  // The wait must not keep the session alive, so it holds the link and not the shared state.
  const auto& link = shared_->link;
  const auto on = shared_->path;
  const auto serial = link->next_serial();
  done.on_cancel([weak = std::weak_ptr{link}, serial] {
    if (const auto self = weak.lock()) self->stop_watching(serial);
  });
  auto told = std::make_shared<completion<error_code, termination>>(std::move(done));
  link->watch_end(serial, [on, told](const link_end* end) {
    if (end == nullptr) return told->complete(boost::asio::error::operation_aborted, {});
    told->complete({}, {.closed_here = end->closed_here, .info = end_of_session(on, *end), .cause = end->why});
  });
}

}  // namespace flowersec::endpoint
