// The link's operations on the session as a whole: opening, accepting, calling, probing, rekeying.
#include <algorithm>
#include <boost/asio/post.hpp>

#include "flowersec/base/text.h"
#include "link_impl.h"
#include "rpc_calling.h"
#include "rpc_serving.h"

namespace flowersec::session {

void link::open(std::string kind, completion<error_code, stream> done) {
  on_strand([kind = std::move(kind), done = std::move(done)](link& self) mutable {
    const auto trimmed = trim(kind);
    if (trimmed.empty()) return done.complete(self.named(make_error_code(session_errc::missing_kind)), {});
    if (self.closing_) return done.complete(self.named(make_error_code(session_errc::streams_gone)), {});
    const auto id = self.machine_.open(trimmed, self.now());
    if (id) {
      done.complete({}, self.make_stream(*id));
    } else {
      done.complete(self.named(id.error()), {});
    }
    self.kick();
  });
}

void link::accept(completion<error_code, incoming_stream> done) {
  const auto serial = cancellable(done, [](link& self, std::uint64_t mine) {
    if (!self.accepting_ || self.accepting_->serial != mine) return;
    auto op = std::move(*self.accepting_);
    self.accepting_.reset();
    op.done.complete(self.named(make_error_code(session_errc::accept_canceled)), {});
  });
  on_strand([serial, done = std::move(done)](link& self) mutable {
    if (self.accepting_) return done.complete(self.named(make_error_code(session_errc::accept_busy)), {});
    if (self.end_) return done.complete(self.named(make_error_code(session_errc::accept_ended)), {});
    self.accepting_ = accept_op{serial, std::move(done)};
    self.offer_arrived();
  });
}

void link::on_arrived(stream_arrived arrived) {
  // Bounded by max_inbound_streams: each is alive.
  arrived_.push_back(std::move(arrived));
  offer_arrived();
}

// A peer may use an id again while somebody still holds the stream that had it, and does not know yet that it is over.
// The new one waits until that is let go: two handles of one id would be taken for each other.
void link::offer_arrived() {
  if (!accepting_) return;
  const auto next = std::ranges::find_if(arrived_, [this](const auto& waiting) { return find(waiting.id) == nullptr; });
  if (next == arrived_.end()) return;
  auto first = std::move(*next);
  arrived_.erase(next);
  auto op = std::move(*accepting_);
  accepting_.reset();
  op.done.complete({}, {.kind = std::move(first.kind), .stream = make_stream(first.id)});
}

void link::forget(stream_id id) {
  streams_.erase(id);
  offer_arrived();
}

void link::ping(completion<error_code> done) {
  on_strand([done = std::move(done)](link& self) mutable { self.queue_control(false, std::move(done)); });
}

void link::rekey(completion<error_code> done) {
  on_strand([done = std::move(done)](link& self) mutable { self.queue_control(true, std::move(done)); });
}

void link::queue_control(bool is_rekey, completion<error_code> done) {
  const auto queued = is_rekey ? machine_.rekey() : machine_.ping();
  if (!queued) return done.complete(named(queued.error()));
  controls_.push_back({std::move(done), is_rekey});
  kick();
}

// Records leave the machine's queue in the order they were asked for.
void link::finish_controls() {
  while (controls_.size() > machine_.queued_controls()) {
    auto op = std::move(controls_.front());
    controls_.pop_front();
    op.done.complete({});
  }
}

void link::probe(completion<error_code, std::chrono::nanoseconds> done) {
  const auto serial = cancellable(done, [](link& self, std::uint64_t mine) {
    for (auto at = self.probes_.begin(); at != self.probes_.end(); ++at) {
      if (at->second.serial != mine) continue;
      auto op = std::move(at->second);
      self.machine_.cancel_probe(at->first);
      self.probes_.erase(at);
      return op.done.complete(self.named(make_error_code(session_errc::probe_canceled)), {});
    }
  });
  on_strand([serial, done = std::move(done)](link& self) mutable {
    const auto id = self.machine_.probe(self.options_.session.probe_timeout, self.now());
    if (!id) return done.complete(self.named(id.error()), {});
    self.probes_.emplace(*id, probe_op{serial, std::move(done)});
    self.kick();
  });
}

void link::on_probe_finished(const probe_finished& finished) {
  auto op = probes_.extract(finished.id);
  if (!op.empty()) op.mapped().done.complete({}, finished.round_trip);
}

void link::call(std::uint32_t type_id, std::string payload, call_options options,
                completion<error_code, rpc::reply> done) {
  const auto serial = cancellable(done, [](link& self, std::uint64_t mine) {
    if (self.calling_) self.calling_->cancel(mine);
  });
  on_strand([=, payload = std::move(payload), done = std::move(done)](link& self) mutable {
    const auto on = self.caller();
    if (!on) return done.complete(self.named(make_error_code(session_errc::rpc_gone)), {});
    on->call(serial, type_id, payload, options, std::move(done));
    self.kick();
  });
}

void link::notify(std::uint32_t type_id, std::string payload, completion<error_code> done) {
  on_strand([type_id, payload = std::move(payload), done = std::move(done)](link& self) mutable {
    if (!self.machine_.is_client()) {
      error_code failed = make_error_code(session_errc::rpc_gone);
      for (const auto& channel : std::vector{self.channels_}) {
        const auto serving = std::dynamic_pointer_cast<rpc_serving>(channel);
        if (!serving) continue;
        const auto queued = serving->notify(type_id, payload);
        failed = queued ? error_code{} : queued.error();
      }
      done.complete(failed ? self.named(failed) : failed);
    } else if (self.calling_) {
      self.calling_->notify(type_id, payload, std::move(done));
    } else {
      done.complete(self.named(make_error_code(session_errc::rpc_gone)));
    }
    self.kick();
  });
}

remove_handler link::on_notification(std::uint32_t type_id, rpc::notification_handler handler) {
  const rpc::subscription_id id{next_serial()};
  boost::asio::dispatch(notifications_->place,
                        [all = notifications_, id, type_id, handler = std::move(handler)]() mutable {
                          all->handlers.add(id, type_id, std::move(handler));
                        });
  return [weak = std::weak_ptr{notifications_}, id] {
    const auto all = weak.lock();
    if (all) boost::asio::dispatch(all->place, [all, id] { all->handlers.remove(id); });
  };
}

void link::notifications::push(std::uint32_t type_id, std::string payload) {
  count.fetch_add(1, std::memory_order_release);
  boost::asio::post(place, [self = shared_from_this(), type_id, payload = std::move(payload)] {
    self->handlers.deliver(type_id, payload);
    if (self->count.fetch_sub(1, std::memory_order_acq_rel) != max_waiting) return;
    boost::asio::dispatch(self->link_place, [weak = self->to_resume] {
      if (const auto owner = weak.lock()) owner->resume_rpc();
    });
  });
}

void link::resume_rpc() {
  if (calling_) calling_->on_readable();
  kick();
}

void link::watch_rpc_end(std::function<void()> watch) {
  on_strand([watch = std::move(watch)](link& self) mutable { self.rpc_watch_ = std::move(watch); });
}

// Streams end before their session says that it did, so the question whether it lives is asked a turn later.
void link::on_calling_gone() {
  if (!rpc_watch_) return;
  boost::asio::post(options_.serial, [self = shared_from_this()] {
    const auto watch = std::exchange(self->rpc_watch_, nullptr);
    if (watch && !self->end_) watch();
  });
}

std::shared_ptr<rpc_calling> link::caller() {
  if (calling_ || machine_.is_client() || closing_) return calling_;
  const auto id = machine_.open(rpc_kind, now());
  if (!id) return nullptr;
  streams_.try_emplace(*id);
  calling_ = make_caller(*id);
  return calling_;
}

std::shared_ptr<rpc_calling> link::make_caller(stream_id id) {
  auto client = rpc::client::create({.limits = options_.session.rpc_client, .metrics = options_.rpc_events.get()});
  // value(): the limits were validated with the session's options.
  auto made =
      std::make_shared<rpc_calling>(*this, id, std::move(client.value()), notifications_, options_.names.of_operation);
  attach(id, made);
  made->begin_reading();
  return made;
}

void link::serve_rpc(stream on, rpc_router_factory make_router) {
  const auto id = static_cast<stream_id>(on.id());
  on.release();
  on_strand([id, make = std::move(make_router)](link& self) mutable {
    auto* entry = self.find(id);
    if (entry == nullptr || entry->ended) return self.forget(id);
    auto server =
        rpc::server::create({.limits = self.options_.session.rpc_server, .metrics = self.options_.rpc_events.get()});
    auto made = std::make_shared<rpc_serving>(self, id, std::move(server.value()));
    self.attach(id, made);
    made->start(std::move(make));
  });
}

void link::refuse(stream on, session_errc why) {
  const auto id = static_cast<stream_id>(on.id());
  on.release();
  on_strand([id, why](link& self) {
    const auto* entry = self.find(id);
    if (entry != nullptr && !entry->ended) self.machine_.abandon(id, self.now());
    self.forget(id);
    self.report(why);
    self.kick();
  });
}

void link::attach(stream_id id, std::shared_ptr<rpc_channel> channel) {
  channels_.push_back(channel);
  streams_.at(id).channel = std::move(channel);
}

void link::fail_everything() {
  if (starting_) starting_.complete(options_.names.of_end(*end_));
  if (accepting_) {
    auto op = std::move(*accepting_);
    accepting_.reset();
    op.done.complete(named(make_error_code(session_errc::accept_ended)), {});
  }
  arrived_.clear();
  for (auto& control : controls_) {
    control.done.complete(
        named(make_error_code(control.is_rekey ? session_errc::rekey_failed : session_errc::ping_failed)));
  }
  controls_.clear();
  const bool silent_peer = end_->why == make_error_code(session_errc::probe_timeout);
  for (auto& [id, op] : probes_) {
    op.done.complete(named(make_error_code(silent_peer ? session_errc::probe_timeout : session_errc::probe_failed)),
                     {});
  }
  probes_.clear();
  for (const auto& [serial, watch] : std::exchange(watchers_, {})) watch(&*end_);
}

}  // namespace flowersec::session
