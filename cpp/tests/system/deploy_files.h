// The files under deploy/: units, images and configurations, read as strictly as a test needs them. Test support.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flowersec::testing {

/// The file of that name.
[[nodiscard]] std::string deployed(const std::string& name);

[[nodiscard]] std::vector<std::string> words_of(const std::string& text);

/// Paths of the system in a text, led elsewhere.
[[nodiscard]] std::string with_paths_moved(std::string text,
                                           const std::vector<std::pair<std::string, std::string>>& moves);

/// The number at the beginning of a line, behind `name`; 0 when there is none.
[[nodiscard]] unsigned long number_behind(const std::string& text, const std::string& name);

/// A unit file: section -> name -> values. Throws when a line is neither section, comment nor name=value.
using unit_file = std::map<std::string, std::map<std::string, std::vector<std::string>>>;
[[nodiscard]] unit_file parse_unit(const std::string& text);
/// Has the sections of a service, and nothing twice.
void expect_whole(const unit_file& unit);
/// What systemd-analyze says of `program`.service, with the program of this build; nullopt when it is not installed.
[[nodiscard]] std::optional<std::string> complaints_of_systemd(const std::string& program);

/// The command that an image starts. Expects that what the file of that name copies and calls is there.
[[nodiscard]] std::vector<std::string> command_of_container(const std::string& name);

/// Expects that each line of a configuration sets a flag that `help` lists. How many there are.
std::size_t expect_flags(const std::string& configuration, const std::string& help);

}  // namespace flowersec::testing
