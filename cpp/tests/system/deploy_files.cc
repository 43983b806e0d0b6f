#include "deploy_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "support/process.h"

namespace flowersec::testing {

namespace fs = std::filesystem;
using testing_support::read_whole_file;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

namespace {

/// One instruction of a Containerfile with its continuation lines: its word, and what is behind it.
std::vector<std::pair<std::string, std::string>> parse_containerfile(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> instructions;
  std::istringstream lines{text};
  bool goes_on = false;
  for (std::string line; std::getline(lines, line);) {
    if (!goes_on && (line.empty() || line.front() == '#')) continue;
    if (!goes_on) {
      const auto blank = line.find(' ');
      instructions.emplace_back(line.substr(0, blank), "");
      line.erase(0, blank + 1);
    }
    goes_on = line.ends_with('\\');
    if (goes_on) line.pop_back();
    instructions.back().second += line;
  }
  return instructions;
}

}  // namespace

std::string deployed(const std::string& name) { return read_whole_file(FLOWERSEC_SOURCE_DIR "/deploy/" + name); }

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream{text};
  return {std::istream_iterator<std::string>{stream}, {}};
}

std::string with_paths_moved(std::string text, const std::vector<std::pair<std::string, std::string>>& moves) {
  for (const auto& [there, here] : moves) {
    for (auto at = text.find(there); at != std::string::npos; at = text.find(there, at + here.size())) {
      text.replace(at, there.size(), here);
    }
  }
  return text;
}

unsigned long number_behind(const std::string& text, const std::string& name) {
  const auto at = text.find('\n' + name);
  return at == std::string::npos ? 0ul : std::stoul(text.substr(at + 1 + name.size()));
}

unit_file parse_unit(const std::string& text) {
  unit_file unit;
  std::string section;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    const auto equals = line.find('=');
    if (line.front() == '[' && line.back() == ']') {
      section = line.substr(1, line.size() - 2);
      if (!unit.try_emplace(section).second) throw std::runtime_error("twice: " + line);
    } else if (section.empty() || equals == 0 || equals == std::string::npos ||
               std::isupper(static_cast<unsigned char>(line.front())) == 0 || line.find_first_of(" \t", 0) < equals ||
               line.back() == '\\') {
      throw std::runtime_error("neither section nor name=value: " + line);
    } else {
      unit[section][line.substr(0, equals)].push_back(line.substr(equals + 1));
    }
  }
  return unit;
}

void expect_whole(const unit_file& unit) {
  ASSERT_EQ(unit.size(), 3u);
  for (const auto* section : {"Unit", "Service", "Install"}) ASSERT_TRUE(unit.contains(section)) << section;
  for (const auto& [name, values] : unit.at("Service")) {
    // Lists may be continued on another line; of everything else the last would win.
    if (name != "SystemCallFilter") {
      EXPECT_EQ(values.size(), 1u) << name;
    }
  }
}

std::optional<std::string> complaints_of_systemd(const std::string& program) {
  if (::access("/usr/bin/systemd-analyze", X_OK) != 0) return std::nullopt;
  const temporary_folder folder;
  const auto file = folder.file(program + ".service");
  write_whole_file(
      file, with_paths_moved(deployed(program + ".service"), {{"/usr/local/bin/", FLOWERSEC_BINARY_DIR "/bin/"}}));
  const auto command = "systemd-analyze verify --man=no " + file + " 2>&1";
  std::FILE* output = ::popen(command.c_str(), "r");
  if (output == nullptr) throw std::runtime_error("popen");
  std::string complaints;
  for (int c = std::fgetc(output); c != EOF; c = std::fgetc(output)) complaints += static_cast<char>(c);
  EXPECT_EQ(::pclose(output), 0) << complaints;
  return complaints;
}

std::vector<std::string> command_of_container(const std::string& name) {
  std::string built;
  std::vector<std::string> command;
  std::size_t copies = 0;
  for (const auto& [instruction, rest] : parse_containerfile(deployed(name))) {
    const auto words = words_of(rest);
    if (instruction == "RUN") built += rest + ' ';
    if (instruction == "ENTRYPOINT" || instruction == "CMD") {
      const auto array = boost::json::parse(rest);
      for (const auto& word : array.as_array()) command.emplace_back(word.as_string());
    }
    if (instruction != "COPY") continue;
    ++copies;
    const bool from_the_build = words.at(0) == "--from=build";
    EXPECT_EQ(words.size(), from_the_build ? 3u : 2u) << rest;
    if (from_the_build) {
      const auto source = words.at(1).ends_with('/') ? words[1].substr(0, words[1].size() - 1) : words[1];
      EXPECT_NE(built.find(' ' + source + ' '), std::string::npos) << source << " is not made before it is copied";
    } else {
      EXPECT_TRUE(fs::exists(FLOWERSEC_SOURCE_DIR "/" + words[0])) << words[0];
    }
  }
  EXPECT_EQ(copies, 3u);
  for (const auto& word : words_of(built)) {
    if (word.starts_with("tools/")) {
      EXPECT_TRUE(fs::exists(FLOWERSEC_SOURCE_DIR "/" + word)) << word;
    }
    if (!word.starts_with("-DFLOWERSEC_")) continue;
    const auto option = "option(" + word.substr(2, word.find('=') - 2) + ' ';
    EXPECT_NE(read_whole_file(FLOWERSEC_SOURCE_DIR "/CMakeLists.txt").find(option), std::string::npos) << word;
  }
  return command;
}

std::size_t expect_flags(const std::string& configuration, const std::string& help) {
  std::size_t settings = 0;
  std::istringstream lines{deployed(configuration)};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto equals = line.find(" = ");
    EXPECT_NE(equals, std::string::npos) << line;
    const auto flag = "\n  -" + line.substr(0, equals);
    EXPECT_TRUE(help.find(flag + ' ') != std::string::npos || help.find(flag + '\n') != std::string::npos) << line;
    ++settings;
  }
  return settings;
}

}  // namespace flowersec::testing
