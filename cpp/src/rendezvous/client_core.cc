#include "rendezvous/client_core.h"

#include <algorithm>
#include <utility>

#include "flowersec/base/text.h"
#include "flowersec/endpoint/transport_policy.h"
#include "flowersec/ws/url.h"

namespace flowersec::rendezvous {

double draw_unit(random_source& random) {
  std::array<std::byte, 4> bytes{};
  if (!random.fill(bytes)) return 0.5;
  return static_cast<double>(load_be<std::uint32_t>(bytes.data())) / 4294967295.0;
}

std::optional<registry_base> registry_base_of(std::string_view text) {
  text = trim(text);
  std::string url{text};
  for (const auto& [page, socket] : {std::pair{"https://", "wss://"}, std::pair{"http://", "ws://"}}) {
    const std::string_view scheme{page};
    if (ascii_iequals(text.substr(0, scheme.size()), scheme)) url = socket + std::string{text.substr(scheme.size())};
  }
  const auto parsed = ws::parse_url(url);
  if (!parsed || url.find_first_of("?#") != std::string::npos) return std::nullopt;
  const auto policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  if (!policy.allows({.url = url, .path = endpoint::path::direct, .tls = parsed->secure, .host = parsed->host})) {
    return std::nullopt;
  }
  while (url.ends_with('/')) url.pop_back();
  return registry_base{.url = std::move(url), .plaintext = !parsed->secure};
}

secure_socket_client::impl::impl(executor_type executor, secure_socket_options options)
    : serial_(std::move(executor)),
      options_(std::move(options)),
      key_(options_.contacts->owner().key()),
      calls_(options_.contacts, options_.unknown == unknown_callers::ask, *options_.random),
      timer_(serial_) {
  instance_id instance{};
  // Without randomness there is no registration either.
  (void)options_.random->fill(instance);
  for (const auto& address : options_.registries) {
    auto base = registry_base_of(address.url).value();
    // The owner of the contacts lives as long as they do.
    std::shared_ptr<const identity::identity> self{options_.contacts, &options_.contacts->owner()};
    registration_settings settings{.self = std::move(self),
                                   .pinned = address.keys,
                                   .instance = instance,
                                   .replace = options_.replace,
                                   .reconnect = options_.reconnect,
                                   .timeout = options_.registration_timeout};
    registration_machine machine{std::move(settings), [random = options_.random] { return draw_unit(*random); }};
    registries_.push_back(registry{
        .address = address, .base = std::move(base.url), .plaintext = base.plaintext, .machine = std::move(machine)});
  }
}

const identity::contact* secure_socket_client::impl::allowed(const public_key& key) const {
  const auto* found = options_.contacts->get(key);
  return found != nullptr && found->policy == identity::contact_policy::allow ? found : nullptr;
}

/// Performs what all machines want. What that leads to is done by the outer call.
void secure_socket_client::impl::turn() {
  if (std::exchange(turning_, true)) return;
  bool moved = true;
  while (moved) {
    moved = turn_registries();
    moved = turn_calls() || moved;
    for (auto& [key, state] : contacts_) moved = turn_contact(state) || moved;
  }
  turning_ = false;
  set_timer();
}

void secure_socket_client::impl::set_timer() {
  std::optional<mono_time> first;
  const auto consider = [&first](std::optional<mono_time> time) {
    if (time && (!first || *time < *first)) first = time;
  };
  if (stage_ != stage::over) {
    for (const auto& each : registries_) consider(each.machine.deadline());
    consider(calls_.deadline());
    for (const auto& [key, state] : contacts_) {
      consider(state.talk.deadline());
      consider(state.life.deadline());
    }
  }
  if (first == armed_for_) return;
  armed_for_ = first;
  timer_.cancel();
  if (!first) return;
  timer_.expires_after(*first - now());
  timer_.async_wait([weak = weak_from_this()](error_code canceled) {
    const auto self = weak.lock();
    if (canceled || !self || self->stage_ == stage::over) return;
    self->armed_for_.reset();
    const auto at = self->now();
    for (auto& each : self->registries_) each.machine.advance(at);
    self->calls_.advance(at);
    for (auto& [key, state] : self->contacts_) state.talk.advance(at);
    self->turn();
  });
}

void secure_socket_client::impl::tell(const socket_event& event) const {
  if (!options_.on_state) return;
  try {
    options_.on_state(event);
  } catch (...) {  // NOLINT(bugprone-empty-catch): documented at on_state
  }
}

}  // namespace flowersec::rendezvous
