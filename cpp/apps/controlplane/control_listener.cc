#include "controlplane/control_listener.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <stop_token>

#include "flowersec/token/control_frames.h"
#include "serving/log.h"

namespace flowersec::apps {

namespace asio = boost::asio;
using asio::awaitable;
using controlplane::store_errc;
using endpoint::rpc_peer;

namespace {

/// Half-open sockets, bad keys and the like are many on a public port; each is counted by nobody and logged at debug.
void log_refused_client(const error_code& failed) {
  if (logs(log_level::debug)) {
    log_line(log_level::debug, "control connection refused", {{"reason", failed.message()}});
  }
}

}  // namespace

class control_listener::impl : public std::enable_shared_from_this<impl> {
 public:
  impl(asio::any_io_executor executor, control_options options, controlplane::state_store& store,
       plane_metrics& metrics)
      : executor_(std::move(executor)), options_(std::move(options)), store_(store), metrics_(metrics) {}

  error_code start() {
    endpoint::listen_options listen;
    listen.address = options_.address;
    listen.port = options_.port;
    listen.path = options_.path;
    listen.certificate = options_.certificate;
    listen.any_origin = true;
    listen.trusted_proxies = options_.trusted_proxies;
    listen.common.liveness = options_.liveness;
    listen.common.session.yamux.wide_window_session_bytes = 0;  // grants are short, and endpoints are many
    listen.common.session.probe_timeout = std::chrono::ceil<std::chrono::milliseconds>(options_.delivery_timeout);
    auto opened = endpoint::direct_listener::open(
        executor_,
        [weak = weak_from_this()](
            const endpoint::credential_request& asked) -> awaitable<result<endpoint::resolved_credential>> {
          const auto self = weak.lock();
          if (!self) co_return make_error_code(store_errc::unknown_endpoint);
          co_return self->resolve(asked);
        },
        std::move(listen));
    if (!opened) return opened.error();
    listener_.emplace(std::move(*opened));
    asio::co_spawn(executor_, accept_all(shared_from_this()), asio::detached);
    return {};
  }

  void close() {
    if (listener_) listener_->close();
    registrations_.clear();
    for (auto& [serial, one] : std::exchange(connections_, {})) {
      one.session.async_close(asio::detached);
      tell(one.undelivered, false);
      tell(one.sent, false);
    }
  }

  [[nodiscard]] std::string url() const { return listener_->url(); }
  error_code replace_certificate(const endpoint::server_certificate& next) {
    return listener_->replace_certificate(next);
  }
  [[nodiscard]] bool is_online(std::string_view endpoint_id) { return find_registered(endpoint_id) != nullptr; }
  [[nodiscard]] const std::string& newest() const noexcept { return newest_; }
  [[nodiscard]] std::size_t connections() const noexcept { return connections_.size(); }
  [[nodiscard]] std::size_t registered() const noexcept { return registrations_.size(); }

  void deliver(std::string_view endpoint_id, std::string grant, delivered done) {
    auto* found = find_registered(endpoint_id);
    if (found == nullptr) return done(false);
    found->stream.notify(token::control_grant_type, std::move(grant));
    const auto serial = found->connection;
    auto& to = connections_.at(serial);
    to.sent.push_back(std::move(done));
    if (to.undelivered.empty()) ask_for_receipt(serial);
  }

  void drop_revoked() {
    std::vector<std::uint64_t> revoked;
    for (const auto& [serial, one] : connections_) {
      if (standing_of(one) == standing::revoked) revoked.push_back(serial);
    }
    for (const auto serial : revoked) drop(serial, "revoked");
  }

 private:
  struct connection {
    endpoint::session session;
    std::string endpoint_id;
    std::unique_ptr<asio::steady_timer> deadline;  ///< of the first registration
    std::vector<delivered> undelivered{};          ///< behind whose grants a ping is under way
    std::vector<delivered> sent{};                 ///< whose grants wait for the next ping
  };
  struct registration {
    std::uint64_t connection = 0;
    std::uint64_t stream_serial = 0;
    rpc_peer stream;
    std::unique_ptr<std::stop_callback<std::function<void()>>> on_end;
  };

  /// What the state file says of a credential that is used for an endpoint.
  enum class standing : std::uint8_t { entitled, revoked, unreadable };

  static void tell(std::vector<delivered>& waiting, bool outcome) {
    for (const auto& done : std::exchange(waiting, {})) done(outcome);
  }

  void ask_for_receipt(std::uint64_t serial) {
    auto& of = connections_.at(serial);
    of.undelivered = std::exchange(of.sent, {});
    of.session.async_probe(
        asio::bind_executor(executor_, [weak = weak_from_this(), serial](error_code failed, std::chrono::nanoseconds) {
          if (const auto self = weak.lock()) self->on_receipt(serial, !failed);
        }));
  }

  void on_receipt(std::uint64_t serial, bool received) {
    const auto found = connections_.find(serial);
    if (found == connections_.end()) return;  // everybody was told when it went
    if (!received) return drop(serial, "no_receipt");
    // Told last: whoever is told may do anything, also to this connection.
    auto received_by_now = std::exchange(found->second.undelivered, {});
    if (!found->second.sent.empty()) ask_for_receipt(serial);
    tell(received_by_now, true);
  }

  /// The file decides, but for the shared one. That has no endpoint id.
  [[nodiscard]] controlplane::outcome<controlplane::endpoint_credential> credential_of(std::string_view channel_id) {
    const auto& shared = options_.shared;
    if (!shared || channel_id != shared->channel_id) return store_.find_credential(channel_id);
    return controlplane::endpoint_credential{
        .endpoint_id = {}, .channel_id = shared->channel_id, .psk = shared->psk.clone(), .init_exp = shared->init_exp};
  }

  [[nodiscard]] standing standing_of(std::string_view channel_id, std::string_view endpoint_id) {
    const auto credential = credential_of(channel_id);
    if (!credential) {
      return credential.error().code == store_errc::unknown_endpoint ? standing::revoked : standing::unreadable;
    }
    if (!credential->endpoint_id.empty()) {
      return credential->endpoint_id == endpoint_id ? standing::entitled : standing::revoked;
    }
    const auto has_its_own = store_.has_endpoint(endpoint_id);
    if (!has_its_own) return standing::unreadable;
    return *has_its_own ? standing::revoked : standing::entitled;
  }
  [[nodiscard]] standing standing_of(const connection& one) {
    return standing_of(one.session.channel_id(), one.endpoint_id);
  }

  /// The endpoint's registration, if its connection's credential is good now: the id may have another one since.
  [[nodiscard]] registration* find_registered(std::string_view endpoint_id) {
    const auto found = registrations_.find(endpoint_id);
    if (found == registrations_.end()) return nullptr;
    const auto serial = found->second.connection;
    const auto present = standing_of(connections_.at(serial));
    if (present == standing::revoked) drop(serial, "revoked");
    return present == standing::entitled ? &found->second : nullptr;
  }

  // Nothing is consumed here: whoever asks has not proved anything yet.
  result<endpoint::resolved_credential> resolve(const endpoint::credential_request& asked) {
    auto found = credential_of(asked.channel_id);
    if (!found) return found.error().code;
    if (found->suite != asked.suite) return make_error_code(store_errc::unknown_endpoint);
    return endpoint::resolved_credential{.psk = std::move(found->psk), .init_exp = found->init_exp, .commit = {}};
  }

  static awaitable<void> accept_all(std::shared_ptr<impl> self) {
    while (true) {
      auto [failed, session] = co_await self->listener_->async_accept(asio::as_tuple(endpoint::default_token{}));
      if (!failed) {
        self->take(std::move(session));
        continue;
      }
      const auto info = endpoint::describe_error(failed);
      if (info && info->stage == endpoint::stage::close) co_return;
      log_refused_client(failed);
    }
  }

  void take(endpoint::session session) {
    auto credential = credential_of(session.channel_id());
    const char* refusal = nullptr;
    if (!credential) {
      refusal = credential.error().code == store_errc::unknown_endpoint ? "revoked" : "state_failed";
    } else if (connections_.size() >= options_.max_connections && !drop_own(credential->endpoint_id)) {
      refusal = "too_many";
    }
    if (refusal != nullptr) {
      metrics_.dropped(refusal);
      log_line(log_level::warning, "control connection refused", {{"reason", refusal}});
      return session.async_close(asio::detached);
    }
    const auto serial = ++last_serial_;
    auto deadline = std::make_unique<asio::steady_timer>(executor_, options_.registration_timeout);
    deadline->async_wait([weak = weak_from_this(), serial](error_code cancelled) {
      const auto self = weak.lock();
      if (self && !cancelled) self->drop(serial, "not_registered");
    });
    endpoint::stream_router routes;
    routes.on_rpc([weak = weak_from_this(), serial](const rpc_peer& stream) {
      const auto self = weak.lock();
      return self ? self->routes_of(serial, stream) : rpc::router{};
    });
    session.async_serve(std::move(routes),
                        asio::bind_executor(executor_, [weak = weak_from_this(), serial](error_code) {
                          if (const auto self = weak.lock()) self->forget(serial);
                        }));
    connections_.emplace(serial, connection{.session = std::move(session),
                                            .endpoint_id = std::move(credential->endpoint_id),
                                            .deadline = std::move(deadline)});
  }

  /// Drops the oldest connection of an endpoint that comes back: it may have gone without a word.
  bool drop_own(std::string_view endpoint_id) {
    if (endpoint_id.empty()) return false;  // of the shared credential nobody knows yet whose it is
    const auto own = std::ranges::find_if(
        connections_, [endpoint_id](const auto& entry) { return entry.second.endpoint_id == endpoint_id; });
    if (own == connections_.end()) return false;
    drop(own->first, "replaced");
    return true;
  }

  rpc::router routes_of(std::uint64_t serial, const rpc_peer& stream) {
    rpc::router routes;
    routes.on_request(token::control_register_type,
                      [weak = weak_from_this(), serial, stream, stream_serial = ++last_serial_](
                          const rpc::request& call, rpc::responder answer) {
                        const auto self = weak.lock();
                        if (!self) return;
                        const auto refused = self->register_endpoint(serial, stream_serial, stream, call);
                        self->metrics_.registered(refused ? std::to_string(refused->code) : "ok");
                        if (refused) return answer.fail(refused->code, refused->message);
                        answer.succeed(token::encode_registered());
                      });
    return routes;
  }

  std::optional<token::control_refusal> register_endpoint(std::uint64_t serial, std::uint64_t stream_serial,
                                                          const rpc_peer& stream, const rpc::request& call) {
    const auto asked = token::decode_registration(call.payload);
    if (!asked) return asked.error();
    const token::control_refusal forbidden{token::control_status::forbidden, "the credential is not this endpoint's"};
    const token::control_refusal unavailable{token::control_status::unavailable, "the state cannot be read"};
    const auto found = connections_.find(serial);
    if (found == connections_.end()) return forbidden;
    auto& mine = found->second;
    // What is true now, not what was when the connection began.
    const auto present = standing_of(mine.session.channel_id(), *asked);
    if (present == standing::unreadable) return unavailable;
    if (present == standing::revoked) {
      log_line(log_level::warning, "registration refused", {{"endpoint", mine.endpoint_id}});
      return forbidden;
    }
    mine.deadline.reset();
    if (mine.endpoint_id != *asked) {
      unregister_connection(serial);
      mine.endpoint_id = *asked;
    }
    const auto before = registrations_.find(mine.endpoint_id);
    const auto replaced = before == registrations_.end() ? serial : before->second.connection;
    auto ended = [weak = weak_from_this(), executor = executor_, endpoint_id = mine.endpoint_id, stream_serial] {
      asio::post(executor, [weak, endpoint_id, stream_serial] {
        if (const auto self = weak.lock()) self->unregister(endpoint_id, stream_serial);
      });
    };
    registrations_.insert_or_assign(mine.endpoint_id,
                                    registration{.connection = serial,
                                                 .stream_serial = stream_serial,
                                                 .stream = stream,
                                                 .on_end = std::make_unique<std::stop_callback<std::function<void()>>>(
                                                     call.stop, std::move(ended))});
    newest_ = mine.endpoint_id;
    log_line(log_level::info, "endpoint registered", {{"endpoint", mine.endpoint_id}});
    // The one that was here before is the same endpoint, come back before we noticed that it had gone.
    if (replaced != serial) drop(replaced, "replaced");
    return std::nullopt;
  }

  void unregister(const std::string& endpoint_id, std::uint64_t stream_serial) {
    const auto found = registrations_.find(endpoint_id);
    if (found == registrations_.end() || found->second.stream_serial != stream_serial) return;
    log_line(log_level::info, "endpoint left", {{"endpoint", endpoint_id}});
    if (newest_ == endpoint_id) newest_.clear();
    registrations_.erase(found);
  }

  /// What the connection has registered.
  void unregister_connection(std::uint64_t serial) {
    const auto registered = registrations_.find(connections_.at(serial).endpoint_id);
    if (registered == registrations_.end() || registered->second.connection != serial) return;
    unregister(std::string{registered->first}, registered->second.stream_serial);
  }

  void drop(std::uint64_t serial, std::string_view reason) {
    const auto found = connections_.find(serial);
    if (found == connections_.end()) return;
    metrics_.dropped(reason);
    log_line(log_level::warning, "control connection dropped",
             {{"endpoint", found->second.endpoint_id}, {"reason", std::string{reason}}});
    found->second.session.async_close(asio::detached);
    forget(serial);
  }

  void forget(std::uint64_t serial) {
    const auto found = connections_.find(serial);
    if (found == connections_.end()) return;
    unregister_connection(serial);
    auto gone = connections_.extract(found);
    tell(gone.mapped().undelivered, false);
    tell(gone.mapped().sent, false);
  }

  asio::any_io_executor executor_;
  control_options options_;
  controlplane::state_store& store_;
  plane_metrics& metrics_;
  std::optional<endpoint::direct_listener> listener_;
  std::map<std::uint64_t, connection> connections_;
  std::map<std::string, registration, std::less<>> registrations_;
  std::string newest_;
  std::uint64_t last_serial_ = 0;
};

control_listener::control_listener(std::shared_ptr<impl> state) noexcept : impl_(std::move(state)) {}
control_listener::control_listener(control_listener&&) noexcept = default;
control_listener::~control_listener() {
  if (impl_) impl_->close();
}

result<control_listener> control_listener::open(asio::any_io_executor executor, control_options options,
                                                controlplane::state_store& store, plane_metrics& metrics) {
  auto made = std::make_shared<impl>(std::move(executor), std::move(options), store, metrics);
  if (const auto failed = made->start()) return failed;
  return control_listener{std::move(made)};
}

std::string control_listener::url() const { return impl_->url(); }
error_code control_listener::replace_certificate(const endpoint::server_certificate& next) {
  return impl_->replace_certificate(next);
}
bool control_listener::is_online(std::string_view endpoint_id) { return impl_->is_online(endpoint_id); }
const std::string& control_listener::newest() const noexcept { return impl_->newest(); }
void control_listener::deliver(std::string_view endpoint_id, std::string grant, delivered done) {
  impl_->deliver(endpoint_id, std::move(grant), std::move(done));
}
void control_listener::drop_revoked() { impl_->drop_revoked(); }
std::size_t control_listener::connections() const noexcept { return impl_->connections(); }
std::size_t control_listener::registered() const noexcept { return impl_->registered(); }
void control_listener::close() { impl_->close(); }

}  // namespace flowersec::apps
