// The public keys under which a verifier accepts tokens.
// Layer token, part `verify`. Immutable once built: a reload builds a new one and swaps it in.
// Source: PROTOCOL, "Key files".
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "flowersec/crypto/verify.h"
#include "flowersec/token/error.h"

namespace flowersec::token {

/// Why a keyset file was refused, in words fit for an operator; never contains a key.
struct keyset_error {
  token_errc code{};
  std::string text;  ///< for example: keys[1] (kid "k1"): duplicate kid
};

/// Found by result::value() on a failure; throws boost::system::system_error.
[[noreturn]] void throw_exception_from_error(const keyset_error& failure, const boost::source_location& where);

class keyset {
 public:
  using parse_result = boost::system::result<keyset, keyset_error>;

  /// Reads a keyset file. At least one entry; ids not empty, without surrounding white space, each once; every key
  /// canonical base64url of 32 bytes. Whether a key is a point of the curve is not looked at: nothing verifies under
  /// one that is not. Unknown JSON keys are ignored. At most 1 MiB of text.
  [[nodiscard]] static parse_result parse(std::string_view text);

  /// False, changing nothing, when the id is taken.
  bool add(std::string_view kid, const crypto::ed25519_public_key& key);

  /// Null when there is no such id. Valid as long as the keyset.
  [[nodiscard]] const crypto::ed25519_public_key* find(std::string_view kid) const noexcept;
  /// In byte order.
  [[nodiscard]] std::vector<std::string> kids() const;
  [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }

 private:
  std::map<std::string, crypto::ed25519_public_key, std::less<>> keys_;
};

}  // namespace flowersec::token
