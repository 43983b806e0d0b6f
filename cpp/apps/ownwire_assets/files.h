// The files of OwnWire's pages: what the build put into the program, or what a test makes up.
// Layer apps. Templates: the program's own words (%OWNWIRE_...%) still stand in the scripts.
#pragma once

#include <span>
#include <string_view>

namespace flowersec::apps {

struct asset_file {
  std::string_view name;  ///< path below the folder, such as js/ownwire.js
  std::string_view contents;
};
using asset_files = std::span<const asset_file>;

/// The folder that cmake/OwnwireAssets.cmake made or was given. Lives as long as the program.
[[nodiscard]] asset_files built_in_files() noexcept;

}  // namespace flowersec::apps
