// Connections that the generators hold: attached one after the other, plain or with TLS.
// Part of flowersec-load.
#pragma once

#include <memory>
#include <vector>

#include "tls.h"
#include "tunnel_relay.h"

namespace flowersec::load {

/// A connection whose attach the tunnel has accepted.
class attached_client {
 public:
  attached_client(std::uint16_t port, int source_host, const byte_buffer& attach_frame);
  attached_client(SSL_CTX* context, std::uint16_t port, int source_host, const byte_buffer& attach_frame);

  [[nodiscard]] int fd() const noexcept { return tls_ ? tls_->fd() : fd_.get(); }

 private:
  bench::unique_fd fd_;
  std::unique_ptr<bench::tls_connection> tls_;
};

struct attached_pair {
  attached_client client;
  attached_client server;
};

/// `context` null: without TLS. Source addresses change from pair to pair.
[[nodiscard]] std::vector<attached_pair> attach_pairs(bench::tunnel_relay& tunnel, const std::string& family,
                                                      std::size_t pairs, SSL_CTX* context = nullptr);

/// The source address of the n-th connection, 127.0.0.2 to 127.0.0.9.
[[nodiscard]] constexpr int source_of(std::uint64_t n) noexcept { return static_cast<int>(2 + n % 8); }

}  // namespace flowersec::load
