#include "flowersec/handshake/errc.h"

namespace flowersec::handshake {
namespace {

constexpr errc_category<handshake_errc> category{"flowersec.handshake"};

}  // namespace

const char* describe(handshake_errc code) noexcept {
  switch (code) {
    case handshake_errc::frame_too_short:
      return "handshake frame shorter than its header";
    case handshake_errc::bad_magic:
      return "handshake frame without the FSEH magic";
    case handshake_errc::unsupported_frame_version:
      return "unknown handshake frame version";
    case handshake_errc::payload_too_large:
      return "handshake payload larger than max_payload_bytes";
    case handshake_errc::size_mismatch:
      return "handshake length does not match the message";
    case handshake_errc::unexpected_type:
      return "handshake message out of place";
    case handshake_errc::malformed_message:
      return "malformed handshake message";
    case handshake_errc::unsupported_init_version:
      return "unknown INIT version";
    case handshake_errc::wrong_role:
      return "INIT from a role other than client";
    case handshake_errc::empty_channel_id:
      return "INIT with an empty channel_id";
    case handshake_errc::wrong_channel_id:
      return "INIT for another channel";
    case handshake_errc::wrong_suite:
      return "INIT for another suite";
    case handshake_errc::malformed_public_key:
      return "malformed ephemeral public key";
    case handshake_errc::malformed_nonce:
      return "malformed handshake nonce";
    case handshake_errc::different_init:
      return "second INIT differs from the first";
    case handshake_errc::cache_full:
      return "too many unfinished handshakes";
    case handshake_errc::blank_channel_id:
      return "INIT with a blank channel_id";
    case handshake_errc::malformed_channel_id:
      return "INIT with an over-long or untrimmed channel_id";
    case handshake_errc::unsupported_init:
      return "INIT with an unsupported version, role or suite";
    case handshake_errc::empty_handshake_id:
      return "RESP with an empty handshake_id";
    case handshake_errc::state_lost:
      return "no response is cached for this ACK";
    case handshake_errc::wrong_handshake_id:
      return "ACK for another handshake_id";
    case handshake_errc::timestamp_out_of_skew:
      return "ACK timestamp outside the clock skew";
    case handshake_errc::timestamp_after_init_exp:
      return "ACK timestamp after the init window";
    case handshake_errc::malformed_auth_tag:
      return "malformed authentication tag";
    case handshake_errc::auth_tag_mismatch:
      return "authentication tag does not match";
    case handshake_errc::key_agreement_failed:
      return "invalid ephemeral public key";
    case handshake_errc::bad_channel_id:
      return "channel_id must have 1 to 256 bytes";
    case handshake_errc::missing_init_exp:
      return "init_exp must be a positive time";
    case handshake_errc::negative_skew:
      return "clock skew must not be negative";
    case handshake_errc::bad_limits:
      return "handshake limits out of range";
    case handshake_errc::clock_out_of_range:
      return "local clock cannot be sent";
    case handshake_errc::random_failed:
      return "no randomness";
  }
  return "unknown handshake error";
}

error_code make_error_code(handshake_errc code) noexcept { return {static_cast<int>(code), category}; }

public_code to_public_code(handshake_errc code) noexcept {
  switch (code) {
    case handshake_errc::wrong_suite:
      return public_code::invalid_suite;
    case handshake_errc::unsupported_frame_version:
    case handshake_errc::unsupported_init_version:
      return public_code::invalid_version;
    case handshake_errc::timestamp_out_of_skew:
      return public_code::timestamp_out_of_skew;
    case handshake_errc::timestamp_after_init_exp:
      return public_code::timestamp_after_init_exp;
    case handshake_errc::auth_tag_mismatch:
      return public_code::auth_tag_mismatch;
    case handshake_errc::blank_channel_id:
      return public_code::missing_channel_id;
    case handshake_errc::malformed_channel_id:
    case handshake_errc::bad_channel_id:
      return public_code::invalid_input;
    case handshake_errc::missing_init_exp:
      return public_code::missing_init_exp;
    case handshake_errc::negative_skew:
    case handshake_errc::bad_limits:
      return public_code::invalid_option;
    case handshake_errc::random_failed:
      return public_code::random_failed;
    default:
      return public_code::handshake_failed;
  }
}

}  // namespace flowersec::handshake
