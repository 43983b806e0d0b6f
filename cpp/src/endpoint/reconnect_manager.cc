// Performs what the reconnect machine wants: acquires, connects, watches, waits, closes. Everything on one strand.
#include "flowersec/endpoint/reconnect_manager.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <mutex>
#include <vector>

#include "attempt.h"
#include "failure.h"
#include "reconnect_machine.h"
#include "session_state.h"

namespace flowersec::endpoint {
namespace {

namespace asio = boost::asio;
using ::flowersec::session::link_end;
using ::flowersec::session::strand;

error_code canceled() {
  return make_error({.path = path::automatic, .stage = stage::connect, .code = endpoint_errc::canceled});
}

/// One attempt under way. On the manager's strand.
struct running_attempt {
  explicit running_attempt(attempt_id of) : id(of) {}

  const attempt_id id;
  asio::cancellation_signal stop;
  bool stopped = false;
  std::shared_ptr<attempt_hint> hint = std::make_shared<attempt_hint>();
};
using attempt_ptr = std::shared_ptr<running_attempt>;

error_code resolve_failed() {
  return make_error({.path = path::automatic, .stage = stage::validate, .code = endpoint_errc::resolve_failed});
}

asio::awaitable<attempt_outcome> prepared(decltype(reconnect_config::prepare) prepare, session up) {
  attempt_outcome outcome{.failed = make_error({up.path(), stage::rpc, endpoint_errc::rpc_failed})};
  try {
    outcome.failed = co_await prepare(up);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the program's own code; its text may hold secrets
  }
  if (!outcome.failed) outcome.up = std::move(up);
  co_return outcome;
}

/// What a program's code throws is its own affair.
void tell_listener(const reconnect_manager::state_listener& listener, const connection_state& state) noexcept {
  try {
    listener(state);
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
}

source_kind kind_of(const artifact_source& source) {
  if (!source) return source_kind::missing;
  return source.is_refreshable() ? source_kind::refreshable : source_kind::once;
}

bool same_connection(const reconnect_config& a, const reconnect_config& b) {
  return a.source == b.source && a.reconnect == b.reconnect && a.connect.origin == b.connect.origin &&
         a.connect.common.events == b.connect.common.events;
}

}  // namespace

class reconnect_manager::impl : public std::enable_shared_from_this<impl> {
 public:
  explicit impl(executor_type executor)
      : executor_(std::move(executor)),
        serial_(executor_),
        proxy_(executor_),
        machine_([this] { return unit(); }),
        timer_(serial_) {}

  [[nodiscard]] const executor_type& executor() const noexcept { return executor_; }
  [[nodiscard]] const rpc_proxy& proxy() const noexcept { return proxy_; }
  [[nodiscard]] connection_state state() const {
    const std::scoped_lock lock{mutex_};
    return state_;
  }

  void connect(reconnect_config config, bool if_needed, completion<error_code, session> done);
  void disconnect(completion<error_code> done);
  void give_up();
  [[nodiscard]] std::uint64_t listen(state_listener listener);
  void forget(std::uint64_t listener);

 private:
  struct waiting_caller {
    std::uint64_t serial;
    bool owns;  // began what it waits for
    completion<error_code, session> done;
  };

  /// Runs `work(*this)` on the strand, never inside the call.
  template <class Work>
  void post(Work work) {
    asio::post(serial_, [self = shared_from_this(), work = std::move(work)]() mutable { work(*self); });
  }

  void start(reconnect_config config, bool if_needed, waiting_caller caller);
  void stop_waiting(std::uint64_t serial);
  void run();
  void perform(const intent::begin_attempt& what);
  void perform(const intent::abandon_attempt& what);
  void perform(const intent::close_session& what) { close(what.id); }
  void perform(const intent::discard_session& what) { close(what.id); }
  void perform(const intent::publish& what);
  void perform(const intent::tell& what);
  void perform(const intent::answer& what);

  static asio::awaitable<attempt_outcome> attempt(std::shared_ptr<impl> self, attempt_ptr mine);
  [[nodiscard]] connect_options options_for(const connect_artifact& artifact);
  void on_attempt_over(const attempt_ptr& mine, const std::exception_ptr& thrown, attempt_outcome outcome);
  void watch(attempt_id id, const session& up);
  void on_lost(attempt_id id, attempt_failure failure);
  void close(attempt_id id);
  void finish_disconnecting();
  void arm_timer();
  [[nodiscard]] double unit();
  [[nodiscard]] mono_time now() const { return config_.connect.common.clocks->mono_now(); }

  const executor_type executor_;
  strand serial_;
  rpc_proxy proxy_;
  reconnect_machine machine_;
  asio::steady_timer timer_;
  std::optional<mono_time> armed_;
  bool performing_ = false;

  reconnect_config config_;
  std::shared_ptr<observer> events_;
  teller teller_;
  std::uint64_t told_attempt_ = 0;
  std::optional<std::string> trace_id_;  // of the artifact before
  attempt_ptr attempt_;
  std::map<attempt_id, session> sessions_;  // the published one, and one that arrives
  std::size_t unfinished_ = 0;              // abandoned attempts and closings that go on
  std::vector<waiting_caller> callers_;
  std::vector<completion<error_code>> disconnecting_;

  std::atomic<std::uint64_t> next_serial_{1};
  std::map<std::uint64_t, state_listener> listeners_;
  mutable std::mutex mutex_;
  connection_state state_;
};

void reconnect_manager::impl::connect(reconnect_config config, bool if_needed, completion<error_code, session> done) {
  const auto serial = next_serial_.fetch_add(1, std::memory_order_relaxed);
  done.on_cancel([weak = weak_from_this(), serial] {
    if (const auto self = weak.lock()) self->post([serial](impl& me) { me.stop_waiting(serial); });
  });
  post([config = std::move(config), if_needed, caller = waiting_caller{serial, true, std::move(done)}](
           impl& self) mutable { self.start(std::move(config), if_needed, std::move(caller)); });
}

void reconnect_manager::impl::start(reconnect_config config, bool if_needed, waiting_caller caller) {
  const bool same = if_needed && same_connection(config, config_);
  const auto found = machine_.connect_if_needed(config.reconnect, kind_of(config.source), same);
  if (!found) return caller.done.complete(found.error(), {});
  if (*found == joining::connected) return caller.done.complete({}, state().session);
  caller.owns = *found == joining::started;
  if (caller.owns) {
    const auto& common = config.connect.common;
    events_ = queued_observer::over(executor_, common.events, common.context.max_queued_items);
    trace_id_ = common.context.trace_id;
    told_attempt_ = 0;
    std::swap(config_, config);
  }
  // First those who waited for what is replaced are told. The new run answers nobody before its attempt has begun,
  // which is a turn later.
  run();
  callers_.push_back(std::move(caller));
}

void reconnect_manager::impl::stop_waiting(std::uint64_t serial) {
  const auto found = std::ranges::find(callers_, serial, &waiting_caller::serial);
  if (found == callers_.end()) return;
  if (found->owns) {
    machine_.disconnect();
    return run();
  }
  found->done.complete(canceled(), {});
  callers_.erase(found);
}

void reconnect_manager::impl::disconnect(completion<error_code> done) {
  post([done = std::move(done)](impl& self) mutable {
    self.machine_.disconnect();
    self.run();
    self.disconnecting_.push_back(std::move(done));
    self.finish_disconnecting();
  });
}

void reconnect_manager::impl::give_up() {
  post([](impl& self) {
    self.machine_.disconnect();
    self.run();
  });
}

std::uint64_t reconnect_manager::impl::listen(state_listener listener) {
  const auto serial = next_serial_.fetch_add(1, std::memory_order_relaxed);
  post([serial, listener = std::move(listener)](impl& self) mutable {
    const auto& added = self.listeners_.emplace(serial, std::move(listener)).first->second;
    tell_listener(added, self.state());
  });
  return serial;
}

void reconnect_manager::impl::forget(std::uint64_t listener) {
  post([listener](impl& self) { self.listeners_.erase(listener); });
}

// Not re-entrant: what an intent changes is picked up by the loop that is running.
void reconnect_manager::impl::run() {
  if (std::exchange(performing_, true)) return;
  while (const auto next = machine_.poll_intent()) {
    std::visit([this](const auto& what) { perform(what); }, *next);
  }
  performing_ = false;
  arm_timer();
}

void reconnect_manager::impl::perform(const intent::begin_attempt& what) {
  attempt_ = std::make_shared<running_attempt>(what.id);
  post([mine = attempt_](impl& self) {
    if (mine->stopped) return self.on_attempt_over(mine, nullptr, {.failed = canceled()});
    auto over = [me = self.shared_from_this(), mine](const std::exception_ptr& thrown, attempt_outcome outcome) {
      me->on_attempt_over(mine, thrown, std::move(outcome));
    };
    asio::co_spawn(self.serial_, attempt(self.shared_from_this(), mine),
                   asio::bind_cancellation_slot(mine->stop.slot(), asio::bind_executor(self.serial_, std::move(over))));
  });
}

void reconnect_manager::impl::perform(const intent::abandon_attempt&) {
  const auto mine = std::exchange(attempt_, nullptr);
  mine->stopped = true;
  ++unfinished_;
  mine->stop.emit(asio::cancellation_type::terminal);
}

void reconnect_manager::impl::perform(const intent::publish&) {
  connection_state next{.status = machine_.status(), .error = machine_.error(), .session = {}};
  if (const auto id = machine_.connected()) {
    next.session = sessions_.at(*id);
    proxy_.attach(next.session);
    watch(*id, next.session);
  }
  {
    const std::scoped_lock lock{mutex_};
    std::swap(state_, next);
  }
  for (const auto& [serial, listener] : listeners_) tell_listener(listener, state());
}

void reconnect_manager::impl::perform(const intent::tell& what) {
  if (std::exchange(told_attempt_, what.attempt_seq) != what.attempt_seq) {
    auto common = config_.connect.common;
    common.events = events_;
    common.context.attempt_seq = what.attempt_seq;
    common.context.trace_id = trace_id_;
    teller_ = teller{executor_, path::automatic, common};
  }
  teller_.tell(to_string(stage::reconnect), what.code, what.result);
}

void reconnect_manager::impl::perform(const intent::answer& what) {
  const auto up = what.outcome ? session{} : state().session;
  for (auto& caller : std::exchange(callers_, {})) caller.done.complete(what.outcome, up);
}

// An artifact lives as long as its attempt and no longer.
asio::awaitable<attempt_outcome> reconnect_manager::impl::attempt(std::shared_ptr<impl> self, attempt_ptr mine) {
  // Named: GCC 12 destroys an aggregate twice that is made inside a co_await expression.
  artifact_request request{.trace_id = self->trace_id_};
  auto artifact = co_await self->config_.source.acquire(std::move(request));
  attempt_outcome outcome{.failed = mine->stopped ? canceled() : artifact.error()};
  if (outcome.failed) co_return outcome;
  outcome = co_await attempt_connect(self->executor_, *artifact, self->options_for(*artifact), mine->hint);
  if (outcome.failed || !self->config_.prepare) co_return outcome;
  co_return co_await prepared(self->config_.prepare, std::move(outcome.up));
}

connect_options reconnect_manager::impl::options_for(const connect_artifact& artifact) {
  if (artifact.trace_id) trace_id_ = artifact.trace_id;
  teller_.set_ids(trace_id_, artifact.session_id);
  auto options = config_.connect;
  options.common.events = events_;
  auto& context = options.common.context;
  context.trace_id = trace_id_;
  context.session_id = artifact.session_id;
  context.attempt_seq = machine_.attempt_seq();
  context.attempt_began = teller_.began();
  return options;
}

void reconnect_manager::impl::on_attempt_over(const attempt_ptr& mine, const std::exception_ptr& thrown,
                                              attempt_outcome outcome) {
  if (mine->stopped) --unfinished_;
  if (attempt_ == mine) attempt_.reset();
  if (thrown) outcome.failed = mine->stopped ? canceled() : resolve_failed();
  if (outcome.failed) {
    machine_.attempt_failed(mine->id, {.why = outcome.failed, .draining = mine->hint->draining}, now());
  } else {
    sessions_.emplace(mine->id, std::move(outcome.up));
    machine_.attempt_succeeded(mine->id);
  }
  run();
  finish_disconnecting();
}

void reconnect_manager::impl::watch(attempt_id id, const session& up) {
  const auto& link = up.state()->link;
  const auto lost = [weak = weak_from_this(), id](attempt_failure failure) {
    if (const auto self = weak.lock()) self->post([id, failure](impl& me) { me.on_lost(id, failure); });
  };
  link->watch_end(link->next_serial(), [lost, on = up.path()](const link_end* end) {
    if (end == nullptr || end->closed_here) return;
    lost({.why = make_error(end_of_session(on, *end)), .draining = is_draining(*end)});
  });
  link->watch_rpc_end([lost, on = up.path()] {
    lost({.why = make_error({.path = on, .stage = stage::rpc, .code = endpoint_errc::rpc_failed})});
  });
}

void reconnect_manager::impl::on_lost(attempt_id id, attempt_failure failure) {
  machine_.session_lost(id, failure, now());
  run();
}

void reconnect_manager::impl::close(attempt_id id) {
  auto found = sessions_.extract(id);
  if (found.empty()) return;
  if (state().session.state() == found.mapped().state()) proxy_.detach();
  ++unfinished_;
  found.mapped().async_close(asio::bind_executor(serial_, [self = shared_from_this()](error_code failed) {
    --self->unfinished_;
    if (failed) self->machine_.close_failed(failed);
    self->run();
    self->finish_disconnecting();
  }));
}

void reconnect_manager::impl::finish_disconnecting() {
  if (unfinished_ > 0) return;
  for (auto& done : std::exchange(disconnecting_, {})) done.complete({});
}

void reconnect_manager::impl::arm_timer() {
  const auto next = machine_.deadline();
  if (std::exchange(armed_, next) == next) return;
  timer_.cancel();
  if (!next) return;
  timer_.expires_after(*next - now());
  timer_.async_wait([weak = weak_from_this()](error_code stopped) {
    const auto self = weak.lock();
    if (!self || stopped) return;
    self->armed_.reset();
    self->machine_.advance(self->now());
    self->run();
  });
}

double reconnect_manager::impl::unit() {
  std::array<std::byte, 4> bytes;
  if (!config_.connect.common.random->fill(bytes)) return 0.5;
  std::uint32_t number = 0;
  for (const auto byte : bytes) number = number << 8 | std::to_integer<std::uint32_t>(byte);
  return number / 4294967295.0;
}

/// What the handles share: with the last one the connection is given up.
struct reconnect_manager::shared {
  explicit shared(executor_type executor) : run(std::make_shared<impl>(std::move(executor))) {}
  ~shared() { run->give_up(); }
  shared(const shared&) = delete;
  shared& operator=(const shared&) = delete;

  const std::shared_ptr<impl> run;
};

reconnect_manager::reconnect_manager(executor_type executor) : shared_(std::make_shared<shared>(std::move(executor))) {}

reconnect_manager::executor_type reconnect_manager::get_executor() const noexcept { return shared_->run->executor(); }

connection_state reconnect_manager::state() const { return shared_->run->state(); }

rpc_proxy reconnect_manager::rpc() const { return shared_->run->proxy(); }

state_subscription reconnect_manager::on_state(state_listener listener) {
  const auto serial = shared_->run->listen(std::move(listener));
  return state_subscription{[weak = std::weak_ptr{shared_->run}, serial] {
    if (const auto run = weak.lock()) run->forget(serial);
  }};
}

void reconnect_manager::start_connect(reconnect_config config, bool if_needed, completion<error_code, session> done) {
  shared_->run->connect(std::move(config), if_needed, std::move(done));
}

void reconnect_manager::start_disconnect(completion<error_code> done) { shared_->run->disconnect(std::move(done)); }

}  // namespace flowersec::endpoint
