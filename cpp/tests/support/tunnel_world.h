// A whole tunnel in memory: one shard, links made of buffers, and a clock that moves when told.
// Test support. What a peer's window would take is a number, so a stalled reader is one line of a test.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/client_frames.h"
#include "support/token_mint.h"
#include "tunnel/shard.h"

namespace flowersec::testing {

class manual_clock final : public clock_source {
 public:
  [[nodiscard]] mono_time mono_now() const noexcept override { return mono; }
  [[nodiscard]] wall_time wall_now() const noexcept override { return wall; }
  void pass(std::chrono::milliseconds by) {
    mono += by;
    wall += by;
  }
  mono_time mono{std::chrono::hours{1}};
  wall_time wall{std::chrono::seconds{1'800'000'000}};
};

/// Both ends of one connection's bytes. The test plays the client.
struct wire {
  byte_buffer to_tunnel;
  bool client_ended = false;     ///< the client finished sending
  bool ends_with_bytes = false;  ///< like TLS: the read that brings the last bytes says that nothing is behind them
  bool client_reset = false;
  byte_buffer from_tunnel;
  std::size_t room = SIZE_MAX;  ///< bytes the tunnel may still write
  bool tunnel_finished = false;
  bool tunnel_closed = false;
  bool closed_with_unread_input = false;  ///< a real socket would have reset the connection
  bool commits = false;  ///< like TLS: a paused write has begun a record, and the next must begin with the same bytes
  byte_buffer committed;
  bool commitment_broken = false;
  std::size_t writes = 0;
  std::size_t reads = 0;

  tunnel::link_watcher* watcher = nullptr;
  bool readable_event = false;
  bool writable_event = false;
};

class wire_link final : public tunnel::link {
 public:
  explicit wire_link(std::shared_ptr<wire> w) : wire_(std::move(w)) {}
  ~wire_link() override {
    wire_->tunnel_closed = true;
    wire_->closed_with_unread_input = !wire_->to_tunnel.empty();
    wire_->watcher = nullptr;
  }
  tunnel::link_transfer read(mutable_byte_view into) override {
    using state = tunnel::link_transfer::state;
    ++wire_->reads;
    if (wire_->client_reset) return {0, state::failed};
    auto& bytes = wire_->to_tunnel;
    const auto n = std::min(into.size(), bytes.size());
    std::copy_n(bytes.begin(), n, into.begin());
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    if (n != 0 && wire_->ends_with_bytes && wire_->client_ended && bytes.empty()) return {n, state::ended};
    if (n != 0) return {n, n < into.size() && !wire_->client_ended ? state::paused : state::open};
    return {0, wire_->client_ended ? state::ended : state::paused};
  }
  tunnel::link_transfer write(byte_view from) override {
    using state = tunnel::link_transfer::state;
    ++wire_->writes;
    if (wire_->client_reset) return {0, state::failed};
    const auto& committed = wire_->committed;
    if (from.size() < committed.size() || !std::equal(committed.begin(), committed.end(), from.begin())) {
      wire_->commitment_broken = true;
    }
    const auto n = std::min(from.size(), wire_->room);
    append(wire_->from_tunnel, from.first(n));
    if (wire_->room != SIZE_MAX) wire_->room -= n;
    const auto rest = from.subspan(n);
    wire_->committed = to_buffer(rest.first(wire_->commits ? std::min<std::size_t>(rest.size(), 16384) : 0));
    return {n, rest.empty() ? state::open : state::paused, wire_->committed.size()};
  }
  bool at_end() override { return wire_->client_ended && wire_->to_tunnel.empty(); }
  void finish_writing() override { wire_->tunnel_finished = true; }
  [[nodiscard]] wire& shared_wire() const { return *wire_; }

 private:
  std::shared_ptr<wire> wire_;
};

class tunnel_world : public tunnel::poller, public tunnel::shard_router {
 public:
  explicit tunnel_world(tunnel::tunnel_limits limits = {}, std::shared_ptr<tunnel::attach_policy> policy = nullptr,
                        std::shared_ptr<tunnel::observer> events = nullptr,
                        std::shared_ptr<tunnel::replay_store> replay = nullptr, tunnel::source_limits sources = {})
      : mint(to_unix_seconds_count(clock.wall)) {
    tunnel::server_options options;
    options.limits = limits;
    options.sources = std::move(sources);
    options.verifier = mint.verifier();
    options.policy = std::move(policy);
    options.events = std::move(events);
    options.replay = std::move(replay);
    options.clocks = &clock;
    options.keep_bandwidth = true;
    shared = std::make_unique<tunnel::shared_state>(options);
    shared->counts.enable();
    core = std::make_unique<tunnel::shard>(*shared, *this, *this, true);
  }

  /// A client's end of a connection.
  class client {
   public:
    client(tunnel_world& world, std::shared_ptr<wire> w) : world_(&world), wire_(std::move(w)) {}

    client& send(byte_view bytes) {
      append(wire_->to_tunnel, bytes);
      wire_->readable_event = true;
      world_->run();
      return *this;
    }
    client& binary(byte_view payload) { return send(client_frame(op_binary, payload)); }
    client& binary(std::string_view payload) { return send(client_frame(op_binary, payload)); }
    client& text(std::string_view payload) { return send(client_frame(op_text, payload)); }
    /// The client finishes sending and reads on.
    void end() {
      wire_->client_ended = true;
      wire_->readable_event = true;
      world_->run();
    }
    void reset() {
      wire_->client_reset = true;
      wire_->readable_event = wire_->writable_event = true;
      world_->run();
    }
    void set_room(std::size_t bytes) {
      wire_->room = bytes;
      wire_->writable_event = bytes != 0;
      world_->run();
    }
    /// Whole frames that arrived since the last call.
    [[nodiscard]] std::vector<server_frame> frames() { return take_server_frames(wire_->from_tunnel); }
    [[nodiscard]] std::vector<std::string> messages() {
      std::vector<std::string> texts;
      for (const auto& f : frames()) texts.emplace_back(as_text(f.payload));
      return texts;
    }
    [[nodiscard]] byte_buffer take_bytes() { return std::exchange(wire_->from_tunnel, {}); }
    /// The tunnel ended its side: the client reads an end after what came.
    [[nodiscard]] bool saw_end() const { return wire_->tunnel_finished || wire_->tunnel_closed; }
    [[nodiscard]] bool closed() const { return wire_->tunnel_closed; }
    [[nodiscard]] wire& raw() { return *wire_; }

   private:
    tunnel_world* world_;
    std::shared_ptr<wire> wire_;
  };

  /// A connection right after its upgrade.
  [[nodiscard]] client connect() {
    return visit([](tunnel::shard& home, tunnel::link_ptr pipe) {
      home.welcome(std::move(pipe), {}, "https://app.example", "192.0.2.1:4711");
    });
  }
  /// A connection at any stage: `enter` gives the shard the tunnel's end.
  template <class Enter>
  [[nodiscard]] client visit(Enter enter) {
    auto w = std::make_shared<wire>();
    wires_.push_back(w);
    enter(*core, std::make_unique<wire_link>(w));
    run();
    return {*this, w};
  }
  [[nodiscard]] client attach(const token_mint::payload& p) {
    auto c = connect();
    c.text(mint.attach_text(p));
    return c;
  }
  [[nodiscard]] client attach(std::string channel_id, int role) {
    return attach(mint.draft(std::move(channel_id), role));
  }

  /// Lets everything that can happen now happen.
  void run() {
    bool busy = true;
    while (busy) {
      busy = false;
      core->set_time(clock.mono);
      for (std::size_t i = 0; i < wires_.size(); ++i) {
        const auto w = wires_[i];
        const tunnel::readiness ready{std::exchange(w->readable_event, false), std::exchange(w->writable_event, false)};
        if ((!ready.readable && !ready.writable) || w->watcher == nullptr) continue;
        w->watcher->on_ready(ready);
        busy = true;
      }
      core->run();
      busy |= !core->next_wakeup().has_value();
    }
  }
  void pass(std::chrono::milliseconds time) {
    constexpr std::chrono::milliseconds step{10};
    for (; time.count() > 0; time -= step) {
      clock.pass(std::min(step, time));
      run();
    }
  }

  [[nodiscard]] std::string metrics() const {
    tunnel::metrics_gauges gauges{
        shared->connections.value(), shared->channels.value(), shared->total_bytes.held(), {}};
    for (const auto& budget : shared->scopes.budgets()) {
      if (budget->bytes.used()) gauges.tenant_queued_bytes.emplace_back(budget->label, budget->bytes.held());
    }
    return shared->counts.text(gauges).value_or("");
  }
  /// The value of one sample, 0 when the family has none.
  [[nodiscard]] double metric(const std::string& sample) const {
    const auto text = '\n' + metrics();
    const auto at = text.find('\n' + sample + ' ');
    return at == std::string::npos ? 0 : std::stod(text.substr(at + sample.size() + 2));
  }
  [[nodiscard]] double closed_count(const std::string& reason) const {
    return metric("flowersec_tunnel_close_total{reason=\"" + reason + "\"}");
  }
  [[nodiscard]] double attach_count(const std::string& reason) const {
    const std::string result = reason == "ok" ? "ok" : "fail";
    return metric("flowersec_tunnel_attach_total{reason=\"" + reason + "\",result=\"" + result + "\"}");
  }

  manual_clock clock;
  token_mint mint;
  std::unique_ptr<tunnel::shared_state> shared;
  std::unique_ptr<tunnel::shard> core;

 private:
  static std::int64_t to_unix_seconds_count(wall_time time) { return count(to_unix_seconds(time)); }
  void watch(tunnel::link& which, tunnel::link_watcher& watcher) override {
    auto& w = static_cast<wire_link&>(which).shared_wire();
    w.watcher = &watcher;
    w.readable_event = w.writable_event = true;
  }
  void forget(tunnel::link& which) override { static_cast<wire_link&>(which).shared_wire().watcher = nullptr; }
  void deliver(std::shared_ptr<tunnel::newcomer> who) override {
    core->post([this, who] { core->admit(std::move(*who)); });
  }

  std::vector<std::shared_ptr<wire>> wires_;
};

}  // namespace flowersec::testing
