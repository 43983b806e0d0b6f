// What the command line says about an external authorizer: where it is, what to send along, how long to wait.
// Layer apps. Pure; nothing is looked up or dialled here.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "flowersec/base/web_url.h"
#include "flowersec/http/message.h"
#include "tunneld/options.h"

namespace flowersec::apps {

struct authorizer_options {
  web_url attach;
  std::optional<web_url> observe;  ///< nullopt: channels are not observed
  std::vector<http::header> headers;
  std::chrono::milliseconds request_timeout;
  std::chrono::milliseconds observe_interval;
  std::size_t batch_size;
};

/// Longest that one call may take, whatever the command line says.
inline constexpr std::chrono::seconds longest_policy_request{30};

/// What is wrong with --authorizer-header. Never repeats a value: they are secrets.
[[nodiscard]] std::optional<std::string> authorizer_header_problem(const tunnel_command& command);
/// What is wrong with one of the two URLs. Does not repeat them: a query may hold a secret.
[[nodiscard]] std::optional<std::string> authorizer_url_problem(const tunnel_command& command);

/// nullopt without --attach-authorizer-url. The command has no usage problem.
[[nodiscard]] std::optional<authorizer_options> authorizer_options_of(const tunnel_command& command);

}  // namespace flowersec::apps
