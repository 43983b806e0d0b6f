#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "rendezvous/client_core.h"

namespace flowersec::rendezvous {

namespace asio = boost::asio;

template <class Function>
void secure_socket_client::impl::post(Function function) {
  asio::post(serial_, [self = shared_from_this(), function = std::move(function)]() mutable { function(*self); });
}

void secure_socket_client::impl::start(completion<error_code> done) {
  const auto serial = next_serial_.fetch_add(1);
  done.on_cancel([weak = weak_from_this(), serial] {
    const auto self = weak.lock();
    if (!self) return;
    self->post([serial](impl& me) {
      const auto found = std::ranges::find(me.starters_, serial, &sender::serial);
      if (found == me.starters_.end()) return;
      found->done.complete(asio::error::operation_aborted);
      me.starters_.erase(found);
    });
  });
  post([serial, done = std::move(done)](impl& me) mutable {
    if (me.stage_ != stage::idle && me.stage_ != stage::running) return done.complete(rendezvous_errc::closed);
    me.stage_ = stage::running;
    for (auto& each : me.registries_) {
      if (each.machine.status() == registry_status::registered) return done.complete({});
    }
    me.starters_.push_back(sender{serial, std::move(done)});
    for (auto& each : me.registries_) each.machine.start();
    me.turn();
  });
}

void secure_socket_client::impl::send(const public_key& to, std::string json, completion<error_code> done) {
  const auto serial = next_serial_.fetch_add(1);
  done.on_cancel([weak = weak_from_this(), serial, to] {
    const auto self = weak.lock();
    if (!self) return;
    self->post([serial, to](impl& me) {
      const auto state = me.contacts_.find(to);
      if (state == me.contacts_.end()) return;
      auto& senders = state->second.senders;
      const auto found = std::ranges::find_if(senders, [&](const auto& each) { return each.second.serial == serial; });
      if (found == senders.end()) return;
      found->second.done.complete(asio::error::operation_aborted);
      senders.erase(found);
    });
  });
  post([serial, to, json = std::move(json), done = std::move(done)](impl& me) mutable {
    if (me.stage_ != stage::running) return done.complete(rendezvous_errc::closed);
    if (me.allowed(to) == nullptr) return done.complete(rendezvous_errc::unknown_contact);
    auto& state = me.state_of(to);
    const auto sent_at =
        std::chrono::duration_cast<std::chrono::milliseconds>(me.options_.clocks->wall_now().time_since_epoch());
    const auto id = state.talk.send(std::move(json), sent_at.count(), me.now());
    if (!id) return done.complete(id.error());
    state.senders.emplace(*id, sender{serial, std::move(done)});
    me.turn();
  });
}

void secure_socket_client::impl::open(const public_key& to, completion<error_code, endpoint::session> done) {
  const auto serial = next_serial_.fetch_add(1);
  done.on_cancel([weak = weak_from_this(), serial, to] {
    const auto self = weak.lock();
    if (!self) return;
    self->post([serial, to](impl& me) {
      const auto state = me.contacts_.find(to);
      if (state == me.contacts_.end()) return;
      auto& openers = state->second.openers;
      const auto found = std::ranges::find(openers, serial, &opener::serial);
      if (found == openers.end()) return;
      found->done.complete(asio::error::operation_aborted, {});
      openers.erase(found);
      me.turn();
    });
  });
  post([serial, to, done = std::move(done)](impl& me) mutable {
    if (me.stage_ != stage::running) return done.complete(rendezvous_errc::closed, {});
    if (me.allowed(to) == nullptr) return done.complete(rendezvous_errc::unknown_contact, {});
    auto& state = me.state_of(to);
    if (state.channel) {
      state.talk.keep_open();
      return done.complete({}, state.channel->session());
    }
    state.openers.push_back(opener{serial, std::move(done)});
    me.turn();
  });
}

void secure_socket_client::impl::close(completion<error_code> done) {
  post([done = std::move(done)](impl& me) mutable {
    if (me.stage_ == stage::over) return done.complete({});
    me.closers_.push_back(std::move(done));
    if (me.stage_ == stage::closing || me.stage_ == stage::leaving_registries) return;
    me.stage_ = stage::closing;
    for (const auto& [number, attach] : std::exchange(me.attaching_, {})) {
      attach->stop.emit(asio::cancellation_type::terminal);
    }
    for (auto& [key, state] : me.contacts_) {
      me.fail_waiting(state, rendezvous_errc::closed);
      state.life.stop();
      state.talk.leave();
    }
    me.turn();
    me.close_when_left();
  });
}

/// First the channels, then the registries.
void secure_socket_client::impl::close_when_left() {
  if (leaving_ > 0 || (stage_ != stage::closing && stage_ != stage::leaving_registries)) return;
  if (stage_ == stage::closing) {
    stage_ = stage::leaving_registries;
    std::vector<std::shared_ptr<registry_connection>> open;
    for (auto& each : registries_) {
      for (auto& [attempt, connection] : std::exchange(each.connections, {})) open.push_back(std::move(connection));
      each.machine.close();
    }
    leaving_ = open.size();
    for (const auto& connection : open) {
      connection->leave([self = shared_from_this()] {
        --self->leaving_;
        self->close_when_left();
      });
    }
    if (leaving_ > 0) return;
  }
  stage_ = stage::over;
  turn();
  timer_.cancel();
  contacts_.clear();
  for (auto& each : std::exchange(starters_, {})) each.done.complete(rendezvous_errc::closed);
  for (auto& done : std::exchange(closers_, {})) done.complete({});
}

void secure_socket_client::impl::abandon() {
  post([](impl& me) {
    me.stage_ = stage::over;
    me.options_.on_message = nullptr;
    me.options_.on_incoming = nullptr;
    me.options_.on_state = nullptr;
    me.timer_.cancel();
    for (const auto& [number, attach] : std::exchange(me.attaching_, {})) {
      attach->stop.emit(asio::cancellation_type::terminal);
    }
    for (auto& each : me.registries_) {
      each.machine.close();
      for (const auto& [attempt, connection] : std::exchange(each.connections, {})) connection->drop();
    }
    for (auto& [key, state] : std::exchange(me.contacts_, {})) {
      if (state.channel) state.channel->drop();
      for (auto& [id, waiting] : state.senders) waiting.done.complete(asio::error::operation_aborted);
      for (auto& waiting : state.openers) waiting.done.complete(asio::error::operation_aborted, {});
    }
    for (auto& each : std::exchange(me.starters_, {})) each.done.complete(asio::error::operation_aborted);
    for (auto& done : std::exchange(me.closers_, {})) done.complete({});
  });
}

void secure_socket_client::impl::accept_call(std::uint64_t id) {
  post([id](impl& me) {
    me.calls_.accept(id, me.now());
    me.turn();
  });
}

void secure_socket_client::impl::decline_call(std::uint64_t id) {
  post([id](impl& me) {
    me.calls_.decline(id);
    me.turn();
  });
}

void secure_socket_client::impl::expect_guest(identity::invitation given, std::string name,
                                              std::optional<unix_seconds> since, completion<error_code> done) {
  post([given = std::move(given), name = std::move(name), since, done = std::move(done)](impl& me) mutable {
    const auto expected = me.calls_.expect(given, std::move(name), since.value_or(me.wall()));
    done.complete(expected ? error_code{} : expected.error());
  });
}

void secure_socket_client::impl::use_invitation(identity::invitation given) {
  post([given = std::move(given)](impl& me) mutable { me.calls_.use(std::move(given)); });
}

void secure_socket_client::impl::refresh_contacts() {
  post([](impl& me) {
    for (std::size_t index = 0; index < me.registries_.size(); ++index) me.watch(index);
    for (auto& [key, state] : me.contacts_) {
      if (me.allowed(key) != nullptr) continue;
      me.calls_.cancel(key);
      for (const auto& [number, attach] : me.attaching_) {
        if (attach->peer != key) continue;
        attach->turned_away = true;
        attach->stop.emit(asio::cancellation_type::terminal);
      }
      me.fail_waiting(state, rendezvous_errc::unknown_contact);
      if (state.channel) me.lose_channel(state, rendezvous_errc::unknown_contact, loss::left);
      state.life.turned_away();
    }
    me.turn();
  });
}

void secure_socket_client::impl::retry() {
  post([](impl& me) {
    if (me.stage_ != stage::running) return;
    for (auto& each : me.registries_) each.machine.start();
    me.turn();
  });
}

}  // namespace flowersec::rendezvous
