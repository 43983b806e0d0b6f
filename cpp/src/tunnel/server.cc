// The tunnel as a whole: threads around shards, and the way down.
// Layer tunnel. See server.h.
#include "flowersec/tunnel/server.h"

#include <sched.h>

#include <algorithm>
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
      return "the listen address is not host:port";
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

  void stop() {
    if (workers_.empty()) return;
    shared_->closing = true;
    on_every_worker([](worker& one) { one.stop_accepting(); });
    listener_.close();
    constexpr std::chrono::seconds http_patience{5};
    shared_->wait_for_http_requests(http_patience);
    for (auto& one : workers_) one->post([&worker = *one] { worker.stop(); });
    for (auto& one : workers_) one->join();
    workers_.clear();
  }

  /// The same channel always goes to the same thread, whoever of the two endpoints comes first.
  void deliver(std::shared_ptr<newcomer> who) override {
    const std::hash<std::string_view> hash;
    const auto& token = who->token;
    auto name = hash(token.channel_id);
    name = name * 31 + hash(token.scope.audience);
    name = name * 31 + hash(token.scope.issuer);
    auto& owner = *workers_[name % workers_.size()];
    owner.post([&owner, who = std::move(who)] { owner.owned_shard().admit(std::move(*who)); });
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
    if (!shared_) return std::nullopt;
    metrics_gauges gauges{.connections = shared_->connections.value(),
                          .channels = shared_->channels.value(),
                          .queued_bytes = shared_->total_bytes.held(),
                          .tenant_queued_bytes = {}};
    for (const auto& budget : shared_->scopes.budgets()) {
      if (budget->bytes.used()) gauges.tenant_queued_bytes.emplace_back(budget->label, budget->bytes.held());
    }
    return shared_->counts.text(gauges);
  }

  [[nodiscard]] std::optional<shared_state>& shared() noexcept { return shared_; }
  [[nodiscard]] const std::string& address() const noexcept { return listener_.address(); }

 private:
  [[nodiscard]] bool usable() const {
    return options_.verifier && options_.clocks != nullptr && !validate(options_.limits);
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

void server::stop() { impl_->stop(); }

}  // namespace flowersec::tunnel
