#include "flowersec/rendezvous/registry_server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>

#include "rendezvous/registry_desk.h"

namespace flowersec::rendezvous {

namespace asio = boost::asio;
using asio::ip::tcp;

const char* describe(registry_errc code) noexcept {
  switch (code) {
    case registry_errc::invalid_option:
      return "an option of the registry is not valid";
    case registry_errc::port_taken:
      return "the port cannot be bound";
  }
  return "unknown registry error";
}

error_code make_error_code(registry_errc code) noexcept {
  static constexpr errc_category<registry_errc> category{"flowersec.rendezvous.registry"};
  return {static_cast<int>(code), category};
}

class registry_server::impl : public std::enable_shared_from_this<impl> {
 public:
  impl(asio::any_io_executor executor, registry_options options)
      : executor_(std::move(executor)), serial_(executor_), options_(std::move(options)) {}

  error_code open() {
    const bool is_whole = options_.keys && options_.mint && options_.limits.validate();
    const auto keys = is_whole ? present_keys() : nullptr;
    if (!keys) return registry_errc::invalid_option;
    registry_setup setup{.keys = keys,
                         .mint = options_.mint,
                         .work = options_.work,
                         .may_call = options_.may_call,
                         .random = options_.random};
    core_ = std::make_shared<registry_core>(serial_, options_.limits, std::move(setup), *options_.clocks,
                                            options_.on_event);
    auto desk = registry_desk::make(core_, options_);
    if (!desk) return desk.error();
    desk_ = std::move(*desk);
    if (!options_.port) return {};
    auto door = ws::door::open(executor_, serial_, options_.port->listen, desk_->way_in(), ws::door::home::own);
    if (!door) return registry_errc::port_taken;
    door_ = std::move(*door);
    return {};
  }

  void start() {
    if (!door_) return;
    asio::dispatch(serial_, [self = shared_from_this()] {
      self->door_->start([desk = self->desk_](tcp::socket socket, ws::entrance::place place) {
        registry_desk::receive(desk, std::move(socket), std::move(place));
      });
    });
  }

  void attach(ws::message_socket socket, const std::string& remote_addr, transport how) {
    registry_entrance in{.how = how, .from = ws::address_as_told(remote_addr)};
    const auto where = socket.get_executor();
    asio::co_spawn(where, registry_desk::serve(desk_, std::move(socket), std::move(in), nullptr), asio::detached);
  }

  error_code reload_keys() {
    auto keys = present_keys();
    if (!keys) return registry_errc::invalid_option;
    asio::dispatch(serial_, [core = core_, keys = std::move(keys)] { core->machine().replace_keys(keys); });
    return {};
  }

  void replace_tls(ws::tls_context next) {
    asio::dispatch(serial_, [desk = desk_, next = std::move(next)] { desk->replace_tls(next); });
  }

  void stop(::flowersec::session::completion<error_code> done) {
    auto shared = std::make_shared<::flowersec::session::completion<error_code>>(std::move(done));
    asio::dispatch(serial_, [self = shared_from_this(), shared] {
      if (self->door_) self->door_->close();
      self->desk_->set_going_away();
      self->core_->stop(self->options_.limits.stop_timeout, [shared] { shared->complete({}); });
    });
  }

  void abandon() {
    asio::dispatch(serial_, [self = shared_from_this()] {
      if (self->door_) self->door_->close();
      self->core_->close();
    });
  }

  [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return door_ ? door_->local().port() : 0; }
  [[nodiscard]] registry_counts counts() const { return core_->last_counts(); }

 private:
  [[nodiscard]] std::shared_ptr<const registry_keys> present_keys() const {
    const auto ring = options_.keys();
    if (!ring) return nullptr;
    auto keys = registry_keys::from(*ring);
    return keys ? std::make_shared<const registry_keys>(std::move(*keys)) : nullptr;
  }

  asio::any_io_executor executor_;
  ws::serial_executor serial_;
  registry_options options_;
  std::shared_ptr<registry_core> core_;
  std::shared_ptr<registry_desk> desk_;
  std::shared_ptr<ws::door> door_;
};

result<registry_server> registry_server::open(executor_type executor, registry_options options) {
  auto made = std::make_shared<impl>(std::move(executor), std::move(options));
  if (const auto failed = made->open()) return failed;
  made->start();
  return registry_server{std::move(made)};
}

registry_server::registry_server(std::shared_ptr<impl> state) noexcept : impl_(std::move(state)) {}
registry_server::registry_server(registry_server&&) noexcept = default;

registry_server& registry_server::operator=(registry_server&& other) noexcept {
  if (this == &other) return *this;
  if (impl_) impl_->abandon();
  impl_ = std::move(other.impl_);
  return *this;
}

registry_server::~registry_server() {
  if (impl_) impl_->abandon();
}

std::uint16_t registry_server::port() const noexcept { return impl_->port(); }
void registry_server::attach(ws::message_socket socket, std::string remote_addr, transport how) {
  impl_->attach(std::move(socket), remote_addr, how);
}
error_code registry_server::reload_keys() { return impl_->reload_keys(); }
void registry_server::replace_tls(ws::tls_context next) { impl_->replace_tls(std::move(next)); }
registry_counts registry_server::counts() const { return impl_->counts(); }
registry_server::executor_type registry_server::get_executor() const noexcept { return impl_->executor(); }
void registry_server::start_stop(::flowersec::session::completion<error_code> done) { impl_->stop(std::move(done)); }

}  // namespace flowersec::rendezvous
