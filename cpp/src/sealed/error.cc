#include "flowersec/sealed/error.h"

namespace flowersec::sealed {

const char* describe(sealed_errc code) noexcept {
  switch (code) {
    case sealed_errc::not_opened:
      return "the sealed box does not open";
    case sealed_errc::weak_key:
      return "the public key leads to an all-zero shared secret";
    case sealed_errc::random_failed:
      return "the system gave no random bytes";
    case sealed_errc::message_too_long:
      return "the open message is too long";
    case sealed_errc::not_an_object:
      return "the open message is not one JSON object";
    case sealed_errc::bad_version:
      return "the open message is of another version";
    case sealed_errc::bad_type:
      return "the message is not an open message";
    case sealed_errc::bad_channel_id:
      return "the channel id is not valid";
    case sealed_errc::bad_kid:
      return "the key id is not base64url of 8 bytes";
    case sealed_errc::bad_suite:
      return "the suite is not supported";
    case sealed_errc::bad_box:
      return "the sealed box is not base64url of 80 bytes";
    case sealed_errc::bad_key_file:
      return "the key file is not valid";
    case sealed_errc::key_file_shared:
      return "the key file can be read or written by others";
  }
  return "unknown sealed error";
}

error_code make_error_code(sealed_errc code) noexcept {
  static constexpr errc_category<sealed_errc> category{"flowersec.sealed"};
  return {static_cast<int>(code), category};
}

}  // namespace flowersec::sealed
