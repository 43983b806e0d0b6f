#include "direct_admission.h"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>

#include "failure.h"
#include "flowersec/endpoint/direct_listener.h"
#include "flowersec/handshake/init_peek.h"
#include "flowersec/sealed/box.h"
#include "flowersec/sealed/open_message.h"
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

// Close reasons of public-key mode. Nobody may learn from them why a box did not open.
constexpr std::string_view open_timeout_reason = "open_timeout";
constexpr std::string_view invalid_open_reason = "invalid_open";
constexpr std::string_view unknown_key_reason = "unknown_key";

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

  void start(ws::message_socket upgraded) { begin(std::move(upgraded)); }

  void start(asio::ip::tcp::socket client, ws::accept_options upgrade) {
    const bool busy = upgrade.busy;
    start_timer(busy ? direct_listener::refusal_timeout : settings_->common.session.handshake_timeout);
    ws::async_accept(std::move(client), std::move(upgrade),
                     on_strand([weak = weak_from_this(), busy](error_code failed, ws::accepted_socket accepted) {
                       if (const auto self = weak.lock()) self->on_upgraded(failed, std::move(accepted.socket), busy);
                     }));
  }

  /// The caller has given up.
  void cancel() {
    if (over_) return;
    if (link_) {
      canceled_ = true;
      return link_->give_up(make_error_code(session_errc::canceled));
    }
    if (socket_) {
      leave(ws::close_code::normal, endpoint_errc::canceled, {});
    } else {
      fail(stage::handshake, endpoint_errc::canceled);
    }
    signal_->emit(asio::cancellation_type::terminal);
  }

 private:
  void on_upgraded(error_code failed, ws::message_socket socket, bool busy) {
    if (over_) return;
    if (busy) return fail(stage::handshake, endpoint_errc::resource_exhausted);
    if (failed) return fail(stage::connect, endpoint_errc::upgrade_failed);
    begin(std::move(socket));
  }

  void begin(ws::message_socket socket) {
    // The time of the handshake begins when the WebSocket is open.
    const auto limit = settings_->common.session.handshake_timeout;
    if (limit.count() > 0) deadline_ = settings_->common.clocks->mono_now() + limit;
    start_timer(limit);
    socket_ = std::move(socket);
    if (const auto* ours = std::get_if<sealed_credentials>(&settings_->credential)) return await_open(*ours);
    if (const auto* fixed = std::get_if<fixed_credential>(&settings_->credential)) {
      channel_id_ = fixed->channel_id;
      return shake_hands(plan_server(settings_->common, channel_id_, fixed->psk, fixed->init_exp, fixed->suite));
    }
    socket_.async_read_message(on_strand([weak = weak_from_this()](error_code broken, ws::received_message first) {
      if (const auto self = weak.lock()) self->on_first_message(broken, first);
    }));
  }

  void await_open(const sealed_credentials& ours) {
    opening_ = true;
    // At the frame header: nobody without a key makes us hold more.
    ws::message_bound bound{.max_bytes = sealed::max_open_bytes};
    bound.said.code = static_cast<std::uint16_t>(ws::close_code::policy_violation);
    bound.said.reason = invalid_open_reason;
    socket_.bound_messages(std::move(bound));
    const auto whole = settings_->common.session.handshake_timeout;
    start_timer(whole.count() > 0 ? std::min(ours.open_timeout, whole) : ours.open_timeout);
    socket_.async_read_message(on_strand([weak = weak_from_this()](error_code broken, ws::received_message first) {
      if (const auto self = weak.lock()) self->on_open_message(broken, first);
    }));
  }

  void on_open_message(error_code failed, const ws::received_message& first) {
    if (over_) return;
    opening_ = false;
    if (failed == ws::ws_errc::message_too_big) return refuse(endpoint_errc::invalid_open, invalid_open_reason);
    if (failed) return fail(stage::handshake, endpoint_errc::handshake_failed);
    if (first.kind != ws::message_kind::text) return refuse(endpoint_errc::invalid_open, invalid_open_reason);
    const auto& ours = std::get<sealed_credentials>(settings_->credential);
    auto opened = sealed::decode(as_text(first.payload));
    if (!opened || std::ranges::find(ours.allowed_suites, opened->suite) == ours.allowed_suites.end()) {
      return refuse(endpoint_errc::invalid_open, invalid_open_reason);
    }
    const auto keys = ours.keys();
    const auto* key = keys ? keys->find(opened->kid) : nullptr;
    if (key == nullptr) return refuse(endpoint_errc::unknown_key, unknown_key_reason);
    const auto psk = sealed::open(*key, opened->channel_id, opened->sealed);
    if (!psk) return refuse(endpoint_errc::invalid_open, invalid_open_reason);
    socket_.bound_messages(std::nullopt);
    channel_id_ = std::move(opened->channel_id);
    const auto now = to_unix_seconds(settings_->common.clocks->wall_now());
    const unix_seconds init_exp{count(now) + sealed_init_window_seconds};
    // INIT is left to the machine, which holds it against this channel id and suite.
    shake_hands(plan_server(settings_->common, channel_id_, *psk, init_exp, opened->suite));
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
    if (deadline_ && now >= *deadline_) return fail(stage::handshake, endpoint_errc::timeout);
    timer_.cancel();
    options.hold_streams = commit_ != nullptr;
    if (deadline_) {
      options.session.handshake_timeout = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - now);
    }
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
    if (canceled_) {
      // Crossed with success: nobody would close it.
      link_->close();
      return fail(stage::handshake, endpoint_errc::canceled);
    }
    events_.report(notice::callback::handshake, {}, to_string(stage::handshake), "handshake_ok", handshake_since_);
    tell_end(*link_, events_);
    over_ = true;
    done_({}, session{std::make_shared<session::shared>(std::exchange(link_, nullptr), path::direct, role::server,
                                                        std::move(channel_id_))});
  }

  void start_timer(std::chrono::milliseconds limit) {
    limit.count() > 0 ? timer_.expires_after(limit) : timer_.expires_at(mono_time::max());
    // The socket's operations hold this weakly, because this holds the socket: the timer is what keeps it alive.
    timer_.async_wait([self = shared_from_this()](error_code canceled) {
      if (canceled || self->link_) return;
      if (self->opening_) return self->refuse(endpoint_errc::timeout, open_timeout_reason);
      // At once, not when the operation under way says so: a resolver that takes no notice must not hold the place.
      self->fail(self->socket_ ? stage::handshake : stage::connect, endpoint_errc::timeout);
      self->signal_->emit(asio::cancellation_type::terminal);
    });
  }

  void fail(stage where, endpoint_errc what) { finish(failure(path::direct, where, what)); }

  void finish(error_code failed) {
    if (!end(failed)) return;
    socket_.abort();
    done_(failed, {});
  }

  void refuse(endpoint_errc what, std::string_view reason) { leave(ws::close_code::policy_violation, what, reason); }

  /// Tells the client why, and is done when that is out: until then the client counts as one on its way in.
  void leave(ws::close_code code, endpoint_errc what, std::string_view reason) {
    const auto failed = failure(path::direct, stage::handshake, what);
    if (!end(failed)) return;
    socket_.async_close(code, reason,
                        asio::bind_executor(serial_, [self = shared_from_this(), failed](error_code /*ignored*/) {
                          self->done_(failed, {});
                        }));
  }

  /// False when it was over already.
  bool end(error_code failed) {
    if (std::exchange(over_, true)) return false;
    timer_.cancel();
    if (const auto info = describe_error(failed)) report_failure(*info);
    return true;
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
  std::optional<mono_time> deadline_;
  ws::message_socket socket_;
  byte_buffer init_;  // of a client whose credential is being resolved
  std::string channel_id_;
  crypto::suite suite_ = crypto::suite::x25519;
  std::optional<resolved_credential> found_;
  std::function<asio::awaitable<error_code>()> commit_;
  std::shared_ptr<link> link_;
  std::uint64_t watching_ = 0;
  bool opening_ = false;   // waiting for the open message
  bool canceled_ = false;  // while the link is coming up
  bool over_ = false;
};

error_code invalid(endpoint_errc what) { return failure(path::direct, stage::validate, what); }

result<void> check(const fixed_credential& credential) {
  if (credential.channel_id.empty()) return invalid(endpoint_errc::missing_channel_id);
  if (credential.channel_id.size() > 256) return invalid(endpoint_errc::invalid_input);
  if (count(credential.init_exp) <= 0) return invalid(endpoint_errc::missing_init_exp);
  if (!crypto::is_known(credential.suite)) return invalid(endpoint_errc::invalid_suite);
  return {};
}

result<void> check(const credential_resolver& resolver) {
  if (!resolver) return invalid(endpoint_errc::invalid_option);
  return {};
}

result<void> check(const sealed_credentials& ours) {
  const bool usable = ours.keys && ours.open_timeout.count() > 0 && ours.clock_skew.count() >= 0;
  if (!usable || ours.allowed_suites.empty()) return invalid(endpoint_errc::invalid_option);
  if (!std::ranges::all_of(ours.allowed_suites, crypto::is_known)) return invalid(endpoint_errc::invalid_suite);
  return {};
}

}  // namespace

result<std::shared_ptr<const admission_settings>> admission_settings::make(asio::any_io_executor executor,
                                                                           detail::any_credential credential,
                                                                           common_options common) {
  auto ok = std::visit([](const auto& each) { return check(each); }, credential);
  if (!ok) return ok.error();
  if (const auto* ours = std::get_if<sealed_credentials>(&credential)) {
    common.clock_skew = ours->clock_skew;
    // A shared cache knows channels by their id, which here is the client's own choice.
    common.handshake_cache = nullptr;
  }
  if (ok = endpoint::check(path::direct, common); !ok) return ok.error();
  return std::make_shared<const admission_settings>(admission_settings{
      .executor = std::move(executor), .credential = std::move(credential), .common = std::move(common)});
}

sealed_credentials sealed_credentials::of(sealed::keyring keys) {
  return {.keys = [held = std::make_shared<const sealed::keyring>(std::move(keys))] { return held; }};
}

void admit(std::shared_ptr<const admission_settings> settings, strand serial, asio::ip::tcp::socket client,
           ws::accept_options upgrade, admission_done done) {
  auto made = std::make_shared<admission>(std::move(settings), serial, std::move(done));
  asio::dispatch(serial, [made, client = std::move(client), upgrade = std::move(upgrade)]() mutable {
    made->start(std::move(client), std::move(upgrade));
  });
}

void detail::start_accept(ws::message_socket socket, any_credential credential, common_options options,
                          accept_completion done) {
  if (!socket) return done.complete(invalid(endpoint_errc::missing_conn), {});
  const auto executor = socket.get_executor();
  const auto* own = executor.target<strand>();
  auto settings = admission_settings::make(own != nullptr ? own->get_inner_executor() : executor, std::move(credential),
                                           std::move(options));
  if (!settings) return done.complete(settings.error(), {});
  const strand serial = own != nullptr ? *own : strand{executor};
  const auto told = std::make_shared<accept_completion>(std::move(done));
  auto made = std::make_shared<admission>(
      std::move(*settings), serial, [told](error_code failed, session up) { told->complete(failed, std::move(up)); });
  told->on_cancel([weak = std::weak_ptr{made}, serial] {
    if (const auto self = weak.lock()) asio::dispatch(serial, [self] { self->cancel(); });
  });
  asio::dispatch(serial, [made, socket = std::move(socket)]() mutable { made->start(std::move(socket)); });
}

}  // namespace flowersec::endpoint
