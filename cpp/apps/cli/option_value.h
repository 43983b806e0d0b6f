// From texts to the variables of a table, and back.
// Layer apps. Pure but for the variable written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/program.h"

namespace flowersec::apps {

// False when the text is no value of the target's type.

/// A text behind a flag or in a configuration file. Appends to a list.
[[nodiscard]] bool set_from_flag(const option_target& target, std::string_view text);
/// A whole value of the environment. Replaces a list.
[[nodiscard]] bool set_from_environment(const option_target& target, std::string_view text);
/// Whether set_from_flag would take the text; nothing is written.
[[nodiscard]] bool is_flag_value(const option_target& target, std::string_view text);

/// "not a boolean" and the like.
[[nodiscard]] const char* expected_value(const option_target& target);

/// What the variable holds, in texts that set_from_flag reads back: one for a scalar, one per item of a list, and none
/// for an empty string or a number that was not given.
[[nodiscard]] std::vector<std::string> texts_of(const option_target& target);

}  // namespace flowersec::apps
