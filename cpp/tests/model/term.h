// Messages and keys as terms: two of them are equal only when they are made alike, so cryptography is perfect.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flowersec::model {

/// The number of a term in its table.
using term = std::uint32_t;

enum class shape : std::uint8_t {
  name,        ///< a constant that everybody knows
  secret,      ///< random bytes: known to who made them, until they are said
  public_key,  ///< of a secret
  shared,      ///< what two secrets agree on, each with the other's public key
  hash,
  mac,     ///< key, then content
  derive,  ///< a key out of others
  seal,    ///< record: key, number, flag, content
};

class term_table {
 public:
  term name(std::string_view text) { return atom(shape::name, text); }
  term secret(std::string_view text) { return atom(shape::secret, text); }
  term public_key(term of) { return make(shape::public_key, {of}); }
  term shared(term a, term b) { return make(shape::shared, {std::min(a, b), std::max(a, b)}); }
  term make(shape what, std::vector<term> parts);

  [[nodiscard]] shape what(term of) const { return rows_[of].what; }
  [[nodiscard]] const std::vector<term>& parts(term of) const { return rows_[of].parts; }
  /// As people write it: mac(psk, hash(...)).
  [[nodiscard]] std::string text(term of) const;

 private:
  struct row {
    shape what;
    std::vector<term> parts;
    std::string atom;
  };

  term atom(shape what, std::string_view text);
  term add(row made);

  std::vector<row> rows_;
  absl::flat_hash_map<std::pair<shape, std::vector<term>>, term> made_;
  absl::flat_hash_map<std::pair<shape, std::string>, term> atoms_;
};

}  // namespace flowersec::model
