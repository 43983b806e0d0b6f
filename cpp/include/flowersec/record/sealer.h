// The sending direction of a session: numbers, seals and rekeys records.
// Layer record. Writes straight into the caller's send buffer, so that the ciphertext is the only copy of the
// application's bytes and several records leave in one send. Knows nothing of streams or sockets.
// Source: PROTOCOL, "Records". Not thread-safe: numbering and sealing must be one step, so one owner.
#pragma once

#include <optional>

#include "flowersec/base/bytes.h"
#include "flowersec/base/error.h"
#include "flowersec/crypto/aead.h"
#include "flowersec/record/errc.h"
#include "flowersec/record/keys.h"
#include "flowersec/record/limits.h"

namespace flowersec::record {

class sealer {
 public:
  /// `limits` have been validated. `next_sequence` is for tests that stand close to exhaustion.
  explicit sealer(direction_keys keys, const record_limits& limits, std::uint64_t next_sequence = first_sequence);

  /// Seals one app record whose plaintext is the concatenation of `pieces` (a frame header and a body, or several
  /// frames), without joining them first.
  /// Shape    sealed_bytes(sum of pieces) bytes are written to the front of `out`; that number is returned.
  /// Ownership `out` must not overlap the pieces.
  /// Errors   record_errc::empty_app_record, ::chunk_too_large, ::no_room (the record is not sent, no number is
  ///          used, the session lives on); ::exhausted, ::closed (the session ends).
  /// Limits   record_limits::outbound_record_chunk_bytes and ::max_record_bytes.
  [[nodiscard]] result<std::size_t> seal_app(std::span<const byte_view> pieces, mutable_byte_view out);
  [[nodiscard]] result<std::size_t> seal_app(byte_view plaintext, mutable_byte_view out) {
    return seal_app(std::span{&plaintext, 1}, out);
  }

  /// A keep-alive without an answer. The server's first one, record 1, is its "finished" message.
  /// Shape    overhead_bytes at the front of `out`. Errors as seal_app.
  [[nodiscard]] result<std::size_t> seal_ping(mutable_byte_view out);

  /// Moves this direction to its next key. The record itself is sealed with the old one; everything after it with
  /// the new one. Records sealed before keep their place. Shape and errors as seal_ping.
  [[nodiscard]] result<std::size_t> seal_rekey(mutable_byte_view out);

  /// Most plaintext that seal_app takes.
  [[nodiscard]] std::size_t chunk_bytes() const noexcept { return chunk_bytes_; }
  [[nodiscard]] std::uint64_t next_sequence() const noexcept { return next_sequence_; }
  [[nodiscard]] bool is_open() const noexcept { return cipher_.has_value(); }

  /// Wipes the keys; every later call is record_errc::closed.
  void close() noexcept;

 private:
  [[nodiscard]] result<std::size_t> seal(record_kind kind, std::span<const byte_view> pieces,
                                         std::size_t plaintext_bytes, mutable_byte_view out);

  direction_keys keys_;
  std::optional<crypto::aes_256_gcm_sealer> cipher_;
  std::size_t chunk_bytes_;
  std::uint64_t next_sequence_;
};

}  // namespace flowersec::record
