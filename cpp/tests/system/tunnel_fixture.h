// A real tunnel on a loopback port, and clients for it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "flowersec/tunnel/server.h"
#include "support/test_certificate.h"
#include "support/token_mint.h"
#include "support/tunnel_client.h"

namespace flowersec::testing {

/// Lets a test wait for what the tunnel says happened.
class event_log final : public tunnel::observer {
 public:
  void on_attached(const tunnel::channel_name&, tunnel::endpoint_role) override { count("attached"); }
  void on_attach_refused(tunnel::attach_reason reason, const tunnel::refused_peer&) override {
    count("refused " + std::string{to_text(reason)});
  }
  void on_paired(const tunnel::channel_name&, std::chrono::nanoseconds) override { count("paired"); }
  void on_closed(const tunnel::channel_name&, tunnel::close_reason reason, const tunnel::channel_bytes&) override {
    count("closed " + std::string{to_text(reason)});
  }
  /// Whether `what` happened at least `times` times before patience ran out.
  [[nodiscard]] bool wait_for(const std::string& what, int times = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, tunnel_client::patience, [&] { return counts_[what] >= times; });
  }

 private:
  void count(const std::string& what) {
    const std::scoped_lock lock(mutex_);
    ++counts_[what];
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> counts_;
};

class real_tunnel {
 public:
  explicit real_tunnel(bool tls = false, tunnel::tunnel_limits limits = {}, std::size_t threads = 2)
      : mint(count(to_unix_seconds(system_clocks().wall_now()))), events(std::make_shared<event_log>()), tls_(tls) {
    options.origins.allowed = {"https://app.example"};
    options.verifier = mint.verifier();
    options.limits = limits;
    options.events = events;
    options.threads = threads;
    if (tls) options.tls = tunnel::tls_files{certificate.chain_file(), certificate.key_file()};
    start();
  }
  void start() {
    server = std::make_unique<tunnel::server>(options);
    if (const auto failed = server->start()) throw std::runtime_error(failed.message());
    server->enable_metrics();
  }
  [[nodiscard]] const std::string& address() const { return server->bound_address(); }
  [[nodiscard]] tunnel_client::options how() const {
    tunnel_client::options o;
    o.tls = tls_;
    return o;
  }
  [[nodiscard]] tunnel_client connect() const {
    tunnel_client client{address(), how()};
    client.upgrade(how());
    return client;
  }
  [[nodiscard]] tunnel_client attach(const token_mint::payload& p) const {
    return tunnel_client::attached(address(), mint.attach_text(p), how());
  }
  [[nodiscard]] tunnel_client attach(std::string channel_id, int role) {
    return attach(mint.draft(std::move(channel_id), role));
  }
  /// The value of one sample, 0 when the family has none.
  [[nodiscard]] double metric(const std::string& sample) const {
    const auto text = '\n' + server->metrics_text().value_or("");
    const auto at = text.find('\n' + sample + ' ');
    return at == std::string::npos ? 0 : std::stod(text.substr(at + sample.size() + 2));
  }

  test_certificate certificate;
  token_mint mint;
  std::shared_ptr<event_log> events;
  tunnel::server_options options;
  std::unique_ptr<tunnel::server> server;

 private:
  bool tls_;
};

inline void expect_refusal(tunnel_client& c, std::uint16_t code, std::string_view reason) {
  const auto frame = c.frame();
  ASSERT_TRUE(frame) << reason;
  EXPECT_EQ(frame->op, op_close) << reason;
  EXPECT_EQ(frame->close_code(), code) << reason;
  EXPECT_EQ(frame->close_reason(), reason);
  EXPECT_TRUE(c.ended()) << reason;
}

}  // namespace flowersec::testing
