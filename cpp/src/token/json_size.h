// How long a JSON value is in its normal form.
// Layer token, private. Source: CONTROLPLANE, "Scopes".
#pragma once

#include <cstddef>
#include <string_view>

namespace flowersec::token {

/// Bytes of `raw` written compactly: no white space, the last of equal keys only, strings with the fewest escapes,
/// numbers as they are.
/// Shape   one valid JSON value without white space around it; the caller has bounded its nesting, as this recurses.
[[nodiscard]] std::size_t normal_json_bytes(std::string_view raw);

}  // namespace flowersec::token
