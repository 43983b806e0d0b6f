// A connection attempt: dial, attach, handshake; one deadline and one cancellation over all of it.
#include "flowersec/endpoint/connect.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include "attempt.h"
#include "failure.h"
#include "flowersec/base/clock.h"
#include "flowersec/session/error.h"
#include "plan.h"
#include "session_state.h"
#include "ws_transport.h"

namespace flowersec::endpoint {
namespace {

namespace asio = boost::asio;
using detail::connect_completion;
using ::flowersec::session::link;
using ::flowersec::session::link_end;
using ::flowersec::session::machine;
using ::flowersec::session::session_errc;
using ::flowersec::session::strand;

class attempt : public std::enable_shared_from_this<attempt> {
 public:
  attempt(asio::any_io_executor executor, connect_plan plan, connect_options options,
          std::shared_ptr<attempt_hint> hint, connect_completion done)
      : executor_(std::move(executor)),
        serial_(executor_),
        plan_(std::move(plan)),
        options_(std::move(options)),
        hint_(std::move(hint)),
        done_(std::move(done)),
        timer_(serial_),
        events_(executor_, plan_.path, options_.common) {}

  void start() {
    done_.on_cancel([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self) asio::dispatch(self->serial_, [self] { self->stop(endpoint_errc::canceled); });
    });
    asio::dispatch(serial_, [self = shared_from_this()] {
      if (!self->over_) self->dial();
    });
  }

 private:
  /// The signal must outlive the operation, which may outlive this.
  template <class Handler>
  auto stoppable(Handler handler) {
    return asio::bind_cancellation_slot(signal_->slot(),
                                        [keep = signal_, handler = std::move(handler)](auto&&... results) mutable {
                                          handler(std::forward<decltype(results)>(results)...);
                                        });
  }

  // Operations of the socket hold this weakly, because this holds the socket: the timer is what keeps it alive.
  void dial() {
    if (!plan_.url.secure) events_.tell("transport", "plaintext_transport", event_result::skip);
    start_timer();
    step_began_ = events_.now();
    ws::async_connect(serial_, plan_.url, std::move(plan_.socket),
                      stoppable([weak = weak_from_this()](error_code failed, ws::message_socket socket) {
                        if (const auto self = weak.lock()) self->on_dialled(failed, std::move(socket));
                      }));
  }

  void on_dialled(error_code failed, ws::message_socket socket) {
    if (over_) return;
    if (failed) {
      hint_->draining = is_unavailable(failed);
      return fail(stage::connect, endpoint_errc::dial_failed);
    }
    events_.report(notice::callback::connect, {}, to_string(stage::connect), "connect_ok", step_began_);
    step_began_ = events_.now();
    socket_ = std::move(socket);
    if (!plan_.first_text) return shake_hands();
    stage_ = plan_.path == path::tunnel ? stage::attach : stage::handshake;
    socket_.async_write_message(ws::message_kind::text, as_bytes(plan_.first_text->view()),
                                stoppable([weak = weak_from_this()](error_code write_failed) {
                                  if (const auto self = weak.lock()) self->on_first_text_sent(write_failed);
                                }));
  }

  void on_first_text_sent(error_code failed) {
    if (over_) return;
    plan_.first_text->wipe();
    if (failed) return fail(stage_, refused_first_text());
    shake_hands();
  }

  /// The other side may refuse before it has read the text, which then cannot be sent.
  endpoint_errc refused_first_text() {
    socket_.find_peer_close();
    const auto& said = socket_.peer_close();
    hint_->draining = is_going_away(said);
    const bool attaching = stage_ == stage::attach;
    const auto nameless = attaching ? endpoint_errc::attach_failed : endpoint_errc::handshake_failed;
    if (!said) return nameless;
    return (attaching ? attach_code_of(said->reason) : open_code_of(said->reason)).value_or(nameless);
  }

  void shake_hands() {
    timer_.cancel();
    const auto now = ::flowersec::session::moment{.mono = options_.common.clocks->mono_now(),
                                                  .wall = to_unix_seconds(options_.common.clocks->wall_now())};
    auto machine = machine::create(std::move(plan_.machine), *options_.common.random, now);
    if (!machine) return finish(make_error(handshake_failure(plan_.path, machine.error())));
    link_ = link::make(std::move(*machine), make_ws_transport(std::move(socket_)),
                       {.executor = executor_,
                        .serial = serial_,
                        .session = options_.common.session,
                        .names = hinting_names(),
                        .report = reporter_for(plan_.path, plan_.role == role::client, events_),
                        .clocks = options_.common.clocks,
                        .rpc_events = options_.common.rpc_events});
    link_->start({[self = shared_from_this()](error_code failed) { self->on_session(failed); }, serial_});
  }

  void on_session(error_code failed) {
    if (failed) return finish(failed);
    if (stopped_) {
      // Crossed with success: the caller has given up, so nobody would close it.
      link_->close();
      return fail(stage::handshake, *stopped_);
    }
    if (plan_.path == path::tunnel) {
      events_.report(notice::callback::attach, {}, to_string(stage::attach), "attach_ok", step_began_);
    }
    events_.report(notice::callback::handshake, {}, to_string(stage::handshake), "handshake_ok", step_began_);
    tell_end(*link_, events_);
    over_ = true;
    done_.complete({}, session{std::make_shared<session::shared>(std::exchange(link_, nullptr), plan_.path, plan_.role,
                                                                 std::move(plan_.channel_id))});
  }

  ::flowersec::session::error_names hinting_names() const {
    auto names = names_for(plan_.path, events_);
    names.of_end = [of_end = names.of_end, hint = hint_](const link_end& end) {
      hint->draining = is_draining(end);
      return of_end(end);
    };
    return names;
  }

  void start_timer() {
    timer_.expires_at(later(system_clocks().mono_now(), options_.connect_timeout));
    timer_.async_wait([self = shared_from_this()](error_code canceled) {
      if (!canceled && !self->link_) self->stop(endpoint_errc::timeout);
    });
  }

  void stop(endpoint_errc why) {
    if (over_ || stopped_) return;
    if (link_) {
      stopped_ = why;
      return link_->give_up(make_error_code(session_errc::canceled));
    }
    fail(stage_, why);
    signal_->emit(asio::cancellation_type::terminal);
  }

  void fail(stage where, endpoint_errc what) { finish(failure(plan_.path, where, what)); }

  void finish(error_code failed) {
    if (over_) return;
    over_ = true;
    timer_.cancel();
    socket_.abort();
    if (const auto info = describe_error(failed)) report_failure(*info);
    done_.complete(failed, {});
  }

  // Whatever fails once the attach is sent is a failed handshake. An attach is known to be accepted or refused only
  // when the handshake has ended.
  void report_failure(const error_info& info) const {
    using callback = notice::callback;
    const auto where = to_string(info.stage);
    const auto code = to_string(info.code);
    const bool given_up = info.code == endpoint_errc::timeout || info.code == endpoint_errc::canceled;
    switch (info.stage) {
      case stage::connect:
        return events_.report(callback::connect, given_up ? code : "websocket_error", where, code, step_began_);
      case stage::attach: {
        const bool unsent = stage_ == stage::attach && info.code == endpoint_errc::attach_failed && !link_;
        return events_.report(callback::attach, unsent ? "send_failed" : code, where, code, step_began_);
      }
      default:
        if (plan_.path == path::tunnel) {
          const auto attach = given_up ? code : to_string(endpoint_errc::attach_failed);
          events_.report(callback::attach, attach, to_string(stage::attach), attach, step_began_);
        }
        const auto why = info.stage == stage::handshake ? code : to_string(endpoint_errc::handshake_failed);
        return events_.report(callback::handshake, why, to_string(stage::handshake), why, step_began_);
    }
  }

  asio::any_io_executor executor_;
  strand serial_;
  connect_plan plan_;
  connect_options options_;
  std::shared_ptr<attempt_hint> hint_;
  connect_completion done_;
  asio::steady_timer timer_;
  teller events_;
  mono_time step_began_{};
  std::shared_ptr<asio::cancellation_signal> signal_ = std::make_shared<asio::cancellation_signal>();
  ws::message_socket socket_;
  std::shared_ptr<link> link_;
  stage stage_ = stage::connect;
  std::optional<endpoint_errc> stopped_;  // while the link is coming up
  bool over_ = false;
};

void run(asio::any_io_executor executor, result<connect_plan> plan, connect_options options, connect_completion done,
         std::shared_ptr<attempt_hint> hint = std::make_shared<attempt_hint>()) {
  if (plan) {
    const auto made = std::make_shared<attempt>(std::move(executor), std::move(*plan), std::move(options),
                                                std::move(hint), std::move(done));
    return made->start();
  }
  done.complete(plan.error(), {});
}

}  // namespace

void start_attempt(asio::any_io_executor executor, const connect_artifact& artifact, connect_options options,
                   std::shared_ptr<attempt_hint> hint, connect_completion done) {
  auto plan = std::visit(
      [&options](const auto& target) {
        if constexpr (std::is_same_v<std::decay_t<decltype(target)>, channel_init_grant>) {
          return plan_tunnel(target, role::client, options);
        } else {
          return plan_direct(target, options);
        }
      },
      artifact.target);
  run(std::move(executor), std::move(plan), std::move(options), std::move(done), std::move(hint));
}

void start_attempt(asio::any_io_executor executor, const sealed_connect_info& info, connect_options options,
                   std::shared_ptr<attempt_hint> hint, connect_completion done) {
  auto plan = plan_sealed(info, options);
  run(std::move(executor), std::move(plan), std::move(options), std::move(done), std::move(hint));
}

namespace detail {

void start_connect(asio::any_io_executor executor, channel_init_grant grant, connect_options options,
                   connect_completion done) {
  auto plan = plan_tunnel(grant, role::client, options);
  run(std::move(executor), std::move(plan), std::move(options), std::move(done));
}

void start_connect(asio::any_io_executor executor, direct_connect_info info, connect_options options,
                   connect_completion done) {
  auto plan = plan_direct(info, options);
  run(std::move(executor), std::move(plan), std::move(options), std::move(done));
}

void start_connect(asio::any_io_executor executor, sealed_connect_info info, connect_options options,
                   connect_completion done) {
  auto plan = plan_sealed(info, options);
  run(std::move(executor), std::move(plan), std::move(options), std::move(done));
}

void start_attach_server(asio::any_io_executor executor, channel_init_grant grant, connect_options options,
                         connect_completion done) {
  auto plan = plan_tunnel(grant, role::server, options);
  run(std::move(executor), std::move(plan), std::move(options), std::move(done));
}

}  // namespace detail

}  // namespace flowersec::endpoint
