#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <utility>

#include "flowersec/endpoint/origin.h"
#include "flowersec/endpoint/transport_policy.h"
#include "rendezvous/client_core.h"

namespace flowersec::rendezvous {

namespace asio = boost::asio;
using identity::call_role;

secure_socket_client::impl::contact_state& secure_socket_client::impl::state_of(const public_key& key) {
  const auto found = contacts_.find(key);
  if (found != contacts_.end()) return found->second;
  conversation_id own{};
  // One that is not random is one that a contact may take for an earlier one of ours, and drop what it has seen.
  (void)options_.random->fill(own);
  return contacts_
      .try_emplace(key, key, own, conversation_settings{.channel_idle = options_.channel_idle}, options_.calls,
                   [random = options_.random] { return draw_unit(*random); })
      .first->second;
}

std::vector<registry_view> secure_socket_client::impl::views(const public_key& of) const {
  std::vector<registry_view> all;
  all.reserve(registries_.size());
  for (const auto& each : registries_) {
    const auto status = each.machine.status();
    const auto seen = each.watched.find(of);
    all.push_back({.registered = status == registry_status::registered,
                   .trying = status == registry_status::connecting,
                   .seen = seen != each.watched.end() ? seen->second : presence::unknown});
  }
  return all;
}

bool secure_socket_client::impl::turn_calls() {
  bool moved = false;
  while (auto next = calls_.poll_intent()) {
    moved = true;
    std::visit([this](auto& intent) { perform(intent); }, *next);
  }
  return moved;
}

void secure_socket_client::impl::perform(dial::say& intent) {
  registries_[intent.registry].machine.say(std::move(intent.frame));
}

void secure_socket_client::impl::perform(dial::attach& intent) {
  const auto number = intent.number;
  const bool caller = intent.role == call_role::caller;
  if (!caller) {
    // They call again because the call before came to nothing.
    for (const auto& [other, attach] : attaching_) {
      if (attach->peer == intent.peer && attach->role == call_role::callee && attach->registry == intent.registry) {
        attach->stop.emit(asio::cancellation_type::terminal);
      }
    }
  }
  if (allowed(intent.peer) != nullptr) {
    state_of(intent.peer).life.attaching(number, intent.registry, intent.role, calls_.is_calling(intent.peer));
  }
  const auto attach = std::make_shared<attaching>(intent.peer, intent.role, intent.registry);
  attaching_.emplace(number, attach);
  const auto origin = endpoint::origin_of_websocket_url(intent.ticket.tunnel_url);
  if (!origin) {
    asio::post(serial_,
               [self = shared_from_this(), number] { self->on_attached(number, rendezvous_errc::bad_ticket, {}); });
    return;
  }
  endpoint::connect_options with = dial_options(registries_[intent.registry]);
  if (!options_.origin) with.origin = *origin;
  with.common.liveness = channel_liveness;
  with.common.clock_skew = channel_clock_skew;
  auto done = asio::bind_cancellation_slot(
      attach->stop.slot(),
      asio::bind_executor(serial_, [self = shared_from_this(), number](error_code failed, endpoint::session up) {
        self->on_attached(number, failed, std::move(up));
      }));
  const auto place = serial_.get_inner_executor();
  if (caller) {
    endpoint::async_connect(place, make_artifact(intent.ticket, intent.key), std::move(with), std::move(done));
    return;
  }
  with.common.session.handshake_timeout = callee_handshake_timeout;
  endpoint::async_attach_server(place, make_grant(intent.ticket, intent.key), std::move(with), std::move(done));
}

void secure_socket_client::impl::on_attached(std::uint64_t number, error_code failed, endpoint::session up) {
  const auto found = attaching_.extract(number);
  if (!found || stage_ != stage::running) return;  // `up` closes with its last handle
  const auto& of = *found.mapped();
  const bool there = !failed && !of.turned_away;
  if (there) {
    calls_.attached(number);
    turn();  // a guest becomes a contact
    if (allowed(of.peer) != nullptr) {
      open_channel(of, std::move(up));
      return turn();
    }
  } else {
    calls_.attach_failed(number);
  }
  if (const auto state = contacts_.find(of.peer); state != contacts_.end()) {
    auto& life = state->second.life;
    there || of.turned_away ? life.attach_dropped(number)
                            : life.attach_failed(number, of.registry, of.role, failed, now());
  }
  if (!there && of.role == call_role::callee) {
    tell(call_failed{.peer = of.peer,
                     .why = of.turned_away ? make_error_code(rendezvous_errc::unknown_contact) : failed});
  }
  turn();
}

void secure_socket_client::impl::open_channel(const attaching& through, endpoint::session up) {
  const auto peer = through.peer;
  auto& state = state_of(peer);
  if (const auto old = std::exchange(state.channel, nullptr)) old->drop();
  const auto weak = weak_from_this();
  const auto with_state = [weak, peer](auto what) {
    const auto self = weak.lock();
    const auto at = self ? self->contacts_.find(peer) : decltype(self->contacts_.find(peer)){};
    if (!self || at == self->contacts_.end()) return;
    what(*self, at->second);
    self->turn();
  };
  channel_listener listener{
      .frame =
          [with_state](const channel_frame& frame) {
            with_state([&frame](impl& self, contact_state& of) { of.talk.take(frame, self.now()); });
          },
      .moved =
          [with_state](std::uint64_t message) {
            with_state([message](impl& self, contact_state& of) { of.talk.moved(message, self.now()); });
          },
      .used = [with_state] { with_state([](impl& /*self*/, contact_state& of) { of.talk.keep_open(); }); },
      .lost =
          [with_state](error_code why) {
            with_state([why](impl& self, contact_state& of) { self.lose_channel(of, why, loss::broken); });
          }};
  state.channel = std::make_shared<contact_channel>(serial_, std::move(up), std::move(listener));
  state.talk.opened(now());
  state.life.opened(through.registry, through.role, now());
  if (!state.openers.empty() || options_.make_rpc) state.talk.keep_open();
  for (auto& each : std::exchange(state.openers, {})) each.done.complete({}, state.channel->session());
  state.channel->begin(peer, channel_services{.on_stream = options_.on_stream, .make_rpc = options_.make_rpc});
}

void secure_socket_client::impl::perform(dial::failed& intent) {
  const auto state = contacts_.find(intent.peer);
  if (state != contacts_.end()) state->second.life.call_failed(intent.registry, intent.why);
}

void secure_socket_client::impl::perform(dial::ask& intent) {
  if (!options_.on_incoming) return;
  try {
    options_.on_incoming(intent.call);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the call stays unanswered
  }
}

void secure_socket_client::impl::perform(dial::bad_call& intent) {
  tell(call_failed{.peer = intent.peer, .why = intent.why});
}

void secure_socket_client::impl::perform(dial::guest& intent) {
  for (std::size_t index = 0; index < registries_.size(); ++index) watch(index);
  tell(guest_arrived{.key = intent.key, .name = intent.name, .note = intent.note});
}

void secure_socket_client::impl::perform(dial::invitation_used& intent) {
  tell(invitation_used{.key = intent.key, .note = intent.note});
}

bool secure_socket_client::impl::turn_contact(contact_state& of) {
  bool moved = false;
  while (auto next = of.talk.poll_intent()) {
    moved = true;
    std::visit([&](auto& intent) { perform(of, intent); }, *next);
  }
  if (stage_ == stage::running) {
    const bool wanted = of.talk.pending() > 0 || !of.openers.empty();
    of.life.step(views(of.key), wanted, now());
  }
  while (auto next = of.life.poll_intent()) {
    moved = true;
    std::visit([&](auto& intent) { perform(of, intent); }, *next);
  }
  return moved;
}

void secure_socket_client::impl::perform(contact_state& of, talk::write& intent) {
  if (of.channel) of.channel->send(intent.frame);
}

void secure_socket_client::impl::perform(contact_state& of, talk::deliver& intent) {
  if (allowed(of.key) == nullptr) return of.talk.refused(rendezvous_errc::unknown_contact);
  if (!options_.on_message) return;  // the handle is gone
  auto& message = intent.message;
  const auto id = message.id;
  try {
    options_.on_message(
        received_message{.from = of.key, .content = std::move(message.content), .sent_at_ms = message.sent_at_ms});
  } catch (...) {
    return of.talk.refused(rendezvous_errc::not_handed_over);
  }
  of.talk.handed_over(id, now());
}

void secure_socket_client::impl::perform(contact_state& of, talk::settle& intent) {
  if (auto waiting = of.senders.extract(intent.id)) waiting.mapped().done.complete(intent.outcome);
}

void secure_socket_client::impl::perform(contact_state& of, talk::leave& /*intent*/) {
  const auto channel = std::exchange(of.channel, nullptr);
  of.life.lost(rendezvous_errc::channel_lost, loss::left, now());
  if (!channel) return;
  ++leaving_;
  channel->leave([self = shared_from_this()] {
    --self->leaving_;
    self->close_when_left();
  });
}

void secure_socket_client::impl::perform(contact_state& of, talk::drop& intent) {
  lose_channel(of, intent.why, intent.silent ? loss::silent : loss::broken);
}

void secure_socket_client::impl::perform(contact_state& of, peer::call& intent) {
  calls_.call(of.key, intent.registry, now());
}

void secure_socket_client::impl::perform(contact_state& of, peer::call_again& intent) {
  calls_.cancel(of.key);
  calls_.call(of.key, intent.registry, now());
}

void secure_socket_client::impl::perform(contact_state& of, peer::fail& intent) { fail_waiting(of, intent.why); }

void secure_socket_client::impl::perform(contact_state& of, peer::changed& intent) {
  tell(channel_changed{.peer = of.key, .status = intent.status, .why = intent.why});
}

void secure_socket_client::impl::lose_channel(contact_state& of, error_code why, loss how) {
  if (const auto channel = std::exchange(of.channel, nullptr)) channel->drop();
  of.talk.lost();
  of.life.lost(why, how, now());
}

void secure_socket_client::impl::fail_waiting(contact_state& of, error_code why) {
  of.talk.fail_all(why);
  for (auto& each : std::exchange(of.openers, {})) each.done.complete(why, {});
}

}  // namespace flowersec::rendezvous
