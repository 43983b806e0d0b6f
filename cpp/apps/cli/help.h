// Prints a program's description: as help on the terminal and as a page of the reference.
// Layer apps. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/program.h"

namespace flowersec::apps {

/// A flag as the program's help writes it: with its dashes.
[[nodiscard]] std::string shown_name(const program& described, std::string_view name);

/// The table with the flag every program has.
[[nodiscard]] std::vector<option> with_version(std::vector<option> options, bool& version);

/// The whole table with -version, in alphabetical order.
[[nodiscard]] std::vector<option> sorted_options(const program& described);

/// Titled blocks, "Env defaults:" and "Flags:", flags in alphabetical order.
[[nodiscard]] std::string help_text(const program& described);

/// The same as a Markdown page.
[[nodiscard]] std::string reference_page(const program& described);

}  // namespace flowersec::apps
