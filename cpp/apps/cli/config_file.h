// The configuration file of a program: the names of its flags, one `name = value` a line.
// Layer apps. Pure: the caller reads the file. Blank lines, and lines that start with '#', mean nothing; a value ends
// with its line and is trimmed, and what it may be is what the flag takes; a blank one leaves the option as it is. A
// repeatable option takes one item a line. A '#' behind a value belongs to it.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/program.h"

namespace flowersec::apps {

/// Sets the options that are not among `given`; the lines of those are checked all the same.
/// Result   every complaint, as "path:line: name: what is wrong"; values are not repeated, since they may be secret.
[[nodiscard]] std::vector<std::string> apply_config(const std::vector<option>& options, const std::string& path,
                                                    std::string_view text,
                                                    const std::set<std::string, std::less<>>& given);

/// What the options hold now as such a file, in alphabetical order, with secrets left out. A control character in a
/// value is shown as display_text() does, so that each value is one line.
[[nodiscard]] std::string config_text(const program& described);

}  // namespace flowersec::apps
