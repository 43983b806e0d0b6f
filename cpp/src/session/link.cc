// The link's loop: machine to transport and back, timer, coming up and going down.
#include "flowersec/session/link.h"

#include <boost/asio/post.hpp>

#include "link_impl.h"
#include "link_registry.h"
#include "rpc_calling.h"

namespace flowersec::session {
namespace {

// Then others have their turn: the other direction, and other sessions of the same thread.
constexpr int max_batches_per_turn = 4;
constexpr std::size_t max_input_per_turn = 262144;

}  // namespace

link::link(machine side, std::unique_ptr<transport> pipe, link_options options)
    : options_(std::move(options)),
      registry_(boost::asio::use_service<link_registry>(
          boost::asio::query(options_.executor, boost::asio::execution::context))),
      machine_(std::move(side)),
      transport_(std::move(pipe)),
      batch_(transport_->prefix()),
      timer_(options_.serial),
      notifications_(std::make_shared<notifications>(options_.executor, options_.serial)) {}

link::~link() {
  registry_.remove(this);
  for (const auto& channel : channels_) channel->orphan();
}

void link::drop_everything() noexcept {
  // Moved out first: what is destroyed may hold streams and sessions, whose ends look at this link again.
  const auto starting = std::move(starting_);
  const auto accepting = std::exchange(accepting_, std::nullopt);
  const auto controls = std::exchange(controls_, {});
  const auto probes = std::exchange(probes_, {});
  const auto watchers = std::exchange(watchers_, {});
  const auto closers = std::exchange(closers_, {});
  const auto streams = std::exchange(streams_, {});
  const auto calling = std::exchange(calling_, nullptr);
  const auto channels = std::exchange(channels_, {});
  const auto notified = std::exchange(notifications_, nullptr);
  for (const auto& channel : channels) channel->orphan();
  transport_.reset();
}

std::shared_ptr<link> link::make(machine side, std::unique_ptr<transport> pipe, link_options options) {
  std::shared_ptr<link> made{new link(std::move(side), std::move(pipe), std::move(options))};
  made->transport_->set_user(made);
  made->notifications_->to_resume = made;
  made->registry_.add(made);
  return made;
}

moment link::now() const noexcept {
  return {.mono = options_.clocks->mono_now(), .wall = to_unix_seconds(options_.clocks->wall_now())};
}

void link::start(completion<error_code> done) {
  on_strand([done = std::move(done)](link& self) mutable {
    self.starting_ = std::move(done);
    self.kick();
  });
}

void link::release(completion<error_code> done) {
  on_strand([done = std::move(done)](link& self) mutable {
    if (self.end_) return done.complete(self.options_.names.of_end(*self.end_));
    self.starting_ = std::move(done);
    self.held_ = false;
    self.machine_.start_streams(self.now());
    self.kick();
  });
}

void link::give_up(error_code why) {
  on_strand([why](link& self) {
    self.machine_.end(why, self.now());
    self.kick();
  });
}

// Not re-entrant: what an event changes is picked up by the loop that is running.
void link::kick() {
  if (kicking_) return;
  kicking_ = true;
  const auto keep = shared_from_this();
  do {
    while (auto happened = machine_.poll_event()) on_event(std::move(*happened));
    flush();
  } while (machine_.has_events() || resume_writes());
  kicking_ = false;
  finish_close_if_drained();
  if (!receiving_ && !held_ && !end_ && !transport_ended_) {
    receiving_ = true;
    transport_->receive();
  }
  arm_timer();
}

// Full batches follow each other at once. A small one that left at once still counts as under way until the next turn,
// so that what others write in this turn is gathered.
void link::flush() {
  for (int batches = 1; !sending_ && !transport_ended_ && machine_.has_output(); ++batches) {
    machine_.fill(batch_, now());
    finish_controls();
    if (batch_.empty()) break;
    const bool go_on = batch_.size() >= gather_bytes && batches < max_batches_per_turn;
    sending_ = true;
    if (!transport_->send(batch_)) return watch_sending();
    batch_.clear();
    if (go_on) {
      sending_ = false;
    } else {
      boost::asio::post(options_.serial, [self = shared_from_this()] { self->on_sent(); });
    }
  }
  if (!sending_) batch_.release();
}

// One timer for many batches: setting it anew for each would cost a system call in every one.
void link::watch_sending() {
  blocked_since_ = now().mono;
  if (!next_check_) next_check_ = *blocked_since_ + options_.session.send_timeout;
}

void link::check_sending(mono_time at) {
  if (!next_check_ || at < *next_check_) return;
  next_check_.reset();
  if (!blocked_since_) return;
  const auto due = *blocked_since_ + options_.session.send_timeout;
  if (at < due) {
    next_check_ = due;
    return;
  }
  report(send_stalled{batch_.size()});
  machine_.end(make_error_code(session_errc::send_timeout), now());
}

void link::on_message(transport_message message) {
  receiving_ = false;
  const auto at = now();
  std::size_t taken = 0;
  for (std::optional next{message}; next; next = transport_->try_receive()) {
    machine_.take(next->kind, next->bytes, at);
    taken += next->bytes.size();
    if (!machine_.has_streams() || taken >= max_input_per_turn) break;
  }
  machine_.settle(at);
  kick();
}

void link::on_sent() {
  if (transport_ended_) return;
  sending_ = false;
  blocked_since_.reset();
  batch_.clear();
  kick();
}

void link::on_end(transport_end why) {
  transport_ended_ = true;
  receiving_ = false;
  // The batch stays: a transport that ended while reading may still be looking at it.
  transport_end_ = std::move(why);
  machine_.end(make_error_code(session_errc::transport_closed), now());
  kick();
  for (auto& closer : closers_) closer.complete({});
  closers_.clear();
}

void link::close(completion<error_code> done) {
  on_strand([done = std::move(done)](link& self) mutable {
    if (self.transport_ended_) return done.complete({});
    self.closers_.push_back(std::move(done));
    self.close_on_strand();
  });
}

void link::close() noexcept {
  on_strand([](link& self) { self.close_on_strand(); });
}

void link::close_on_strand() {
  if (closing_ || end_) return;
  closing_ = true;
  close_deadline_ = now().mono + options_.session.close_timeout;
  kick();
}

void link::finish_close_if_drained() {
  if (!closing_ || end_) return;
  const bool drained = !sending_ && !machine_.has_output();
  if (!drained && now().mono < *close_deadline_) return;
  machine_.end(make_error_code(session_errc::closed_here), now());
  kick();
}

void link::watch_end(std::uint64_t serial, std::function<void(const link_end*)> watch) {
  on_strand([serial, watch = std::move(watch)](link& self) mutable {
    if (self.end_) return watch(&*self.end_);
    self.watchers_.emplace(serial, std::move(watch));
  });
}

void link::stop_watching(std::uint64_t serial) {
  on_strand([serial](link& self) {
    if (auto watcher = self.watchers_.extract(serial)) watcher.mapped()(nullptr);
  });
}

void link::on_event(machine_event happened) {
  std::visit(
      [this](auto& event) {
        using type = std::decay_t<decltype(event)>;
        if constexpr (std::is_same_v<type, authenticated>) {
          on_authenticated();
        } else if constexpr (std::is_same_v<type, connected>) {
          on_connected(event);
        } else if constexpr (std::is_same_v<type, stream_arrived>) {
          on_arrived(std::move(event));
        } else if constexpr (std::is_same_v<type, stream_rejected>) {
          report(event.why);  // reset already; nobody was told of it, so nobody waits
        } else if constexpr (std::is_same_v<type, yamux::streams_refused>) {
          report(event);
        } else if constexpr (std::is_same_v<type, probe_finished>) {
          on_probe_finished(event);
        } else if constexpr (std::is_same_v<type, session_over>) {
          on_over(event);
        } else {
          on_stream_event(event);
        }
      },
      happened);
}

void link::on_authenticated() {
  if (!options_.hold_streams) return;
  held_ = true;
  if (starting_) starting_.complete({});
}

void link::on_connected(const connected& up) {
  if (up.rpc_stream) {
    streams_.try_emplace(*up.rpc_stream);
    calling_ = make_caller(*up.rpc_stream);
  }
  if (starting_) starting_.complete({});
}

void link::on_over(const session_over& over) {
  const bool here = over.why == make_error_code(session_errc::closed_here);
  end_ = link_end{
      .why = over.why, .before_connected = over.before_connected, .closed_here = here, .transport = transport_end_};
  if (over.why == make_error_code(session_errc::probe_timeout)) report(session_errc::probe_timeout);
  fail_everything();
  if (!transport_ended_) transport_->close();
}

void link::report(const incident& what) const {
  if (options_.report) options_.report(what);
}

void link::arm_timer() {
  auto next = machine_.deadline();
  const auto consider = [&next](std::optional<mono_time> time) {
    if (time) next = next ? std::min(*next, *time) : *time;
  };
  if (!end_) {
    consider(close_deadline_);
    consider(next_check_);
    for (const auto& channel : channels_) consider(channel->deadline());
  }
  if (next == armed_) return;
  armed_ = next;
  timer_.cancel();
  if (!next) return;
  timer_.expires_after(*next - now().mono);
  timer_.async_wait([weak = weak_from_this()](error_code failed) {
    const auto self = weak.lock();
    if (self && !failed) self->on_timer();
  });
}

void link::on_timer() {
  armed_.reset();
  const auto at = now();
  machine_.advance(at);
  for (const auto& channel : std::vector{channels_}) channel->advance(at);
  check_sending(at.mono);
  kick();
}

}  // namespace flowersec::session
