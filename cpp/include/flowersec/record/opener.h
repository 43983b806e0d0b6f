// The receiving direction of a session: checks, opens and follows rekeys.
// Layer record. Opens in place; plaintext is handed out only after its tag verified. Knows nothing of streams.
// Source: PROTOCOL, "Receiving records" and "Rekey". Not thread-safe.
#pragma once

#include <optional>

#include "flowersec/base/bytes.h"
#include "flowersec/base/error.h"
#include "flowersec/crypto/aead.h"
#include "flowersec/record/errc.h"
#include "flowersec/record/keys.h"
#include "flowersec/record/limits.h"

namespace flowersec::record {

/// An authentic record. Only app records have a plaintext that means something; an empty one means nothing.
struct opened_record {
  record_kind kind;
  mutable_byte_view plaintext;  ///< inside the frame that was opened
};

class opener {
 public:
  /// `limits` have been validated. `expected_sequence` is for tests that stand close to exhaustion.
  explicit opener(direction_keys keys, const record_limits& limits, std::uint64_t expected_sequence = first_sequence);

  /// Opens one record in place. A rekey record has taken effect when this returns.
  /// Shape    `frame` is one whole transport message.
  /// Errors   the receiving half of record_errc in its order, and ::closed. Each ends the session: the keys are
  ///          wiped, later calls give ::closed, and the frame holds nothing that may be looked at.
  /// Limits   record_limits::max_record_bytes, before anything else.
  [[nodiscard]] result<opened_record> open(mutable_byte_view frame);

  /// Opens the record that ends the client's handshake: sequence 1, kind ping, nothing inside.
  /// Errors   as open, and record_errc::not_server_finished. Each ends the handshake.
  [[nodiscard]] result<void> open_server_finished(mutable_byte_view frame);

  [[nodiscard]] std::uint64_t expected_sequence() const noexcept { return expected_sequence_; }
  [[nodiscard]] bool is_open() const noexcept { return cipher_.has_value(); }

  /// Wipes the keys; every later call is record_errc::closed.
  void close() noexcept;

 private:
  [[nodiscard]] result<opened_record> check_and_open(mutable_byte_view frame);

  direction_keys keys_;
  std::optional<crypto::aes_256_gcm_opener> cipher_;
  std::size_t max_record_bytes_;
  std::uint64_t expected_sequence_;
};

}  // namespace flowersec::record
