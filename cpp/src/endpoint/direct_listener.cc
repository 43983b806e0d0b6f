#include "flowersec/endpoint/direct_listener.h"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <mutex>
#include <vector>

#include "direct_admission.h"
#include "failure.h"
#include "flowersec/session/error.h"
#include "flowersec/ws/upgrade.h"
#include "plan.h"
#include "ws/entrance.h"

namespace flowersec::endpoint {

namespace asio = boost::asio;
using asio::ip::tcp;
using ::flowersec::session::strand;

namespace {

static_assert(direct_listener::max_refusals_under_way == ws::entrance::max_refusals);

/// How long nobody is accepted after the system refused.
constexpr std::chrono::milliseconds accept_pause{50};

error_code invalid(endpoint_errc what) { return failure(path::direct, stage::validate, what); }

result<ws::tls_context> load(const server_certificate& certificate) {
  auto tls = ws::tls_context::server(certificate.chain_file, certificate.key_file);
  if (!tls) return failure(path::direct, stage::connect, endpoint_errc::upgrade_failed);
  return tls;
}

/// Who may be on the way in: every connection has a place at the door, and one that a proxy brings has another by the
/// address it says.
struct way_in {
  ws::network_list trusted;
  std::shared_ptr<ws::entrance> door;
  std::shared_ptr<ws::entrance> behind_proxies;

  /// nullopt: a number is 0, or a proxy no network.
  static std::optional<way_in> make(const listen_options& options) {
    auto trusted = ws::network_list::parse(options.trusted_proxies);
    const auto all = options.max_handshakes;
    const auto own = options.max_handshakes_per_address;
    if (!trusted || all < 1 || own < 1) return std::nullopt;
    return way_in{.trusted = *trusted,
                  .door = std::make_shared<ws::entrance>(all, own, *trusted),
                  .behind_proxies = std::make_shared<ws::entrance>(all, own, ws::network_list{})};
  }
};

using held_place = std::optional<ws::entrance::place>;

}  // namespace

class direct_listener::impl : public std::enable_shared_from_this<impl> {
 public:
  using completion = ::flowersec::session::completion<error_code, session>;

  impl(std::shared_ptr<const admission_settings> settings, ws::accept_options upgrade, tcp::acceptor acceptor,
       strand serial, way_in entrances)
      : settings_(std::move(settings)),
        upgrade_(std::move(upgrade)),
        serial_(std::move(serial)),
        acceptor_(std::move(acceptor)),
        pause_(serial_),
        local_(acceptor_.local_endpoint()),
        way_in_(std::move(entrances)) {}

  [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return settings_->executor; }
  [[nodiscard]] const tcp::endpoint& local() const noexcept { return local_; }
  [[nodiscard]] ws::accept_options upgrade() const {
    const std::scoped_lock lock{upgrade_mutex_};
    return upgrade_;
  }
  error_code replace_certificate(const server_certificate& next) {
    auto tls = load(next);
    if (!tls) return tls.error();
    const std::scoped_lock lock{upgrade_mutex_};
    if (!upgrade_.tls) return invalid(endpoint_errc::invalid_option);
    upgrade_.tls = std::move(*tls);
    return {};
  }

  void listen() {
    asio::dispatch(serial_, [self = shared_from_this()] { self->accept_next(); });
  }

  void accept(completion done) {
    const auto serial = next_serial_.fetch_add(1);
    done.on_cancel([weak = weak_from_this(), serial] {
      const auto self = weak.lock();
      if (self) asio::dispatch(self->serial_, [self, serial] { self->cancel(serial); });
    });
    asio::dispatch(serial_, [self = shared_from_this(), serial, done = std::move(done)]() mutable {
      if (self->closed_) return done.complete(failure(path::direct, stage::close, endpoint_errc::not_connected), {});
      if (self->ready_.empty()) {
        self->waiting_.push_back({serial, std::move(done)});
        return;
      }
      auto first = std::move(self->ready_.front());
      self->ready_.pop_front();
      first.place.reset();
      first.behind_proxy.reset();
      done.complete({}, std::move(first.up));
    });
  }

  void close() {
    asio::dispatch(serial_, [self = shared_from_this()] {
      if (self->closed_) return;
      self->closed_ = true;
      error_code ignored;
      self->acceptor_.close(ignored);
      self->pause_.cancel();
      self->ready_.clear();
      for (auto& accepting : self->waiting_) {
        accepting.done.complete(failure(path::direct, stage::close, endpoint_errc::not_connected), {});
      }
      self->waiting_.clear();
    });
  }

 private:
  struct waiter {
    std::uint64_t serial;
    completion done;
  };
  /// Nobody has accepted it yet, so it counts as on its way in: that bounds what an idle program can be made to hold.
  struct ready {
    session up;
    held_place place;
    held_place behind_proxy;
  };

  void accept_next() {
    if (closed_) return;
    const strand mine{executor()};
    acceptor_.async_accept(
        mine, asio::bind_executor(serial_, [self = shared_from_this(), mine](error_code failed, tcp::socket client) {
          if (failed) return self->accept_later();
          self->admit_one(mine, std::move(client));
          self->accept_next();
        }));
  }

  /// Descriptors or memory ran out, most likely: the client stays in the queue of the system, and trying again at once
  /// would only burn time.
  void accept_later() {
    if (closed_) return;
    pause_.expires_after(accept_pause);
    pause_.async_wait(asio::bind_executor(serial_, [self = shared_from_this()](error_code canceled) {
      if (!canceled) self->accept_next();
    }));
  }

  void admit_one(const strand& mine, tcp::socket client) {
    error_code gone;
    const auto peer = client.remote_endpoint(gone).address();
    if (gone) return;
    const auto place = std::make_shared<held_place>(way_in_.door->enter(peer));
    if (!*place) return;  // the connection is closed
    client.set_option(tcp::no_delay{true}, gone);
    auto upgrade = this->upgrade();
    upgrade.busy = (*place)->busy();
    const auto behind_proxy = std::make_shared<held_place>();
    if (!upgrade.busy && way_in_.trusted.contains(peer)) {
      upgrade.on_head = [entrances = way_in_, peer, behind_proxy](const ws::request_head& head) {
        return let_in(entrances, peer, head, *behind_proxy);
      };
    }
    admit(settings_, mine, std::move(client), std::move(upgrade),
          [self = shared_from_this(), place, behind_proxy](error_code failed, session up) {
            asio::dispatch(self->serial_, [self, place, behind_proxy, failed, up = std::move(up)]() mutable {
              self->deliver(failed, {.up = std::move(up),
                                     .place = std::exchange(*place, std::nullopt),
                                     .behind_proxy = std::exchange(*behind_proxy, std::nullopt)});
            });
          });
  }

  static ws::head_decision let_in(const way_in& entrances, const asio::ip::address& peer, const ws::request_head& head,
                                  held_place& place) {
    const auto visitor = ws::address_behind_proxies(peer, head, entrances.trusted);
    if (!visitor) return ws::head_pass{};
    place = entrances.behind_proxies->enter(*visitor);
    if (place) return ws::head_pass{};
    return ws::head_answer{ws::plain_answer_text(503, "Service Unavailable", false)};
  }

  void deliver(error_code failed, ready arrived) {
    if (closed_) return;
    if (!waiting_.empty()) {
      auto first = std::move(waiting_.front());
      waiting_.pop_front();
      arrived.place.reset();
      arrived.behind_proxy.reset();
      return first.done.complete(failed, std::move(arrived.up));
    }
    if (!failed) ready_.push_back(std::move(arrived));
  }

  void cancel(std::uint64_t serial) {
    for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
      if (at->serial != serial) continue;
      auto done = std::move(at->done);
      waiting_.erase(at);
      return done.complete(failure(path::direct, stage::connect, endpoint_errc::canceled), {});
    }
  }

  std::shared_ptr<const admission_settings> settings_;
  mutable std::mutex upgrade_mutex_;
  ws::accept_options upgrade_;
  strand serial_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  tcp::endpoint local_;
  way_in way_in_;
  std::atomic<std::uint64_t> next_serial_{1};
  std::deque<ready> ready_;
  std::deque<waiter> waiting_;
  bool closed_ = false;
};

namespace {

result<ws::accept_options> plan_upgrade(const listen_options& options) {
  auto origins = options.any_origin
                     ? ws::origin_policy::everybody()
                     : ws::origin_policy::allow_list(options.allowed_origins, options.allow_missing_origin);
  if (!origins) return invalid(endpoint_errc::missing_origin);
  ws::accept_options upgrade{.origins = std::move(*origins), .path = options.path, .tls = {}, .socket = {}};
  upgrade.socket.limits.max_message_bytes = max_message_bytes(options.common.session);
  if (options.certificate) {
    auto tls = load(*options.certificate);
    if (!tls) return tls.error();
    upgrade.tls = std::move(*tls);
  }
  return upgrade;
}

result<tcp::acceptor> bind(const strand& serial, const listen_options& options) {
  error_code failed;
  const auto address = asio::ip::make_address(options.address, failed);
  if (failed) return invalid(endpoint_errc::invalid_option);
  const tcp::endpoint at{address, options.port};
  tcp::acceptor acceptor{serial};
  acceptor.open(at.protocol(), failed);
  if (!failed) acceptor.set_option(tcp::acceptor::reuse_address{true}, failed);
  if (!failed) acceptor.bind(at, failed);
  if (!failed) acceptor.listen(tcp::acceptor::max_listen_connections, failed);
  if (failed) return failure(path::direct, stage::connect, endpoint_errc::upgrade_failed);
  return acceptor;
}

result<std::shared_ptr<direct_listener::impl>> start_listening(asio::any_io_executor executor,
                                                               detail::any_credential credential,
                                                               const listen_options& options) {
  auto settings = admission_settings::make(executor, std::move(credential), options.common);
  if (!settings) return settings.error();
  auto upgrade = plan_upgrade(options);
  if (!upgrade) return upgrade.error();
  auto entrances = way_in::make(options);
  if (!entrances) return invalid(endpoint_errc::invalid_option);
  const strand serial{std::move(executor)};
  auto acceptor = bind(serial, options);
  if (!acceptor) return acceptor.error();
  auto made = std::make_shared<direct_listener::impl>(std::move(*settings), std::move(*upgrade), std::move(*acceptor),
                                                      serial, std::move(*entrances));
  made->listen();
  return made;
}

}  // namespace

direct_listener::direct_listener(std::shared_ptr<impl> state) noexcept : impl_(std::move(state)) {}
direct_listener::direct_listener(direct_listener&&) noexcept = default;

direct_listener& direct_listener::operator=(direct_listener&& other) noexcept {
  if (this != &other) {
    close();
    impl_ = std::move(other.impl_);
  }
  return *this;
}

direct_listener::~direct_listener() { close(); }

result<direct_listener> direct_listener::open(executor_type executor, fixed_credential credential,
                                              listen_options options) {
  auto made = start_listening(std::move(executor), std::move(credential), options);
  if (!made) return made.error();
  return direct_listener{std::move(*made)};
}

result<direct_listener> direct_listener::open(executor_type executor, credential_resolver resolver,
                                              listen_options options) {
  auto made = start_listening(std::move(executor), std::move(resolver), options);
  if (!made) return made.error();
  return direct_listener{std::move(*made)};
}

result<direct_listener> direct_listener::open(executor_type executor, sealed_credentials credentials,
                                              listen_options options) {
  auto made = start_listening(std::move(executor), std::move(credentials), options);
  if (!made) return made.error();
  return direct_listener{std::move(*made)};
}

void direct_listener::start_accept(::flowersec::session::completion<error_code, session> done) {
  impl_->accept(std::move(done));
}

direct_listener::executor_type direct_listener::get_executor() const noexcept { return impl_->executor(); }

std::uint16_t direct_listener::port() const noexcept { return impl_->local().port(); }

std::string direct_listener::url() const {
  const auto& local = impl_->local();
  const auto host = local.address().to_string();
  const auto upgrade = impl_->upgrade();
  return (upgrade.tls ? "wss://" : "ws://") + (local.address().is_v6() ? '[' + host + ']' : host) + ':' +
         std::to_string(local.port()) + upgrade.path.value_or("/");
}

error_code direct_listener::replace_certificate(const server_certificate& next) {
  return impl_->replace_certificate(next);
}

void direct_listener::close() noexcept {
  if (impl_) impl_->close();
}

}  // namespace flowersec::endpoint
