#include "flowersec/ownwire/gateway.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <mutex>

#include "ownwire/internal_port.h"
#include "ownwire/public_port.h"

namespace flowersec::ownwire {

namespace asio = boost::asio;
using asio::ip::tcp;

const char* describe(gateway_errc code) noexcept {
  switch (code) {
    case gateway_errc::invalid_option:
      return "an option of the gateway is not valid";
    case gateway_errc::public_port_taken:
      return "the public port cannot be bound";
    case gateway_errc::internal_port_taken:
      return "the internal port cannot be bound";
  }
  return "unknown gateway error";
}

error_code make_error_code(gateway_errc code) noexcept {
  static constexpr errc_category<gateway_errc> category{"flowersec.ownwire"};
  return {static_cast<int>(code), category};
}

class gateway::impl : public std::enable_shared_from_this<impl> {
 public:
  impl(asio::any_io_executor executor, gateway_options options)
      : executor_(std::move(executor)), serial_(executor_), options_(std::move(options)) {}

  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;
  ~impl() {
    if (core_) core_->forget_links();
  }

  error_code open() {
    if (!options_.limits.validate() || !options_.credentials.keys) return gateway_errc::invalid_option;
    core_ = std::make_shared<core>(serial_, options_.limits, *options_.clocks, *options_.random, options_.on_event);
    auto inside = internal_desk::make(core_, options_);
    if (!inside) return inside.error();
    internal_desk_ = std::move(*inside);
    auto outside = public_desk::make(core_, options_);
    if (!outside) return outside.error();
    public_desk_ = std::move(*outside);
    const auto& inside_port = options_.internal_port;
    auto inner =
        std::make_shared<entrance>(inside_port.max_requests, inside_port.max_requests_per_address, network_list{});
    auto internal = door::open(executor_, serial_, options_.internal_port.listen, std::move(inner), door::home::shared);
    if (!internal) return gateway_errc::internal_port_taken;
    internal_door_ = std::move(*internal);
    if (!options_.public_port) return {};
    auto open = door::open(executor_, serial_, options_.public_port->listen, public_desk_->way_in(), door::home::own);
    if (!open) return gateway_errc::public_port_taken;
    public_door_ = std::move(*open);
    return {};
  }

  void start() {
    asio::dispatch(serial_, [self = shared_from_this()] {
      self->internal_door_->start([desk = self->internal_desk_](tcp::socket socket, entrance::place place) {
        const auto where = socket.get_executor();
        asio::co_spawn(where, internal_desk::receive(desk, std::move(socket), std::move(place)), asio::detached);
      });
      if (!self->public_door_) return;
      self->public_door_->start([desk = self->public_desk_](tcp::socket socket, entrance::place place) {
        const auto where = socket.get_executor();
        asio::co_spawn(where, public_desk::receive(desk, std::move(socket), std::move(place)), asio::detached);
      });
    });
  }

  [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }
  [[nodiscard]] std::uint16_t public_port() const noexcept { return public_door_ ? public_door_->local().port() : 0; }
  [[nodiscard]] std::uint16_t internal_port() const noexcept { return internal_door_->local().port(); }

  void adopt(ws::message_socket socket, const std::string& remote_addr) {
    const auto where = socket.get_executor();
    auto serving = public_desk::adopt(public_desk_, std::move(socket), address_as_told(remote_addr));
    asio::co_spawn(where, std::move(serving), asio::detached);
  }

  void replace_tls(ws::tls_context next) {
    asio::dispatch(serial_, [desk = internal_desk_, next = std::move(next)] { desk->replace_tls(next); });
  }

  void replace_token(std::optional<std::string> token) {
    asio::dispatch(serial_, [desk = internal_desk_, token = std::move(token)]() mutable {
      desk->replace_token(std::move(token));
    });
  }

  [[nodiscard]] gateway_counts counts() const { return core_->last_counts(); }

  void stop(::flowersec::session::completion<error_code> done) {
    auto shared = std::make_shared<::flowersec::session::completion<error_code>>(std::move(done));
    asio::dispatch(serial_, [self = shared_from_this(), shared] {
      self->close_doors();
      self->public_desk_->set_going_away();
      self->internal_desk_->set_going_away();
      self->core_->stop(self->options_.limits.stop_timeout, [shared] { shared->complete({}); });
    });
  }

  void abandon() {
    asio::dispatch(serial_, [self = shared_from_this()] {
      self->close_doors();
      self->core_->close();
    });
  }

 private:
  void close_doors() {
    internal_door_->close();
    if (public_door_) public_door_->close();
  }

  asio::any_io_executor executor_;
  serial_executor serial_;
  gateway_options options_;
  std::shared_ptr<core> core_;
  std::shared_ptr<internal_desk> internal_desk_;
  std::shared_ptr<public_desk> public_desk_;
  std::shared_ptr<door> internal_door_;
  std::shared_ptr<door> public_door_;
};

result<gateway> gateway::open(executor_type executor, gateway_options options) {
  auto made = std::make_shared<impl>(std::move(executor), std::move(options));
  if (const auto failed = made->open()) return failed;
  made->start();
  return gateway{std::move(made)};
}

gateway::gateway(std::shared_ptr<impl> state) noexcept : impl_(std::move(state)) {}
gateway::gateway(gateway&&) noexcept = default;

gateway& gateway::operator=(gateway&& other) noexcept {
  if (this == &other) return *this;
  if (impl_) impl_->abandon();
  impl_ = std::move(other.impl_);
  return *this;
}

gateway::~gateway() {
  if (impl_) impl_->abandon();
}

std::uint16_t gateway::public_port() const noexcept { return impl_->public_port(); }
std::uint16_t gateway::internal_port() const noexcept { return impl_->internal_port(); }
void gateway::adopt(ws::message_socket socket, std::string remote_addr) {
  impl_->adopt(std::move(socket), remote_addr);
}
gateway::adopter_function gateway::adopter() const {
  return [weak = std::weak_ptr{impl_}](ws::message_socket socket, const std::string& remote_addr) {
    if (const auto to = weak.lock()) to->adopt(std::move(socket), remote_addr);
  };
}
void gateway::replace_internal_tls(ws::tls_context next) { impl_->replace_tls(std::move(next)); }
void gateway::replace_internal_token(std::optional<std::string> token) { impl_->replace_token(std::move(token)); }
gateway_counts gateway::counts() const { return impl_->counts(); }
gateway::executor_type gateway::get_executor() const noexcept { return impl_->executor(); }
void gateway::start_stop(::flowersec::session::completion<error_code> done) { impl_->stop(std::move(done)); }

}  // namespace flowersec::ownwire
