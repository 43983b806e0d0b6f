#include "direct_admission.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>

#include "failure.h"
#include "flowersec/endpoint/direct_listener.h"
#include "flowersec/handshake/init_peek.h"
#include "flowersec/session/error.h"
#include "plan.h"
#include "session_state.h"
#include "ws_transport.h"

namespace flowersec::endpoint {
namespace {

namespace asio = boost::asio;
using ::flowersec::session::link;
using ::flowersec::session::link_end;
using ::flowersec::session::machine;
using ::flowersec::session::machine_options;
using ::flowersec::session::message_kind;
using ::flowersec::session::moment;
using ::flowersec::session::session_errc;
using ::flowersec::session::strand;

class admission : public std::enable_shared_from_this<admission> {
 private:
  /// The signal must outlive the operation, which may outlive this.
  template <class Handler>
  auto on_strand(Handler handler) {
    auto kept = [keep = signal_, handler = std::move(handler)](auto&&... results) mutable {
      handler(std::forward<decltype(results)>(results)...);
    };
    return asio::bind_cancellation_slot(signal_->slot(), asio::bind_executor(serial_, std::move(kept)));
  }

 public:
  admission(std::shared_ptr<const admission_settings> settings, strand serial, admission_done done)
      : settings_(std::move(settings)),
        serial_(std::move(serial)),
        done_(std::move(done)),
        timer_(serial_),
        events_(settings_->executor, path::direct, settings_->common) {}

  void start(asio::ip::tcp::socket client, ws::accept_options upgrade) {
    const bool busy = upgrade.busy;
    start_timer(busy ? direct_listener::refusal_timeout : settings_->common.session.handshake_timeout);
    ws::async_accept(std::move(client), std::move(upgrade),
                     on_strand([weak = weak_from_this(), busy](error_code failed, ws::accepted_socket accepted) {
                       if (const auto self = weak.lock()) self->on_upgraded(failed, std::move(accepted.socket), busy);
                     }));
  }

 private:
  void on_upgraded(error_code failed, ws::message_socket socket, bool busy) {
    if (over_) return;
    if (busy) return fail(stage::handshake, endpoint_errc::resource_exhausted);
    if (failed) return fail(stage::connect, endpoint_errc::upgrade_failed);
    // The time of the handshake begins when the WebSocket is open.
    deadline_ = settings_->common.clocks->mono_now() + settings_->common.session.handshake_timeout;
    start_timer(settings_->common.session.handshake_timeout);
    socket_ = std::move(socket);
    if (const auto* fixed = std::get_if<fixed_credential>(&settings_->credential)) {
      channel_id_ = fixed->channel_id;
      return shake_hands(plan_server(settings_->common, channel_id_, fixed->psk, fixed->init_exp, fixed->suite));
    }
    socket_.async_read_message(on_strand([weak = weak_from_this()](error_code broken, ws::received_message first) {
      if (const auto self = weak.lock()) self->on_first_message(broken, first);
    }));
  }

  void on_first_message(error_code failed, const ws::received_message& first) {
    if (over_) return;
    if (failed || first.kind != ws::message_kind::binary) {
      return fail(stage::handshake, endpoint_errc::handshake_failed);
    }
    init_ = to_buffer(first.payload);
    auto peeked = handshake::peek_init(init_, settings_->common.session.handshake);
    if (!peeked) return finish(make_error(handshake_failure(path::direct, peeked.error())));
    suite_ = peeked->suite;
    channel_id_ = peeked->channel_id;
    asio::co_spawn(
        serial_,
        resolve({.channel_id = peeked->channel_id, .suite = peeked->suite, .client_features = peeked->client_features}),
        on_strand([self = shared_from_this()](const std::exception_ptr&) { self->on_resolved(); }));
  }

  asio::awaitable<void> resolve(credential_request request) {
    const auto& ask = std::get<credential_resolver>(settings_->credential);
    auto answer = co_await ask(std::move(request));
    if (answer) found_.emplace(std::move(*answer));
  }

  void on_resolved() {
    if (over_) return;
    if (!found_) return fail(stage::validate, endpoint_errc::resolve_failed);
    if (count(found_->init_exp) <= 0) return fail(stage::validate, endpoint_errc::missing_init_exp);
    commit_ = std::move(found_->commit);
    shake_hands(plan_server(settings_->common, channel_id_, found_->psk, found_->init_exp, suite_));
  }

  void shake_hands(machine_options options) {
    const auto& common = settings_->common;
    const auto now = common.clocks->mono_now();
    if (now >= deadline_) return fail(stage::handshake, endpoint_errc::timeout);
    timer_.cancel();
    options.hold_streams = commit_ != nullptr;
    options.session.handshake_timeout = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - now);
    const moment at{.mono = now, .wall = to_unix_seconds(common.clocks->wall_now())};
    auto side = machine::create(std::move(options), *common.random, at);
    if (!side) return finish(make_error(handshake_failure(path::direct, side.error())));
    if (!init_.empty()) side->receive(message_kind::binary, init_, at);
    link_ = link::make(std::move(*side), make_ws_transport(std::move(socket_)),
                       {.executor = settings_->executor,
                        .serial = serial_,
                        .hold_streams = commit_ != nullptr,
                        .session = common.session,
                        .names = names_for(path::direct, events_),
                        .report = reporter_for(path::direct, false, events_),
                        .clocks = common.clocks,
                        .rpc_events = common.rpc_events});
    link_->start({[self = shared_from_this()](error_code failed) { self->on_authenticated(failed); }, serial_});
  }

  void on_authenticated(error_code failed) {
    if (failed || !commit_) return on_session(failed);
    // The link's deadline also ends a commit that takes too long, and one that takes no notice of that.
    watching_ = link_->next_serial();
    link_->watch_end(watching_, [self = shared_from_this()](const link_end* end) {
      if (end == nullptr || self->over_) return;
      self->finish(make_error(startup_failure(path::direct, *end)));
      self->signal_->emit(asio::cancellation_type::terminal);
    });
    asio::co_spawn(serial_, commit_(),
                   on_strand([self = shared_from_this()](const std::exception_ptr& thrown, error_code refused) {
                     self->on_committed(thrown != nullptr || refused);
                   }));
  }

  void on_committed(bool failed) {
    link_->stop_watching(watching_);
    if (over_) return;
    if (failed) {
      fail(stage::handshake, endpoint_errc::credential_commit_failed);
      return link_->give_up(make_error_code(session_errc::canceled));
    }
    link_->release({[self = shared_from_this()](error_code not_up) { self->on_session(not_up); }, serial_});
  }

  void on_session(error_code failed) {
    if (over_) return;
    if (failed) return finish(failed);
    events_.report(notice::callback::handshake, {}, to_string(stage::handshake), "handshake_ok", handshake_since_);
    tell_end(*link_, events_);
    over_ = true;
    done_({}, session{std::make_shared<session::shared>(std::exchange(link_, nullptr), path::direct, role::server,
                                                        std::move(channel_id_))});
  }

  void start_timer(std::chrono::milliseconds limit) {
    timer_.expires_after(limit);
    // The socket's operations hold this weakly, because this holds the socket: the timer is what keeps it alive.
    timer_.async_wait([self = shared_from_this()](error_code canceled) {
      if (canceled || self->link_) return;
      // At once, not when the operation under way says so: a resolver that takes no notice must not hold the place.
      self->fail(self->socket_ ? stage::handshake : stage::connect, endpoint_errc::timeout);
      self->signal_->emit(asio::cancellation_type::terminal);
    });
  }

  void fail(stage where, endpoint_errc what) { finish(failure(path::direct, where, what)); }

  void finish(error_code failed) {
    if (over_) return;
    over_ = true;
    timer_.cancel();
    socket_.abort();
    if (const auto info = describe_error(failed)) report_failure(*info);
    done_(failed, {});
  }

  void report_failure(const error_info& info) const {
    // A listener has no step of connecting, and looking at what it was given is no stage of events.
    if (info.stage != stage::handshake) return;
    const auto code = to_string(info.code);
    events_.report(notice::callback::handshake, code, to_string(info.stage), code, handshake_since_);
  }

  std::shared_ptr<const admission_settings> settings_;
  strand serial_;
  admission_done done_;
  asio::steady_timer timer_;
  teller events_;
  mono_time handshake_since_{events_.now()};
  std::shared_ptr<asio::cancellation_signal> signal_ = std::make_shared<asio::cancellation_signal>();
  mono_time deadline_{};
  ws::message_socket socket_;
  byte_buffer init_;  // of a client whose credential is being resolved
  std::string channel_id_;
  crypto::suite suite_ = crypto::suite::x25519;
  std::optional<resolved_credential> found_;
  std::function<asio::awaitable<error_code>()> commit_;
  std::shared_ptr<link> link_;
  std::uint64_t watching_ = 0;
  bool over_ = false;
};

}  // namespace

void admit(std::shared_ptr<const admission_settings> settings, strand serial, asio::ip::tcp::socket client,
           ws::accept_options upgrade, admission_done done) {
  auto made = std::make_shared<admission>(std::move(settings), serial, std::move(done));
  asio::dispatch(serial, [made, client = std::move(client), upgrade = std::move(upgrade)]() mutable {
    made->start(std::move(client), std::move(upgrade));
  });
}

}  // namespace flowersec::endpoint
