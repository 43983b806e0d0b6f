// The tunnel as a whole: threads around shards, and the way down.
// Layer tunnel. See server.h.
#include "flowersec/tunnel/server.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>
#include <utility>

#include "tunnel/worker.h"

namespace flowersec::tunnel {
namespace {

/// A container or `taskset` may allow fewer processors than there are; two shards on one cost more than one shard.
std::size_t processors() noexcept {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return std::thread::hardware_concurrency();
  return static_cast<std::size_t>(CPU_COUNT(&allowed));
}

}  // namespace

const char* describe(tunnel_errc code) noexcept {
  switch (code) {
    case tunnel_errc::invalid_options:
      return "the tunnel's options cannot work together";
    case tunnel_errc::bad_listen_address:
      return "the listen address is not host:port with a port of 0 to 65535";
    case tunnel_errc::tls_files_unusable:
      return "the TLS certificate or key cannot be used";
    case tunnel_errc::already_started:
      return "the tunnel was started before";
  }
  return "unknown tunnel error";
}

error_code make_error_code(tunnel_errc code) noexcept {
  static const errc_category<tunnel_errc> category{"flowersec.tunnel"};
  return {static_cast<int>(code), category};
}

class server::impl final : public shard_router {
 public:
  explicit impl(server_options options) : options_(std::move(options)) {
    if (usable()) shared_.emplace(options_);
  }

  error_code start() {
    if (started_) return tunnel_errc::already_started;
    if (!shared_) return tunnel_errc::invalid_options;
    site_ = http_site::make(
        options_, [this] { return metrics_text(); }, [this] { return shared_->loaded_keys_text(); });
    if (!site_) return tunnel_errc::invalid_options;
    if (options_.tls) {
      auto context = ws::tls_context::server(options_.tls->certificate_chain, options_.tls->private_key);
      if (!context) return tunnel_errc::tls_files_unusable;
      tls_.emplace(*std::move(context));
    }
    if (const auto failed = listener_.open(options_.listen, options_.limits)) return failed;
    started_ = true;
    const auto threads = std::max<std::size_t>(1, options_.threads ? *options_.threads : processors());
    for (std::size_t i = 0; i < threads; ++i) {
      workers_.push_back(
          std::make_unique<worker>(*shared_, *this, *site_, tls_ ? &*tls_ : nullptr, listener_.descriptor(), i == 0));
    }
    for (auto& one : workers_) one->start();
    return {};
  }

  void begin_drain(std::chrono::milliseconds longest, std::function<void()> done) {
    if (workers_.empty() || shared_->phase != tunnel_phase::serving) return;
    shared_->drained.expect(workers_.size(), std::move(done));
    shared_->phase = tunnel_phase::draining;
    longest = std::clamp<std::chrono::milliseconds>(longest, std::chrono::milliseconds{0}, longest_time);
    for (auto& one : workers_) {
      one->post([&worker = *one, longest] { worker.owned_shard().begin_drain(longest); });
    }
  }

  void stop_accepting() {
    if (workers_.empty() || closed_door_at_) return;
    closed_door_at_ = std::chrono::steady_clock::now();
    shared_->phase = tunnel_phase::closing;
    on_every_worker([](worker& one) { one.stop_accepting(); });
    listener_.close();
  }

  void stop() {
    if (workers_.empty()) return;
    stop_accepting();
    const auto waited = std::chrono::steady_clock::now() - *closed_door_at_;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(http_patience - waited);
    shared_->wait_for_http_requests(std::max(left, std::chrono::milliseconds{0}));
    for (auto& one : workers_) one->post([&worker = *one] { worker.stop(); });
    for (auto& one : workers_) one->join();
    // A late answer posts to a shard, which must still be there.
    shared_->replay->settle();
    workers_.clear();
  }

  /// The same channel always goes to the same thread, whoever of the two endpoints comes first.
  void deliver(std::shared_ptr<newcomer> who) override {
    const auto& token = who->token;
    auto& owner = owner_of(token.scope.audience, token.scope.issuer, token.channel_id);
    owner.post([&owner, who = std::move(who)] { owner.owned_shard().admit(std::move(*who)); });
  }

  void report_channels(reported_channels which, std::function<void(std::vector<channel_report>)> answer) {
    if (workers_.empty()) return answer({});
    struct gathering {
      std::atomic<std::size_t> missing{0};
      std::vector<std::vector<channel_report>> parts;  ///< one from each worker
      std::function<void(std::vector<channel_report>)> answer;
    };
    auto all = std::make_shared<gathering>();
    all->missing = workers_.size();
    all->parts.resize(workers_.size());
    all->answer = std::move(answer);
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      workers_[i]->post([all, i, which, &one = *workers_[i]] {
        one.owned_shard().report(which, all->parts[i]);
        if (all->missing.fetch_sub(1) != 1) return;
        auto whole = std::move(all->parts.front());
        for (std::size_t k = 1; k < all->parts.size(); ++k) std::ranges::move(all->parts[k], std::back_inserter(whole));
        all->answer(std::move(whole));
      });
    }
  }

  /// Two rounds, so that one decision that does not fit stops them all: every shard looks, then every shard acts. The
  /// last one to look starts the second round; a channel always has the same shard, so both rounds meet the same one.
  void apply_decisions(std::vector<channel_decision> decisions) {
    if (workers_.empty() || decisions.empty() || !tidy(decisions)) return;
    struct batch {
      std::atomic<std::size_t> missing{0};
      std::vector<std::vector<channel_decision>> parts;  ///< one for each worker
      std::atomic<bool> fits{true};
    };
    auto all = std::make_shared<batch>();
    all->missing = workers_.size();
    all->parts.resize(workers_.size());
    for (auto& one : decisions) {
      all->parts[owner_index(one.audience, one.issuer, one.channel_id)].push_back(std::move(one));
    }
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      workers_[i]->post([this, all, i] {
        const auto& home = workers_[i]->owned_shard();
        if (!std::ranges::all_of(all->parts[i], [&](const auto& one) { return home.accepts(one); })) all->fits = false;
        if (all->missing.fetch_sub(1) != 1 || !all->fits) return;
        for (std::size_t k = 0; k < workers_.size(); ++k) {
          workers_[k]->post([all, k, &owner = *workers_[k]] {
            for (const auto& one : all->parts[k]) owner.owned_shard().apply(one);
          });
        }
      });
    }
  }

  void enable_metrics() {
    if (!shared_ || shared_->counts.enabled()) return;
    for (const auto& budget : shared_->scopes.budgets()) budget->bytes.forget_use();
    shared_->counts.enable();
  }

  error_code replace_certificate(const tls_files& files) {
    if (!tls_) return tunnel_errc::invalid_options;
    auto context = ws::tls_context::server(files.certificate_chain, files.private_key);
    if (!context) return tunnel_errc::tls_files_unusable;
    tls_->replace(*std::move(context));
    return {};
  }

  [[nodiscard]] std::optional<std::string> metrics_text() const {
    if (!shared_ || !shared_->counts.enabled()) return std::nullopt;
    metrics_gauges gauges{.connections = shared_->connections.value(),
                          .channels = shared_->channels.value(),
                          .queued_bytes = shared_->total_bytes.held(),
                          .tenant_queued_bytes = {}};
    for (const auto& budget : shared_->scopes.budgets()) {
      if (budget->bytes.used()) gauges.tenant_queued_bytes.emplace_back(budget->label, budget->bytes.held());
    }
    return shared_->counts.text(gauges,
                                options_.extra_metrics ? options_.extra_metrics() : std::vector<extra_metric>{});
  }

  [[nodiscard]] std::optional<shared_state>& shared() noexcept { return shared_; }
  [[nodiscard]] const std::string& address() const noexcept { return listener_.address(); }

 private:
  [[nodiscard]] bool usable() const {
    return options_.verifier && options_.clocks != nullptr && !validate(options_.limits);
  }

  [[nodiscard]] std::size_t owner_index(std::string_view audience, std::string_view issuer,
                                        std::string_view channel_id) const noexcept {
    const std::hash<std::string_view> hash;
    auto name = hash(channel_id);
    name = name * 31 + hash(audience);
    name = name * 31 + hash(issuer);
    return name % workers_.size();
  }
  [[nodiscard]] worker& owner_of(std::string_view audience, std::string_view issuer, std::string_view channel_id) {
    return *workers_[owner_index(audience, issuer, channel_id)];
  }

  /// Runs `task` on each thread and returns when all are done.
  template <class Task>
  void on_every_worker(Task task) {
    std::latch done{static_cast<std::ptrdiff_t>(workers_.size())};
    for (auto& one : workers_) {
      one->post([&done, &task, &worker = *one] {
        task(worker);
        done.count_down();
      });
    }
    done.wait();
  }

  const server_options options_;
  std::optional<shared_state> shared_;
  std::optional<http_site> site_;
  std::optional<tls_slot> tls_;
  listener listener_;
  std::vector<std::unique_ptr<worker>> workers_;
  bool started_ = false;
  std::optional<std::chrono::steady_clock::time_point> closed_door_at_;
};

server::server(server_options options) : impl_(std::make_unique<impl>(std::move(options))) {}

server::~server() { stop(); }

error_code server::start() { return impl_->start(); }

const std::string& server::bound_address() const noexcept { return impl_->address(); }

void server::enable_metrics() { impl_->enable_metrics(); }

void server::disable_metrics() {
  if (auto& shared = impl_->shared()) shared->counts.disable();
}

std::optional<std::string> server::metrics_text() const { return impl_->metrics_text(); }

void server::replace_verifier(std::shared_ptr<const token_verifier> verifier) {
  if (auto& shared = impl_->shared(); shared && verifier) shared->set_verifier(std::move(verifier));
}

error_code server::replace_certificate(const tls_files& files) { return impl_->replace_certificate(files); }

std::size_t server::connections() const noexcept {
  const auto& shared = impl_->shared();
  return shared ? shared->connections.value() : 0;
}

std::size_t server::channels() const noexcept {
  const auto& shared = impl_->shared();
  return shared ? shared->channels.value() : 0;
}

void server::report_channels(reported_channels which, std::function<void(std::vector<channel_report>)> answer) {
  impl_->report_channels(which, std::move(answer));
}

void server::apply_decisions(std::vector<channel_decision> decisions) { impl_->apply_decisions(std::move(decisions)); }

void server::stop_accepting() { impl_->stop_accepting(); }

void server::begin_drain(std::chrono::milliseconds longest, std::function<void()> done) {
  impl_->begin_drain(longest, std::move(done));
}

void server::stop() { impl_->stop(); }

}  // namespace flowersec::tunnel
