// The product: flowersec-tunnel as a child process, with tokens of an issuer of its own.
// Part of flowersec-bench.
#pragma once

#include <string>

#include "flowersec/controlplane/channel_init.h"
#include "flowersec/messages/tunnel_v1.h"
#include "relay.h"

namespace flowersec::bench {

/// A ping is answered only after the attach before it, by a pong and nothing else.
inline constexpr std::array ping_frame{std::byte{0x89}, std::byte{0x80}, std::byte{},
                                       std::byte{},     std::byte{},     std::byte{}};
inline constexpr std::array pong_frame{std::byte{0x8a}, std::byte{}};

struct tunnel_options {
  std::string program;
  std::vector<std::string> environment = {};
  std::vector<std::string> more_arguments = {};
  /// Channels are remembered for two minutes after their end.
  bool statistics = true;
  /// By default tokens outlive the benchmark, so that no channel ends in the middle of a case.
  std::chrono::seconds token_lifetime = std::chrono::hours{1};
};

/// A channel to which any number of attach messages can be made.
struct channel_draft {
  std::string name;
  std::int64_t issued_at = 0;  ///< Unix seconds
};

class tunnel_relay final : public relay {
 public:
  /// Throws bench_error when the program is missing or does not get ready.
  explicit tunnel_relay(const tunnel_options& options);

  [[nodiscard]] delivery what_arrives() const override { return delivery::unmasked; }
  [[nodiscard]] const child_process& process() const override { return child_; }
  [[nodiscard]] std::vector<connection_pair> connect(std::size_t pairs) override;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// Of the listener for metrics; 0 when the arguments ask for none.
  [[nodiscard]] std::uint16_t metrics_port() const noexcept { return metrics_port_; }
  /// Of the listener for statistics.
  [[nodiscard]] std::uint16_t stats_port() const noexcept { return stats_port_; }
  /// A channel of its own. Processes that share this object by fork tell their channels apart by `family`.
  [[nodiscard]] channel_draft next_draft(const std::string& family = "channel");
  /// With a token that was not used before.
  [[nodiscard]] byte_buffer attach_frame(const channel_draft& channel, messages::tunnel::v1::role role);
  /// Frames ready to be sent after an upgrade: the attach messages of the two ends of a fresh channel.
  struct attach_frames {
    byte_buffer client;
    byte_buffer server;
  };
  [[nodiscard]] attach_frames next_channel(const std::string& family = "channel");

  /// What two endpoints need to meet in a fresh channel.
  [[nodiscard]] controlplane::channel_grants next_grants();

  static constexpr const char* path = "/ws";
  static constexpr const char* origin = "http://localhost";

 private:
  [[nodiscard]] child_process start(const tunnel_options& options);
  [[nodiscard]] unique_fd connect_end(const byte_buffer& attach_frame);

  controlplane::issuer_keyset issuer_;
  temporary_directory folder_;
  child_process child_;
  std::uint16_t port_ = 0;
  std::uint16_t metrics_port_ = 0;
  std::uint16_t stats_port_ = 0;
  std::int64_t token_seconds_;
  std::uint64_t channels_ = 0;
  std::uint64_t tokens_ = 0;
};

}  // namespace flowersec::bench
