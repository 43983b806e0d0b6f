#include "flowersec/identity/error.h"

namespace flowersec::identity {

const char* describe(identity_errc code) noexcept {
  switch (code) {
    case identity_errc::bad_length:
      return "a key has 43 characters";
    case identity_errc::padded:
      return "a key has no padding";
    case identity_errc::standard_alphabet:
      return "a key is written with - and _ instead of + and /";
    case identity_errc::bad_character:
      return "a key has letters, digits, - and _ only";
    case identity_errc::unused_bits:
      return "the last character of the key is not possible";
    case identity_errc::top_bit:
      return "the top bit of the key is set";
    case identity_errc::not_reduced:
      return "the key is not below 2^255 - 19";
    case identity_errc::small_order:
      return "the key is a point of small order";
    case identity_errc::weak_secret:
      return "the key agreement gave no secret";
    case identity_errc::no_randomness:
      return "the system has no randomness";
    case identity_errc::destroyed:
      return "the identity was destroyed";
    case identity_errc::own_key:
      return "the key is the own one";
    case identity_errc::bad_name:
      return "the name of a contact is not valid";
    case identity_errc::key_known:
      return "there is a contact with this key";
    case identity_errc::key_changed:
      return "the contact of this name has another key";
    case identity_errc::too_many:
      return "there are too many";
    case identity_errc::unknown_contact:
      return "no contact has this key";
    case identity_errc::bad_address:
      return "the address is not a site and a key";
    case identity_errc::bad_proof:
      return "the proof does not verify";
    case identity_errc::bad_channel_id:
      return "the channel id is not valid";
    case identity_errc::too_much_work:
      return "more work was asked for than anybody may ask for";
    case identity_errc::bad_invitation:
      return "the invitation is not valid";
    case identity_errc::bad_file:
      return "the identity file is not valid";
    case identity_errc::file_shared:
      return "the identity file can be read or written by others";
    case identity_errc::bad_passphrase:
      return "a passphrase has 1 to 1024 bytes";
    case identity_errc::passphrase_needed:
      return "the identity file needs a passphrase";
    case identity_errc::wrong_passphrase:
      return "the passphrase does not open the identity file";
    case identity_errc::not_sealed:
      return "the identity file has no passphrase";
  }
  return "unknown identity error";
}

error_code make_error_code(identity_errc code) noexcept {
  static constexpr errc_category<identity_errc> category{"flowersec.identity"};
  return {static_cast<int>(code), category};
}

}  // namespace flowersec::identity
