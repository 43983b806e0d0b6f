#include "ownwire_assets/integrity.h"

#include <algorithm>

#include "flowersec/base/base64url.h"
#include "flowersec/base/text.h"
#include "flowersec/crypto/hash.h"

namespace flowersec::apps {
namespace {

/// The alphabet of RFC 4648 section 4, padded.
std::string base64(byte_view bytes) {
  auto text = encode_base64url(bytes);
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  while (text.size() % 4 != 0) text += '=';
  return text;
}

}  // namespace

std::string integrity_of(std::string_view contents) { return "sha384-" + base64(crypto::sha384(as_bytes(contents))); }

std::string script_hash_source(std::string_view script) {
  return "'sha256-" + base64(crypto::sha256(as_bytes(script))) + '\'';
}

std::string entity_tag_of(std::string_view contents) {
  return '"' + encode_base64url(crypto::sha256(as_bytes(contents))) + '"';
}

bool names_tag(std::string_view header, std::string_view tag) noexcept {
  while (!header.empty()) {
    const auto comma = std::min(header.find(','), header.size());
    auto entry = trim(header.substr(0, comma));
    // Weak comparison, RFC 9110 section 13.1.2: a proxy that compresses marks the tag as weak.
    if (entry.starts_with("W/")) entry.remove_prefix(2);
    if (entry == "*" || entry == tag) return true;
    header.remove_prefix(std::min(comma + 1, header.size()));
  }
  return false;
}

}  // namespace flowersec::apps
