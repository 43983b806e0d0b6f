#include "flowersec/rendezvous/secure_socket_client.h"

#include <boost/asio/detached.hpp>
#include <set>
#include <utility>

#include "rendezvous/client_core.h"

namespace flowersec::rendezvous {

using endpoint::endpoint_errc;

namespace {

error_code invalid(endpoint_errc what) {
  return endpoint::make_error({.path = endpoint::path::automatic, .stage = endpoint::stage::validate, .code = what});
}

error_code check(const secure_socket_options& options) {
  const bool usable = !options.registries.empty() && options.contacts != nullptr && options.on_message &&
                      options.registration_timeout.count() > 0 && options.connect_timeout.count() > 0 &&
                      options.channel_idle.count() > 0 && options.clocks != nullptr && options.random != nullptr &&
                      options.reconnect.validate() && options.calls.validate();
  if (!usable) return invalid(endpoint_errc::invalid_option);
  std::set<std::string> seen;
  for (const auto& each : options.registries) {
    if (each.url.empty()) return invalid(endpoint_errc::missing_ws_url);
    const auto base = registry_base_of(each.url);
    if (!base) return invalid(endpoint_errc::transport_policy_denied);
    if (each.keys.empty() || !seen.insert(base->url).second) return invalid(endpoint_errc::invalid_option);
  }
  return {};
}

}  // namespace

result<secure_socket_client> secure_socket_client::create(executor_type executor, secure_socket_options options) {
  if (const auto failed = check(options)) return failed;
  return secure_socket_client{std::make_shared<impl>(std::move(executor), std::move(options))};
}

secure_socket_client::secure_socket_client(std::shared_ptr<impl> state) noexcept : impl_(std::move(state)) {}
secure_socket_client::secure_socket_client(secure_socket_client&&) noexcept = default;

secure_socket_client& secure_socket_client::operator=(secure_socket_client&& other) noexcept {
  if (this != &other) {
    if (impl_) impl_->abandon();
    impl_ = std::move(other.impl_);
  }
  return *this;
}

secure_socket_client::~secure_socket_client() {
  if (impl_) impl_->abandon();
}

void secure_socket_client::start(completion<error_code> done) { impl_->start(std::move(done)); }

void secure_socket_client::start_send(const identity::public_key& to, std::string json, completion<error_code> done) {
  impl_->send(to, std::move(json), std::move(done));
}

void secure_socket_client::start_open(const identity::public_key& to, completion<error_code, endpoint::session> done) {
  impl_->open(to, std::move(done));
}

void secure_socket_client::start_close(completion<error_code> done) { impl_->close(std::move(done)); }

void secure_socket_client::accept_call(std::uint64_t id) { impl_->accept_call(id); }
void secure_socket_client::decline_call(std::uint64_t id) { impl_->decline_call(id); }

void secure_socket_client::expect_guest(identity::invitation given, std::string guest_name,
                                        std::optional<unix_seconds> since) {
  async_expect_guest(std::move(given), std::move(guest_name), since, boost::asio::detached);
}

void secure_socket_client::start_expect(identity::invitation given, std::string name, std::optional<unix_seconds> since,
                                        completion<error_code> done) {
  impl_->expect_guest(std::move(given), std::move(name), since, std::move(done));
}

void secure_socket_client::use_invitation(identity::invitation given) { impl_->use_invitation(std::move(given)); }
void secure_socket_client::refresh_contacts() { impl_->refresh_contacts(); }
void secure_socket_client::retry() { impl_->retry(); }
const identity::public_key& secure_socket_client::key() const noexcept { return impl_->key(); }
secure_socket_client::executor_type secure_socket_client::get_executor() const noexcept { return impl_->strand(); }

std::string_view to_string(registry_status status) noexcept {
  switch (status) {
    case registry_status::connecting:
      return "connecting";
    case registry_status::registered:
      return "registered";
    case registry_status::failed:
      return "failed";
    case registry_status::closed:
      break;
  }
  return "closed";
}

std::string_view to_string(channel_status status) noexcept {
  switch (status) {
    case channel_status::calling:
      return "calling";
    case channel_status::open:
      return "open";
    case channel_status::waiting:
      return "waiting";
    case channel_status::closed:
      break;
  }
  return "closed";
}

}  // namespace flowersec::rendezvous
