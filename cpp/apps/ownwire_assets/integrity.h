// Digests as browsers write them.
// Layer apps. Pure.
#pragma once

#include <string>
#include <string_view>

namespace flowersec::apps {

/// "sha384-" and base64: the value of an integrity attribute. Source: W3C Subresource Integrity, 3.1.
[[nodiscard]] std::string integrity_of(std::string_view contents);
/// "'sha256-...'": the source expression of an inline script. Source: W3C CSP 3, 2.3.1.
[[nodiscard]] std::string script_hash_source(std::string_view script);
/// A quoted digest: the strong entity tag of exactly these bytes. Source: RFC 9110 section 8.8.3.
[[nodiscard]] std::string entity_tag_of(std::string_view contents);
/// Whether a client that names these tags has `tag` already. `header` is a value of If-None-Match.
[[nodiscard]] bool names_tag(std::string_view header, std::string_view tag) noexcept;

}  // namespace flowersec::apps
