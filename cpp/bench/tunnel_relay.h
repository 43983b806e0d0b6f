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
};

class tunnel_relay final : public relay {
 public:
  /// Throws bench_error when the program is missing or does not get ready.
  explicit tunnel_relay(const tunnel_options& options);

  [[nodiscard]] delivery what_arrives() const override { return delivery::unmasked; }
  [[nodiscard]] const child_process& process() const override { return child_; }
  [[nodiscard]] std::vector<connection_pair> connect(std::size_t pairs) override;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// Frames ready to be sent after an upgrade: the attach messages of the two ends of a fresh channel.
  struct attach_frames {
    byte_buffer client;
    byte_buffer server;
  };
  [[nodiscard]] attach_frames next_channel();

  /// What two endpoints need to meet in a fresh channel.
  [[nodiscard]] controlplane::channel_grants next_grants();

  static constexpr const char* path = "/ws";
  static constexpr const char* origin = "http://localhost";

 private:
  [[nodiscard]] child_process start(const tunnel_options& options);
  [[nodiscard]] byte_buffer attach_frame(const std::string& channel, messages::tunnel::v1::role role);
  [[nodiscard]] unique_fd connect_end(const byte_buffer& attach_frame);

  controlplane::issuer_keyset issuer_;
  temporary_directory folder_;
  child_process child_;
  std::uint16_t port_ = 0;
  std::int64_t started_at_;  ///< Unix seconds
  std::uint64_t channels_ = 0;
};

}  // namespace flowersec::bench
