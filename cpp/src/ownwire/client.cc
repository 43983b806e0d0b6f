#include "flowersec/ownwire/client.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <utility>

#include "flowersec/base/text.h"
#include "flowersec/endpoint/origin.h"
#include "flowersec/endpoint/transport_policy.h"
#include "flowersec/ws/url.h"
#include "ownwire/client_connection.h"
#include "ownwire/client_machine.h"

namespace flowersec::ownwire {

namespace asio = boost::asio;
using endpoint::endpoint_errc;
using ::flowersec::session::completion;

namespace {

error_code invalid(endpoint_errc what) {
  return endpoint::make_error({.path = endpoint::path::direct, .stage = endpoint::stage::validate, .code = what});
}

/// The address of a page is good as well.
std::string websocket_url(std::string_view text) {
  text = trim(text);
  for (const auto& [page, socket] : {std::pair{"https://", "wss://"}, std::pair{"http://", "ws://"}}) {
    const std::string_view scheme{page};
    if (ascii_iequals(text.substr(0, scheme.size()), scheme)) return socket + std::string{text.substr(scheme.size())};
  }
  return std::string{text};
}

bool fits(const std::optional<std::string>& text, std::size_t max_bytes) {
  return !text || (text->size() <= max_bytes && is_valid_utf8(*text));
}

error_code check(const client_options& options) {
  if (trim(options.url).empty()) return invalid(endpoint_errc::missing_ws_url);
  const auto url = websocket_url(options.url);
  const auto parsed = ws::parse_url(url);
  const auto policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  if (!parsed ||
      !policy.allows({.url = url, .path = endpoint::path::direct, .tls = parsed->secure, .host = parsed->host})) {
    return invalid(endpoint_errc::transport_policy_denied);
  }
  if (!crypto::is_known(options.suite)) return invalid(endpoint_errc::invalid_suite);
  const bool usable = !options.server_keys.empty() && options.max_queue >= 1 && options.connect_timeout.count() > 0 &&
                      options.clocks != nullptr && options.random != nullptr && options.reconnect.validate();
  if (!usable) return invalid(endpoint_errc::invalid_option);
  if (!fits(options.metadata, max_metadata_bytes) || !fits(options.auth, max_auth_bytes)) {
    return client_errc::metadata_too_large;
  }
  return {};
}

/// Uniform in 0..1; the middle without randomness, since a wait without jitter is better than none.
double draw(random_source& random) {
  std::array<std::byte, 4> bytes{};
  if (!random.fill(bytes)) return 0.5;
  return static_cast<double>(load_be<std::uint32_t>(bytes.data())) / 4294967295.0;
}

}  // namespace

class client::impl final : public connection_user, public std::enable_shared_from_this<client::impl> {
 public:
  using strand = client_connection::strand;

  impl(executor_type executor, client_options options)
      : executor_(std::move(executor)),
        serial_(executor_),
        options_(std::move(options)),
        timer_(serial_),
        machine_({.metadata = options_.metadata,
                  .auth = options_.auth,
                  .reconnect = options_.reconnect,
                  .max_queue = options_.max_queue},
                 [random = options_.random] { return draw(*random); }) {
    const auto url = websocket_url(options_.url);
    info_ = {.ws_url = url, .server_keys = options_.server_keys, .default_suite = options_.suite};
    dialling_.origin = options_.origin ? *options_.origin : endpoint::origin_of_websocket_url(url).value();
    dialling_.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
    dialling_.trust = options_.trust;
    dialling_.connect_timeout = options_.connect_timeout;
    dialling_.common.liveness = endpoint::liveness{.interval = probe_interval, .timeout = probe_timeout};
    dialling_.common.clocks = options_.clocks;
    dialling_.common.random = options_.random;
  }

  [[nodiscard]] const executor_type& executor() const noexcept { return executor_; }
  [[nodiscard]] client_state state() const noexcept { return state_.load(std::memory_order_relaxed); }

  void connect(completion<error_code> done) {
    const auto serial = next_serial_.fetch_add(1);
    done.on_cancel([weak = weak_from_this(), serial] {
      if (const auto self = weak.lock()) asio::post(self->serial_, [self, serial] { self->stop_waiting(serial); });
    });
    asio::dispatch(serial_, [self = shared_from_this(), serial, done = std::move(done)]() mutable {
      if (self->gone_) return done.complete(asio::error::operation_aborted);
      if (self->machine_.state() == client_state::open) return done.complete({});
      self->machine_.connect();
      self->connecting_.emplace(serial, connect_waiter{self->machine_.run(), std::move(done)});
      self->perform();
    });
  }

  void send(std::string content, completion<error_code, std::uint64_t> done) {
    const auto serial = next_serial_.fetch_add(1);
    done.on_cancel([weak = weak_from_this(), serial] {
      if (const auto self = weak.lock()) asio::post(self->serial_, [self, serial] { self->stop_sending(serial); });
    });
    asio::dispatch(serial_,
                   [self = shared_from_this(), serial, content = std::move(content), done = std::move(done)]() mutable {
                     if (self->gone_) return done.complete(asio::error::operation_aborted, 0);
                     if (content.empty()) return done.complete({}, 0);
                     if (!is_valid_utf8(content)) return done.complete(client_errc::content_not_text, 0);
                     const auto id = self->machine_.send(std::move(content), self->now());
                     if (!id) return done.complete(id.error(), 0);
                     self->sending_.emplace(*id, waiter{serial, std::move(done)});
                     self->perform();
                   });
  }

  void typing(bool on) {
    asio::dispatch(serial_, [self = shared_from_this(), on] {
      self->machine_.typing(on);
      self->perform();
    });
  }

  void close(completion<error_code> done) {
    asio::dispatch(serial_, [self = shared_from_this(), done = std::move(done)]() mutable {
      self->closing_.push_back(std::move(done));
      self->machine_.close();
      self->perform();
    });
  }

  /// The handle is gone: nobody is told anything any more.
  void abandon() {
    asio::dispatch(serial_, [self = shared_from_this()] {
      self->gone_ = true;
      self->options_.on_event = nullptr;
      self->timer_.cancel();
      for (const auto& [id, connection] : std::exchange(self->connections_, {})) connection->drop();
      for (auto& [serial, waiting] : std::exchange(self->connecting_, {})) {
        waiting.done.complete(asio::error::operation_aborted);
      }
      for (auto& [id, waiting] : std::exchange(self->sending_, {})) {
        waiting.done.complete(asio::error::operation_aborted, id);
      }
    });
  }

 private:
  struct connect_waiter {
    std::uint64_t run;
    completion<error_code> done;
  };
  struct waiter {
    std::uint64_t serial;
    completion<error_code, std::uint64_t> done;
  };

  void on_opened(std::uint64_t id) override {
    machine_.opened(attempt_id{id}, now());
    perform();
  }
  void on_frame(std::uint64_t id, const gateway_frame& frame) override {
    machine_.take(attempt_id{id}, frame, now());
    perform();
  }
  void on_lost(std::uint64_t id, error_code why, bool draining) override {
    connections_.erase(id);
    machine_.lost(attempt_id{id}, why, draining, now());
    perform();
  }

  [[nodiscard]] mono_time now() const { return options_.clocks->mono_now(); }

  // An intent may lead to more of them, by way of a connection: the outer call goes on with those.
  void perform() {
    if (std::exchange(performing_, true)) return;
    while (auto next = machine_.poll_intent()) {
      std::visit([this](auto& intent) { perform(intent); }, *next);
    }
    performing_ = false;
    state_.store(machine_.state(), std::memory_order_relaxed);
    set_timer();
    finish_closing();
  }

  void finish_closing() {
    if (leaving_ != 0 || performing_) return;
    for (auto& done : std::exchange(closing_, {})) done.complete({});
  }

  void perform(const want::dial& intent) {
    const auto id = static_cast<std::uint64_t>(intent.attempt);
    const auto made = std::make_shared<client_connection>(serial_, id, weak_from_this());
    connections_.emplace(id, made);
    made->dial(info_, dialling_);
  }

  void perform(const want::drop& intent) {
    const auto found = connections_.extract(static_cast<std::uint64_t>(intent.attempt));
    if (found) found.mapped()->drop();
  }

  void perform(want::send& intent) {
    const auto found = connections_.find(static_cast<std::uint64_t>(intent.attempt));
    if (found != connections_.end()) found->second->send(std::move(intent.frame));
  }

  // One that leaves is held by what it waits for, and by nothing here: whoever destroys the context is done with it.
  void perform(const want::leave& intent) {
    const auto found = connections_.extract(static_cast<std::uint64_t>(intent.attempt));
    if (!found) return;
    ++leaving_;
    found.mapped()->leave([self = shared_from_this()] {
      --self->leaving_;
      self->finish_closing();
    });
  }

  void perform(const want::answer& intent) {
    // Whoever heard of the end before the answer to it may wait for the next run already.
    std::vector<completion<error_code>> answered;
    for (auto at = connecting_.begin(); at != connecting_.end();) {
      const bool is_later = at->second.run > intent.run;
      if (!is_later) answered.push_back(std::move(at->second.done));
      at = is_later ? std::next(at) : connecting_.erase(at);
    }
    for (auto& done : answered) done.complete(intent.outcome);
  }

  void perform(const want::tell& intent) {
    if (const auto* delivered = std::get_if<text_delivered>(&intent.event)) finish(delivered->id, {});
    if (const auto* failed = std::get_if<text_failed>(&intent.event)) finish(failed->id, failed->why);
    if (const auto* changed = std::get_if<state_changed>(&intent.event)) {
      state_.store(changed->state, std::memory_order_relaxed);
    }
    if (!options_.on_event) return;
    try {
      options_.on_event(intent.event);
    } catch (...) {  // NOLINT(bugprone-empty-catch): documented at on_event
    }
  }

  void finish(std::uint64_t id, error_code failed) {
    if (auto waiting = sending_.extract(id)) waiting.mapped().done.complete(failed, id);
  }

  void stop_waiting(std::uint64_t serial) {
    if (auto waiting = connecting_.extract(serial)) waiting.mapped().done.complete(asio::error::operation_aborted);
  }

  void stop_sending(std::uint64_t serial) {
    const auto found = std::ranges::find(sending_, serial, [](const auto& each) { return each.second.serial; });
    if (found == sending_.end()) return;
    const auto id = found->first;
    auto done = std::move(found->second.done);
    sending_.erase(found);
    done.complete(asio::error::operation_aborted, id);
  }

  void set_timer() {
    const auto deadline = machine_.deadline();
    if (deadline == armed_for_) return;
    armed_for_ = deadline;
    timer_.cancel();
    if (!deadline) return;
    timer_.expires_after(*deadline - now());
    timer_.async_wait([self = shared_from_this()](error_code canceled) {
      if (canceled || self->gone_) return;
      self->armed_for_.reset();
      self->machine_.advance(self->now());
      self->perform();
    });
  }

  executor_type executor_;
  strand serial_;
  client_options options_;
  endpoint::sealed_connect_info info_;
  endpoint::connect_options dialling_;
  asio::steady_timer timer_;
  std::optional<mono_time> armed_for_;
  client_machine machine_;
  std::map<std::uint64_t, std::shared_ptr<client_connection>> connections_;
  std::size_t leaving_ = 0;  // connections behind their bye
  std::map<std::uint64_t, connect_waiter> connecting_;
  std::map<std::uint64_t, waiter> sending_;
  std::vector<completion<error_code>> closing_;
  std::atomic<std::uint64_t> next_serial_{1};
  std::atomic<client_state> state_{client_state::idle};
  bool performing_ = false;
  bool gone_ = false;
};

result<client> client::create(executor_type executor, client_options options) {
  if (const auto failed = check(options)) return failed;
  return client{std::make_shared<impl>(std::move(executor), std::move(options))};
}

client::client(std::shared_ptr<impl> state) noexcept : impl_(std::move(state)) {}
client::client(client&&) noexcept = default;

client& client::operator=(client&& other) noexcept {
  if (this != &other) {
    if (impl_) impl_->abandon();
    impl_ = std::move(other.impl_);
  }
  return *this;
}

client::~client() {
  if (impl_) impl_->abandon();
}

void client::start_connect(completion<error_code> done) { impl_->connect(std::move(done)); }

void client::start_send(std::string content, completion<error_code, std::uint64_t> done) {
  impl_->send(std::move(content), std::move(done));
}

void client::start_close(completion<error_code> done) { impl_->close(std::move(done)); }

void client::typing(bool on) { impl_->typing(on); }

client_state client::state() const noexcept { return impl_->state(); }

client::executor_type client::get_executor() const noexcept { return impl_->executor(); }

}  // namespace flowersec::ownwire
