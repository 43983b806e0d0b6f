// The product: flowersec-tunnel as a child process, with tokens of an issuer of its own.
// Part of flowersec-bench.
#pragma once

#include <string>

#include "flowersec/crypto/sign.h"
#include "relay.h"

namespace flowersec::bench {

enum class endpoint_role : std::uint8_t { client = 1, server = 2 };

/// Signs attach tokens with one key, for as many channels as wanted.
class token_issuer {
 public:
  token_issuer();
  /// JSON of the keyset file that the tunnel reads.
  [[nodiscard]] std::string keyset() const;
  /// A whole attach message for a channel.
  [[nodiscard]] std::string attach_message(const std::string& channel, endpoint_role role);

 private:
  crypto::ed25519_signing_key key_;
  std::int64_t issued_at_;
  std::uint64_t tokens_ = 0;
};

struct tunnel_options {
  std::string program;
  std::vector<std::string> environment;
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

  static constexpr const char* path = "/ws";
  static constexpr const char* origin = "http://localhost";

 private:
  [[nodiscard]] child_process start(const tunnel_options& options);
  [[nodiscard]] unique_fd connect_end(const byte_buffer& attach_frame);

  token_issuer issuer_;
  temporary_directory folder_;
  child_process child_;
  std::uint16_t port_ = 0;
  std::uint64_t channels_ = 0;
};

}  // namespace flowersec::bench
