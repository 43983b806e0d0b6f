// One non-blocking TCP connection, plain or TLS, behind the same three calls.
// Layer ws, private. Never waits: whoever calls waits on the descriptor for what the result says.
#pragma once

#include <optional>
#include <span>

#include "flowersec/ws/tls.h"

namespace flowersec::ws {

class socket_io {
 public:
  /// The descriptor is not owned and outlives this.
  explicit socket_io(int descriptor) noexcept : descriptor_(descriptor) {}
  void start_tls(tls_session session) noexcept { tls_ = std::move(session); }
  [[nodiscard]] bool secure() const noexcept { return tls_.has_value(); }

  /// TLS only: done at once without it.
  [[nodiscard]] io_result handshake() noexcept { return tls_ ? tls_->handshake() : io_result{}; }
  [[nodiscard]] io_result read(mutable_byte_view into) noexcept;
  /// Writes as much of the pieces, in order, as goes in one attempt.
  [[nodiscard]] io_result write(std::span<const byte_view> pieces) noexcept;
  /// Tells the peer that no more comes, as well as that can be told without waiting.
  void end_writing() noexcept;

 private:
  [[nodiscard]] io_result write_plain(std::span<const byte_view> pieces) noexcept;

  int descriptor_;
  std::optional<tls_session> tls_;
};

}  // namespace flowersec::ws
