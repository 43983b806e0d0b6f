// Media types of request bodies.
// Layer controlplane, private. Source: RFC 9110 section 8.3.1.
#pragma once

#include <string_view>

namespace flowersec::controlplane {

/// Whether the value of a Content-Type header is application/json, in any letter case, with well-formed parameters of
/// different names or none; a semicolon at the end is tolerated.
[[nodiscard]] bool is_json_media_type(std::string_view value);

}  // namespace flowersec::controlplane
