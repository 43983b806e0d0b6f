// Errors of the identity layer.
// Layer identity. One value for each defect of a key: people type and paste them. What ends is decided by the layer
// that called.
#pragma once

#include "flowersec/base/error.h"

namespace flowersec::identity {

enum class identity_errc {
  bad_length = 1,     ///< not 43 characters, or not 32 bytes
  padded,             ///< a key with '='
  standard_alphabet,  ///< a key with '+' or '/'
  bad_character,      ///< a key with any other character that base64url lacks
  unused_bits,        ///< the last character of a key has bits that stand for nothing
  top_bit,            ///< bit 255 of a key is set
  not_reduced,        ///< a key of 2^255 - 19 or more
  small_order,        ///< a key that forces an all-zero shared secret
  weak_secret,        ///< a key agreement gave all zeros
  no_randomness,      ///< the random source failed
  destroyed,          ///< the identity was wiped
  own_key,            ///< the own key is no contact
  bad_name,           ///< a contact's name: empty, too long, not UTF-8, or with characters that hide or reorder others
  key_known,          ///< there is a contact of that key
  key_changed,        ///< there is a contact of that name with another key
  too_many,           ///< max_contacts, or max_open_invitations
  unknown_contact,    ///< no contact has that key
  bad_address,        ///< the site of an address
  bad_proof,          ///< a proof of registration does not verify
  bad_channel_id,     ///< not 1 to 256 bytes
  too_much_work,      ///< a proof of work of more than max_work_bits was asked for
  bad_invitation,     ///< not a link or note of an invitation; which part of it is not said
  bad_file,           ///< identity file refused; the text of the failure names the place
  file_shared,        ///< group or others have rights to the identity file
  bad_passphrase,     ///< not 1 to 1024 bytes
  passphrase_needed,  ///< the file is sealed, and no passphrase was given
  wrong_passphrase,   ///< the file does not open: another passphrase, or it was changed
  not_sealed,         ///< a passphrase was given for a file that needs none
};

[[nodiscard]] const char* describe(identity_errc code) noexcept;
[[nodiscard]] error_code make_error_code(identity_errc code) noexcept;

}  // namespace flowersec::identity

FLOWERSEC_REGISTER_ERRC(flowersec::identity::identity_errc)
