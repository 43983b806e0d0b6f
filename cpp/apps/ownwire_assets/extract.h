// Writes the assets below a folder, to be put on a CDN.
// Layer apps. Blocking file I/O.
#pragma once

#include <string>
#include <vector>

#include "cli/problem.h"
#include "ownwire_assets/assets.h"

namespace flowersec::apps {

/// The folder that extract_assets() makes in the folder it is given.
inline constexpr const char* extracted_folder = "ownwire_assets";

struct extracted_file {
  std::string path;
  std::string integrity;  ///< scripts only
};

/// Writes stylesheet, scripts and icon to FOLDER/ownwire_assets/{css,js,assets}, making folders and overwriting files.
/// The pages stay with the server. Problems name the path.
[[nodiscard]] or_problem<std::vector<extracted_file>> extract_assets(const asset_set& assets,
                                                                     const std::string& folder);

/// One line per file: its path and, for a script, a blank and its integrity value.
[[nodiscard]] std::string extracted_lines(const std::vector<extracted_file>& files);

}  // namespace flowersec::apps
