#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "flowersec/endpoint/origin.h"
#include "flowersec/endpoint/transport_policy.h"
#include "rendezvous/client_core.h"

namespace flowersec::rendezvous {

namespace asio = boost::asio;

bool secure_socket_client::impl::turn_registries() {
  bool moved = false;
  for (std::size_t index = 0; index < registries_.size(); ++index) {
    while (auto next = registries_[index].machine.poll_intent()) {
      moved = true;
      std::visit([&](auto& intent) { perform(index, intent); }, *next);
    }
  }
  return moved;
}

endpoint::connect_options secure_socket_client::impl::dial_options(const registry& to) const {
  endpoint::connect_options with;
  const auto origin = endpoint::origin_of_websocket_url(to.base);
  with.origin = options_.origin ? *options_.origin : origin.value();
  if (to.plaintext) with.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  with.trust = options_.trust;
  with.connect_timeout = options_.connect_timeout;
  with.common.clocks = options_.clocks;
  with.common.random = options_.random;
  return with;
}

void secure_socket_client::impl::perform(std::size_t index, reg::dial& intent) {
  auto& to = registries_[index];
  const auto attempt = intent.attempt;
  const auto weak = weak_from_this();
  registry_listener listener{.opened =
                                 [weak, index, attempt] {
                                   const auto self = weak.lock();
                                   if (!self) return;
                                   self->registries_[index].machine.opened(attempt, self->now());
                                   self->turn();
                                 },
                             .frame =
                                 [weak, index, attempt](server_frame frame) {
                                   const auto self = weak.lock();
                                   if (!self) return;
                                   self->registries_[index].machine.take(attempt, std::move(frame), self->now());
                                   self->turn();
                                 },
                             .lost =
                                 [weak, index, attempt](error_code why, bool draining) {
                                   const auto self = weak.lock();
                                   if (!self) return;
                                   self->registries_[index].connections.erase(attempt);
                                   self->registries_[index].machine.lost(attempt, why, draining, self->now());
                                   self->turn();
                                 }};
  std::shared_ptr<registry_connection> made;
  if (options_.transport == registry_transport::sealed) {
    const sealed::public_key pinned{to.address.keys[intent.key].view()};
    endpoint::sealed_connect_info info{.ws_url = to.base + std::string{registry_sealed_path}, .server_keys = {pinned}};
    made = make_sealed_connection(serial_, std::move(listener), std::move(info), dial_options(to));
  } else {
    made =
        make_plain_connection(serial_, std::move(listener), to.base + std::string{registry_ws_path}, dial_options(to));
  }
  to.connections.emplace(attempt, made);
  made->dial();
}

void secure_socket_client::impl::perform(std::size_t index, reg::drop& intent) {
  const auto found = registries_[index].connections.extract(intent.attempt);
  if (found) found.mapped()->drop();
}

void secure_socket_client::impl::perform(std::size_t index, reg::send& intent) {
  const auto found = registries_[index].connections.find(intent.attempt);
  if (found == registries_[index].connections.end()) return;
  const auto connection = found->second;  // it may be lost by this
  connection->send(intent.frame);
}

void secure_socket_client::impl::perform(std::size_t index, reg::work& /*intent*/) {
  asio::post(serial_, [weak = weak_from_this(), index] {
    const auto self = weak.lock();
    if (!self || self->stage_ == stage::over) return;
    self->registries_[index].machine.work(self->now());
    self->turn();
  });
}

void secure_socket_client::impl::perform(std::size_t index, reg::pass& intent) {
  if (const auto* presence_of = std::get_if<presence_frame>(&intent.frame)) return on_presence(index, *presence_of);
  if (stage_ != stage::running) return;
  calls_.take(index, registries_[index].address.url, std::move(intent.frame), now(), wall());
}

void secure_socket_client::impl::perform(std::size_t index, reg::changed& intent) {
  auto& of = registries_[index];
  if (intent.status == registry_status::registered) {
    watch(index);
    for (auto& each : std::exchange(starters_, {})) each.done.complete({});
  } else {
    calls_.gone(index);
    of.watched.clear();
  }
  tell(registry_changed{.url = of.address.url, .status = intent.status, .why = intent.why});
  const auto hopeless = std::ranges::none_of(registries_, [](const registry& each) {
    return each.machine.status() == registry_status::registered || each.machine.status() == registry_status::connecting;
  });
  if (!hopeless) return;
  const error_code why = intent.why ? intent.why : make_error_code(rendezvous_errc::closed);
  for (auto& each : std::exchange(starters_, {})) each.done.complete(why);
}

/// Tells one registry whom we watch, as far as it does not know.
void secure_socket_client::impl::watch(std::size_t index) {
  auto& of = registries_[index];
  if (!options_.watch_contacts || of.machine.status() != registry_status::registered) return;
  std::vector<public_key> wanted;
  for (const auto* each : options_.contacts->list()) {
    if (each->policy == identity::contact_policy::allow && wanted.size() < max_watched_keys)
      wanted.push_back(each->key);
  }
  watch_frame more;
  unwatch_frame fewer;
  for (const auto& [key, seen] : of.watched) {
    if (std::ranges::find(wanted, key) == wanted.end()) fewer.keys.push_back(key);
  }
  for (const auto& key : wanted) {
    if (!of.watched.contains(key)) more.keys.push_back(key);
  }
  for (const auto& key : fewer.keys) of.watched.erase(key);
  for (const auto& key : more.keys) of.watched.emplace(key, presence::unknown);
  if (!fewer.keys.empty()) of.machine.say(std::move(fewer));
  if (!more.keys.empty()) of.machine.say(std::move(more));
}

void secure_socket_client::impl::on_presence(std::size_t index, const presence_frame& frame) {
  const auto found = registries_[index].watched.find(frame.key);
  if (found == registries_[index].watched.end()) return;
  const auto before = found->second;
  const bool was_seen = before == presence::online || before == presence::left;
  found->second = frame.online ? presence::online : was_seen ? presence::left : presence::absent;
  if (frame.online != (before == presence::online)) tell(presence_changed{.key = frame.key, .online = frame.online});
}

}  // namespace flowersec::rendezvous
