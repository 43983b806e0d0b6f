#include "flowersec/token/keyset.h"

#include <boost/system/system_error.hpp>

#include "flowersec/base/base64url.h"
#include "flowersec/base/text.h"
#include "flowersec/messages/token_v1.h"

namespace flowersec::token {
namespace {

using messages::token::v1::keyset_entry;

keyset_error refused(std::string text) { return {token_errc::bad_keyset, std::move(text)}; }

std::string place_of(std::size_t index, const keyset_entry& entry) {
  return "keys[" + std::to_string(index) + "] (kid \"" + entry.kid + "\"): ";
}

/// What is wrong with an entry taken by itself; empty when nothing is.
std::string_view defect_of(const keyset_entry& entry) noexcept {
  if (entry.kid.empty()) return "kid is empty";
  if (trim(entry.kid) != entry.kid) return "kid has white space around it";
  if (entry.pubkey_b64u.empty()) return "pubkey_b64u is empty";
  if (trim(entry.pubkey_b64u) != entry.pubkey_b64u) return "pubkey_b64u has white space around it";
  return {};
}

}  // namespace

void throw_exception_from_error(const keyset_error& failure, const boost::source_location& /*where*/) {
  throw boost::system::system_error(failure.code, failure.text);
}

keyset::parse_result keyset::parse(std::string_view text) {
  const auto file = messages::token::v1::decode_keyset_file(text);
  if (!file) {
    const auto& why = file.error();
    return refused(why.explanation());
  }
  if (file->keys.empty()) return refused("keys: at least one entry is needed");

  keyset keys;
  for (std::size_t i = 0; i < file->keys.size(); ++i) {
    const auto& entry = file->keys[i];
    if (const auto defect = defect_of(entry); !defect.empty()) return refused(place_of(i, entry) + std::string{defect});
    const auto bytes = decode_base64url(entry.pubkey_b64u);
    if (!bytes) return refused(place_of(i, entry) + "pubkey_b64u is not base64url");
    crypto::ed25519_public_key key;
    if (bytes->size() != key.size()) {
      return refused(place_of(i, entry) + "pubkey_b64u stands for " + std::to_string(bytes->size()) +
                     " bytes instead of 32");
    }
    std::copy(bytes->begin(), bytes->end(), key.begin());
    if (!keys.add(entry.kid, key)) return refused(place_of(i, entry) + "duplicate kid");
  }
  return keys;
}

bool keyset::add(std::string_view kid, const crypto::ed25519_public_key& key) {
  return keys_.try_emplace(std::string{kid}, key).second;
}

const crypto::ed25519_public_key* keyset::find(std::string_view kid) const noexcept {
  const auto found = keys_.find(kid);
  return found == keys_.end() ? nullptr : &found->second;
}

std::vector<std::string> keyset::kids() const {
  std::vector<std::string> ids;
  ids.reserve(keys_.size());
  for (const auto& [kid, key] : keys_) ids.push_back(kid);
  return ids;
}

}  // namespace flowersec::token
