// The tunnel: a blind relay between the two endpoints of a channel.
// Layer tunnel. It pairs connections that show a valid token and copies their messages; it never decrypts, and it
// cannot: nothing it links knows the handshake or the records. PROTOCOL, "Tunnel attach" and "Tunnel forwarding".
// Threads: construct, start, stop and destroy on one thread; the rest may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flowersec/base/clock.h"
#include "flowersec/base/error.h"
#include "flowersec/tunnel/channel_report.h"
#include "flowersec/tunnel/extra_metrics.h"
#include "flowersec/tunnel/limits.h"
#include "flowersec/tunnel/observer.h"
#include "flowersec/tunnel/policy.h"
#include "flowersec/tunnel/replay.h"
#include "flowersec/tunnel/source.h"
#include "flowersec/tunnel/verifier.h"

namespace flowersec::tunnel {

enum class tunnel_errc {
  invalid_options = 1,  ///< the options cannot work together; nothing was started
  bad_listen_address,   ///< not host:port; nothing was started
  tls_files_unusable,   ///< certificate or key cannot be loaded or do not fit; nothing was started
  already_started,      ///< start was called before; the server is as it was
};

[[nodiscard]] const char* describe(tunnel_errc code) noexcept;
[[nodiscard]] error_code make_error_code(tunnel_errc code) noexcept;

/// How long the way down waits for plain HTTP requests that are in progress, from stop_accepting() on.
inline constexpr std::chrono::seconds http_patience{5};

/// Which web origins may connect.
struct origin_options {
  /// Entries of the allow-list: full origin, *.domain, host:port, host, or a literal. At least one that is not blank,
  /// unless loopback_only.
  std::vector<std::string> allowed;
  /// Accept requests without an Origin.
  bool allow_absent = false;
  /// Instead of the list: requests without an Origin, and http and https origins on localhost, 127.0.0.0/8 and [::1],
  /// any port. For a loopback listener.
  bool loopback_only = false;
};

struct tls_files {
  std::string certificate_chain;  ///< path of a PEM file
  std::string private_key;        ///< path of a PEM file
};

struct server_options {
  /// host:port; port 0 lets the system choose.
  std::string listen = "127.0.0.1:0";
  std::string ws_path = "/ws";
  origin_options origins;
  std::optional<tls_files> tls;
  /// I/O threads; nullopt: one per processor that the process may use.
  std::optional<std::size_t> threads;
  tunnel_limits limits;
  source_limits sources;
  /// Serve /metrics on the main listener while metrics are enabled. Off when a listener of its own does it.
  bool metrics_on_main_listener = true;
  /// Remember the byte counts of closed channels for bandwidth_retention, at most limits.max_closed_reports of them.
  bool keep_bandwidth = false;
  /// Families for the text beside the tunnel's own; none when empty.
  extra_metrics_source extra_metrics;

  /// Required.
  std::shared_ptr<const token_verifier> verifier;
  /// nullptr: every attach with a good token is allowed.
  std::shared_ptr<attach_policy> policy;
  /// nullptr: make_memory_replay_store(limits.replay_entries()).
  std::shared_ptr<replay_store> replay;
  /// nullptr: nobody watches.
  std::shared_ptr<observer> events;
  /// Must outlive the server.
  const clock_source* clocks = &system_clocks();
};

class server {
 public:
  explicit server(server_options options);
  /// Stops first.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Loads the certificate, binds, starts the threads. On an error nothing runs.
  /// Errors   tunnel_errc, or the system's error of bind and listen.
  [[nodiscard]] error_code start();

  /// host:port as bound, IPv6 in brackets. Empty before start.
  [[nodiscard]] const std::string& bound_address() const noexcept;

  /// A fresh, zeroed set; connection and channel gauges start at the present counts. No effect when enabled.
  void enable_metrics();
  /// Drops the set; events are no longer counted. No effect when disabled.
  void disable_metrics();
  /// Prometheus text format 0.0.4, families sorted by name; nullopt while disabled.
  [[nodiscard]] std::optional<std::string> metrics_text() const;

  /// For later attaches only; channels and connections stay.
  void replace_verifier(std::shared_ptr<const token_verifier> verifier);

  /// For later handshakes only; connections that are there go on with what they have. On an error the present
  /// certificate stays.
  /// Errors   tls_files_unusable; invalid_options when the server was not started with TLS.
  [[nodiscard]] error_code replace_certificate(const tls_files& files);

  [[nodiscard]] std::size_t connections() const noexcept;
  [[nodiscard]] std::size_t channels() const noexcept;

  /// Gathers a report of each channel, in no order, from every I/O thread in its turn.
  /// `answer` is called once, on an I/O thread, or inline when none runs; not at all when the server stops first.
  /// Threads   the one that starts and stops.
  void report_channels(reported_channels which, std::function<void(std::vector<channel_report>)> answer);
  /// Applies what a policy decided, all or nothing: nothing when a decision lacks one of its three names, two are about
  /// the same channel, or one names another tenant than the open channel has. Channels that are not open are passed
  /// over. Takes effect on the I/O threads, soon.
  /// Threads   the one that starts and stops.
  void apply_decisions(std::vector<channel_decision> decisions);

  /// Begins the slow way down, which stop() ends. The listener stays open: /healthz, /readyz and upgrades are answered
  /// with 503. Endpoints without a peer get close 1001 `draining`. Pairs may go on for `longest`; those that are left
  /// end evenly over its last 5 s (its second half, where that is less), without a close frame.
  /// `done` is called once, on an I/O thread, when nobody is left, at the latest after `longest`; it must not call
  /// stop() itself. No effect when not running, or on its way down already. Called on the thread that calls stop().
  void begin_drain(std::chrono::milliseconds longest, std::function<void()> done);

  /// The first step of stop(): accepts nobody any more and refuses upgrades, and everything that is there goes on. No
  /// effect when not running.
  void stop_accepting();
  /// Stops accepting, lets plain HTTP requests in progress finish for at most http_patience while channels flow, then
  /// drops every connection without a close frame and joins the threads. Blocks. No effect when not running.
  void stop();

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace flowersec::tunnel

FLOWERSEC_REGISTER_ERRC(flowersec::tunnel::tunnel_errc)
