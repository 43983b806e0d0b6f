#include "flowersec/record/errc.h"

namespace flowersec::record {
namespace {

constexpr errc_category<record_errc> category{"flowersec.record"};

}  // namespace

const char* describe(record_errc code) noexcept {
  switch (code) {
    case record_errc::too_large:
      return "record larger than max_record_bytes";
    case record_errc::too_short:
      return "record shorter than its header";
    case record_errc::bad_magic:
      return "record without the FSEC magic";
    case record_errc::bad_version:
      return "unknown record version";
    case record_errc::bad_flags:
      return "unknown record flags";
    case record_errc::bad_sequence:
      return "record out of sequence";
    case record_errc::size_mismatch:
      return "record length does not match the message";
    case record_errc::open_failed:
      return "record did not open";
    case record_errc::exhausted:
      return "record sequence numbers are used up";
    case record_errc::not_server_finished:
      return "first record is not the server-finished ping";
    case record_errc::empty_app_record:
      return "app record without plaintext";
    case record_errc::chunk_too_large:
      return "plaintext larger than outbound_record_chunk_bytes";
    case record_errc::no_room:
      return "output buffer too small for the record";
    case record_errc::outbound_overflow:
      return "write does not fit max_outbound_buffered_bytes";
    case record_errc::closed:
      return "record direction is closed";
    case record_errc::bad_limits:
      return "record limits out of range";
  }
  return "unknown record error";
}

error_code make_error_code(record_errc code) noexcept { return {static_cast<int>(code), category}; }

}  // namespace flowersec::record
