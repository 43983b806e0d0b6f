#include "clients.h"

#include <algorithm>
#include <array>

namespace flowersec::load {

using bench::tunnel_relay;

attached_client::attached_client(std::uint16_t port, int source_host, const byte_buffer& attach_frame)
    : fd_(bench::connect_to(port, source_host)) {
  bench::upgrade_to_websocket(fd_.get(), tunnel_relay::path, tunnel_relay::origin);
  bench::write_all(fd_.get(), attach_frame);
  bench::write_all(fd_.get(), bench::ping_frame);
  std::array<std::byte, bench::pong_frame.size()> answer{};
  bench::read_exactly(fd_.get(), answer);
  if (answer != bench::pong_frame) throw bench::bench_error("the tunnel refused an attach");
}

attached_client::attached_client(SSL_CTX* context, std::uint16_t port, int source_host, const byte_buffer& attach_frame)
    : tls_(std::make_unique<bench::tls_connection>(context, port, source_host)) {
  tls_->upgrade(tunnel_relay::path, tunnel_relay::origin);
  tls_->write(attach_frame);
  tls_->write(bench::ping_frame);
  std::array<std::byte, bench::pong_frame.size()> answer{};
  tls_->read_whole(answer);
  if (answer != bench::pong_frame) throw bench::bench_error("the tunnel refused an attach");
}

std::vector<attached_pair> attach_pairs(tunnel_relay& tunnel, const std::string& family, std::size_t pairs,
                                        SSL_CTX* context) {
  std::vector<attached_pair> all;
  all.reserve(pairs);
  for (std::size_t i = 0; i < pairs; ++i) {
    const auto frames = tunnel.next_channel(family);
    const auto attach = [&](const byte_buffer& frame) {
      if (context == nullptr) return attached_client{tunnel.port(), source_of(i), frame};
      return attached_client{context, tunnel.port(), source_of(i), frame};
    };
    auto client = attach(frames.client);
    all.push_back({std::move(client), attach(frames.server)});
  }
  return all;
}

}  // namespace flowersec::load
