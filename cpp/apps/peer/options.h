// The command lines of flowersec-peer: `serve` and `client`.
// Layer apps. Pure; nothing is opened here.
#pragma once

#include <optional>
#include <string>

#include "cli/program.h"
#include "flowersec/session/options.h"

namespace flowersec::apps {

/// What both commands need to dial.
struct dial_command {
  std::string grant;  ///< file, or - for stdin
  std::string info;   ///< file, or - for stdin
  std::string origin;
  std::string ca;   ///< PEM file; blank: the system's certificates
  std::string url;  ///< dialled instead of the URL in the grant or info
  bool insecure_loopback = false;
  std::int64_t record_bytes = 0;  ///< most plaintext of one record sent; 0: as the library has it
  std::int64_t wide_window_session_bytes = session::session_options{}.yamux.wide_window_session_bytes;
};

struct serve_command {
  dial_command dial;
  std::string direct;       ///< address:port to listen on
  std::string control;      ///< file with the credential of an endpoint, or - for stdin
  std::string endpoint_id;  ///< under which it registers at its control plane
  std::chrono::nanoseconds wait = std::chrono::minutes{1};
  std::string cert;
  std::string key;
  std::vector<std::string> allowed_origins;
  bool once = false;
};

struct client_command {
  dial_command dial;
  std::int64_t mib = 4;
  std::int64_t streams = 1;
  bool only_bulk = false;
  std::string say;  ///< send only this message and print what comes back
  bool quiet = false;
};

/// The tables refer to the commands, which must outlive them.
[[nodiscard]] program describe_serve(serve_command& command);
[[nodiscard]] program describe_client(client_command& command);
/// The program without a command.
[[nodiscard]] program describe_peer();

[[nodiscard]] std::optional<std::string> usage_problem(const serve_command& command);
[[nodiscard]] std::optional<std::string> usage_problem(const client_command& command);

}  // namespace flowersec::apps
