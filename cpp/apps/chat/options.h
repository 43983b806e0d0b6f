// The command line of flowersec chat.
// Layer apps. Pure; nothing is opened here.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "chat/machine.h"
#include "cli/problem.h"
#include "cli/program.h"

namespace flowersec::apps {

struct chat_command_line {
  std::vector<std::string> registries;
  std::vector<std::string> registry_keys;  ///< the n-th is of the n-th registry; several of one with commas
  std::string identity;                    ///< path
  bool new_identity = false;
  std::string passphrase_file;
  std::string join;  ///< a link, or "-": the first line of the input
  std::string page;  ///< what invitations begin with
  std::string ca;
  std::string origin;
  std::string transport = "sealed";
  bool insecure_loopback = false;
  bool replace = false;
  bool ask = false;
  bool no_qr = false;
  bool json = false;
  std::chrono::nanoseconds patience = std::chrono::seconds{10};
};

/// The table refers to `options`, which must outlive it.
[[nodiscard]] program describe_chat(chat_command_line& options);
[[nodiscard]] std::optional<std::string> usage_problem(const chat_command_line& options);

/// The registries of the options, and that of the link, if it is another one.
[[nodiscard]] or_problem<std::vector<chat_registry>> read_registries(const chat_command_line& options,
                                                                     const std::optional<identity::invitation>& link);

/// The program `flowersec` without a command.
[[nodiscard]] program describe_flowersec();

}  // namespace flowersec::apps
