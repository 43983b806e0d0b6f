// A control connection that comes back, and an attach for each grant that arrives on it. Everything on one strand.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <deque>
#include <list>
#include <memory>
#include <optional>

#include "flowersec/base/text.h"
#include "flowersec/endpoint/reconnect_manager.h"
#include "flowersec/endpoint/serve.h"
#include "flowersec/messages/grant_file.h"
#include "flowersec/token/control_frames.h"
#include "plan.h"
#include "teller.h"

namespace flowersec::endpoint {
namespace {

namespace asio = boost::asio;
using strand = asio::strand<asio::any_io_executor>;
using messages::sensitive_text;

constexpr auto as_result = asio::as_tuple(default_token{});
constexpr auto never = std::numeric_limits<std::int64_t>::max();

error_code rpc_failed() { return failure(path::direct, stage::rpc, endpoint_errc::rpc_failed); }

/// What a program's code throws is its own affair.
template <class Call>
void guarded(const Call& call) noexcept {
  try {
    call();
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
}

result<void> check(const serve_options& options) {
  const auto refused = [](path on, endpoint_errc why) { return failure(on, stage::validate, why); };
  const auto id = trim(options.endpoint_id);
  const bool good_id = !id.empty() && id.size() <= token::max_endpoint_id_bytes && is_valid_utf8(id);
  if (!good_id || options.register_timeout.count() <= 0 || options.max_refused_handshakes.value_or(1) < 1 ||
      options.max_sessions == 0) {
    return refused(path::direct, endpoint_errc::invalid_option);
  }
  // Some of these would be found out by every attempt, and none would help.
  for (const auto& [on, how] : {std::pair{path::direct, &options.control_connect}, {path::tunnel, &options.attach}}) {
    if (auto ok = check(on, how->common); !ok) return ok;
    if (how->connect_timeout.count() <= 0) return refused(on, endpoint_errc::invalid_option);
    if (is_blank(how->origin)) return refused(on, endpoint_errc::missing_origin);
  }
  return {};
}

/// What the answer to a registration means. Success: registered.
error_code outcome_of(const rpc::reply& answer) {
  if (answer.ok()) return token::decode_registered(answer.payload) ? error_code{} : rpc_failed();
  if (answer.error->code == token::control_status::forbidden) return serve_errc::not_allowed;
  if (answer.error->code == token::control_status::bad_request) return serve_errc::bad_endpoint_id;
  return rpc_failed();
}

/// Whether the other side would not complete the handshake. It does so when it does not know the credential, and also
/// when it cannot read its own state: the two look alike from here.
bool is_refused_handshake(const error_code& why) {
  const auto info = describe_error(why);
  return info && info->stage == stage::handshake && info->code == endpoint_errc::handshake_failed;
}

/// One serve().
class serving_endpoint : public std::enable_shared_from_this<serving_endpoint> {
 public:
  using completion = ::flowersec::session::completion<error_code>;

  serving_endpoint(asio::any_io_executor executor, serve_options options, completion done)
      : executor_(std::move(executor)),
        serial_(executor_),
        options_(std::move(options)),
        done_(std::move(done)),
        life_(serial_),
        manager_(executor_),
        events_(executor_, path::tunnel, options_.attach.common) {}

  void start() {
    done_.on_cancel([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      asio::dispatch(self->serial_,
                     [self] { self->stop(failure(path::direct, stage::connect, endpoint_errc::canceled)); });
    });
    asio::dispatch(serial_, [self = shared_from_this()] { self->begin(); });
  }

 private:
  /// An attach under way, then its session.
  struct client {
    asio::cancellation_signal stop;
    session up;
  };
  using client_ptr = std::shared_ptr<client>;

  // The timer never fires. Its handler is what owns this: it goes at the end, or with the context.
  void begin() {
    if (stopping_) return;
    life_.expires_at(asio::steady_timer::time_point::max());
    life_.async_wait([self = shared_from_this()](error_code) {});
    watching_ = manager_.on_state([weak = weak_from_this(), on = serial_](const connection_state& now) {
      asio::dispatch(on, [weak, status = now.status, why = now.error] {
        if (const auto self = weak.lock()) self->on_state(status, why);
      });
    });
    auto reconnect = options_.reconnect;
    reconnect.enabled = true;
    manager_.async_connect({.source = credential(),
                            .connect = options_.control_connect,
                            .reconnect = reconnect,
                            .prepare = registration()},
                           asio::bind_executor(serial_, [weak = weak_from_this()](error_code failed, const session&) {
                             const auto self = weak.lock();
                             if (self && failed) self->stop(failed);
                           }));
  }

  [[nodiscard]] artifact_source credential() {
    auto kept = std::make_shared<const direct_connect_info>(std::move(options_.control));
    return artifact_source::refreshable([kept](artifact_request) -> asio::awaitable<result<connect_artifact>> {
      connect_artifact artifact{.target = kept->clone()};
      co_return artifact;
    });
  }

  // Grants are listened for before the control plane is told that somebody listens.
  [[nodiscard]] std::function<asio::awaitable<error_code>(session)> registration() {
    return [weak = weak_from_this(), on = serial_, timeout = options_.register_timeout,
            payload = token::encode_registration(options_.endpoint_id)](session up) -> asio::awaitable<error_code> {
      return register_at(std::move(up), payload, timeout, [weak, on](const std::string& grant) {
        asio::dispatch(on, [weak, text = sensitive_text{grant}] {
          if (const auto self = weak.lock()) self->on_grant(text);
        });
      });
    };
  }
  static asio::awaitable<error_code> register_at(session up, std::string payload, std::chrono::milliseconds timeout,
                                                 std::function<void(const std::string&)> hear) {
    up.on_notification(token::control_grant_type, std::move(hear));
    rpc_call_options how{.timeout = timeout};
    auto [failed, answer] = co_await up.async_call(token::control_register_type, std::move(payload), how, as_result);
    co_return failed ? failed : outcome_of(answer);
  }

  // ---- the control connection

  void on_state(connection_status status, error_code why) {
    if (stopping_) return;
    const bool up = status == connection_status::connected;
    const bool refused = status == connection_status::connecting && is_refused_handshake(why);
    const bool told = std::exchange(registered_, up) != up || refused;
    if (told && options_.on_registered) {
      guarded([&] { options_.on_registered(up ? error_code{} : why); });
    }
    if (status == connection_status::error) return stop(why);
    // The state at the beginning of a run says nothing.
    if (!up && !why) return;
    refused_handshakes_ = refused ? refused_handshakes_ + 1 : 0;
    if (refused_handshakes_ >= options_.max_refused_handshakes.value_or(never)) stop(serve_errc::credential_refused);
  }

  // ---- grants

  void on_grant(const sensitive_text& text) {
    if (stopping_) return;
    auto grant = messages::read_server_grant(text.view());
    if (!grant) return;
    if (clients_.size() < options_.max_sessions) return attach(*std::move(grant));
    constexpr auto room = token::max_waiting_grants;
    if (waiting_.size() < room) return waiting_.push_back(*std::move(grant));
    events_.tell_limit(to_string(stage::rpc), "resource_limit_reached",
                       {.name = "waiting_grants", .current = room, .limit = room});
  }

  void attach(channel_init_grant grant) {
    const auto mine = std::make_shared<client>();
    clients_.push_back(mine);
    auto over = [self = shared_from_this(), mine](error_code failed, session up) {
      failed ? self->end(mine) : self->on_attached(mine, std::move(up));
    };
    async_attach_server(executor_, std::move(grant), options_.attach,
                        asio::bind_cancellation_slot(mine->stop.slot(), asio::bind_executor(serial_, std::move(over))));
  }

  void on_attached(const client_ptr& mine, session up) {
    mine->up = std::move(up);
    if (!stopping_ && options_.on_session) {
      guarded([&] { options_.on_session(mine->up); });
    }
    auto router = options_.router;
    if (!stopping_ && options_.make_router) {
      guarded([&] { router = options_.make_router(mine->up); });
    }
    auto over = [self = shared_from_this(), mine](error_code) { self->end(mine); };
    mine->up.async_serve(std::move(router), asio::bind_executor(serial_, std::move(over)));
    if (stopping_) mine->up.async_close([](error_code) {});
  }

  void end(const client_ptr& mine) {
    clients_.remove(mine);
    if (!waiting_.empty() && !stopping_) {
      auto next = std::move(waiting_.front());
      waiting_.pop_front();
      attach(std::move(next));
    }
    finish();
  }

  // ---- the end

  void stop(error_code why) {
    if (stopping_) return;
    stopping_ = why;
    watching_.cancel();
    waiting_.clear();
    for (const auto& mine : clients_) {
      if (mine->up) {
        mine->up.async_close([](error_code) {});
      } else {
        mine->stop.emit(asio::cancellation_type::terminal);
      }
    }
    manager_.async_disconnect(asio::bind_executor(serial_, [self = shared_from_this()](error_code) {
      self->disconnected_ = true;
      self->finish();
    }));
  }

  void finish() {
    if (!stopping_ || !disconnected_ || !clients_.empty() || !done_) return;
    life_.cancel();
    done_.complete(*stopping_);
  }

  asio::any_io_executor executor_;
  strand serial_;
  serve_options options_;
  completion done_;
  asio::steady_timer life_;
  reconnect_manager manager_;
  teller events_;
  state_subscription watching_;
  std::list<client_ptr> clients_;
  std::deque<channel_init_grant> waiting_;
  bool registered_ = false;
  bool disconnected_ = false;
  std::int64_t refused_handshakes_ = 0;
  std::optional<error_code> stopping_;
};

}  // namespace

const char* describe(serve_errc code) noexcept {
  switch (code) {
    case serve_errc::not_allowed:
      return "the credential is not for this endpoint id, or was revoked";
    case serve_errc::bad_endpoint_id:
      return "the control plane cannot use this endpoint id";
    case serve_errc::credential_refused:
      return "the control plane refuses the credential: it is not known, or was revoked";
  }
  return "unknown error of serving";
}

error_code make_error_code(serve_errc code) noexcept {
  static constexpr errc_category<serve_errc> category{"flowersec.serve"};
  return {static_cast<int>(code), category};
}

void detail::start_serving(asio::any_io_executor executor, serve_options options,
                           ::flowersec::session::completion<error_code> done) {
  if (const auto ok = check(options); !ok) return done.complete(ok.error());
  std::make_shared<serving_endpoint>(std::move(executor), std::move(options), std::move(done))->start();
}

}  // namespace flowersec::endpoint
