// What an authorizer's response body says, in either of its two forms: the bare result, or an envelope around it.
// Layer apps. Pure. Source: docs/OPERATIONS.md, "External policy".
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "flowersec/tunnel/policy.h"

namespace flowersec::apps {

/// nullopt: the body is no answer, or an envelope that reports a failure. An empty body, null, and an envelope without
/// data are answers that allow nothing.
[[nodiscard]] std::optional<tunnel::attach_decision> read_attach_answer(std::string_view body);

/// The same; an answer without decisions is one that decides nothing.
[[nodiscard]] std::optional<std::vector<tunnel::channel_decision>> read_observe_answer(std::string_view body);

}  // namespace flowersec::apps
