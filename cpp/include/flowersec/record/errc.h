// Everything that can go wrong in the record layer.
// Layer record. Source: PROTOCOL, "Records". Nothing here is told to the peer: a receiver that refuses a
// record closes the transport, whatever the cause.
#pragma once

#include "flowersec/base/error.h"

namespace flowersec::record {

enum class record_errc {
  // Receiving, in the order of the checks. Each ends the session.
  too_large = 1,        ///< frame larger than max_record_bytes
  too_short,            ///< frame shorter than its 18-byte header
  bad_magic,            ///< does not begin with FSEC
  bad_version,          ///< record version other than 1
  bad_flags,            ///< flags other than app, ping or rekey
  bad_sequence,         ///< a gap, a repetition or a reordering
  size_mismatch,        ///< header and announced length do not add up to the message
  open_failed,          ///< did not authenticate; no cause is distinguished
  exhausted,            ///< sequence numbers are used up (either direction)
  not_server_finished,  ///< authentic, but not the empty ping that ends the handshake; ends the handshake

  // Sending.
  empty_app_record,   ///< app records carry at least one byte; nothing was sent, the session lives on
  chunk_too_large,    ///< plaintext above outbound_record_chunk_bytes; nothing was sent, the session lives on
  no_room,            ///< the output buffer is too small; nothing was sent, the session lives on
  outbound_overflow,  ///< the write does not fit max_outbound_buffered_bytes; it is refused whole, the session lives on

  closed,      ///< this direction has failed or was closed, its keys are gone
  bad_limits,  ///< a record_limits value is out of range; no session comes to exist
};

[[nodiscard]] const char* describe(record_errc code) noexcept;
[[nodiscard]] error_code make_error_code(record_errc code) noexcept;

}  // namespace flowersec::record

FLOWERSEC_REGISTER_ERRC(flowersec::record::record_errc)
