// What each flag of flowersec-tunnel changes, as something that can be seen from outside.
// Test support of tunnel_flags_test.cc, which walks the program's own table and wants a case for every flag in it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "flowersec/base/json.h"
#include "support/authorizer_server.h"
#include "support/process.h"
#include "support/test_certificate.h"
#include "support/token_mint.h"
#include "support/tunnel_client.h"

namespace flowersec::testing {

/// Flags without their dashes, and their values.
using settings = std::map<std::string, std::string>;

/// Files, keys and an authorizer that the cases share. In values, "{dir}" stands for its folder, "{certificate}" and
/// "{key}" for a pair of TLS files, and "{authorizer}" for the URL of the authorizer, whose paths say what it does:
/// /allow lets everybody in, /silent never answers, /note only listens to what it is told, /deny ends it all.
class flag_world {
 public:
  flag_world();
  [[nodiscard]] std::string filled_in(std::string text) const;
  /// What a tunnel is started with unless a case says otherwise: enough to attach with the mint's tokens.
  [[nodiscard]] settings usual() const;

  testing_support::temporary_folder folder;
  test_certificate certificate;
  token_mint mint;
  authorizer_server authorizer;
};

/// One tunnel with its settings.
class flag_run {
 public:
  flag_run(flag_world& world, const settings& flags, testing_support::process::environment variables);

  flag_world& world;
  testing_support::process process;
  /// nullopt when the first line on stdout was no JSON object.
  std::optional<boost::json::object> ready;
  std::string first_line;

  /// A member of the ready line; "none" without it.
  [[nodiscard]] std::string member(const char* name) const;
  /// host:port
  [[nodiscard]] std::string listen() const { return member("listen"); }
  /// "exit 2: first line of stderr"
  [[nodiscard]] std::string ending();

  /// Status of an upgrade.
  [[nodiscard]] std::string upgrade(const std::string& origin, const std::string& path = "/ws",
                                    const std::string& more_headers = {}) const;
  /// The metrics page of a listener of its own.
  [[nodiscard]] std::string metrics() const;
  /// Two endpoints attach one after the other and greet each other; what the first and the second of them got: the
  /// other's greeting, or the reason of the close frame.
  struct meeting {
    tunnel_client first;
    tunnel_client second;
  };
  [[nodiscard]] meeting meet(const std::string& channel_id, const std::string& audience = "aud");
};

/// "greeting", the reason of a close frame, or "<end>".
[[nodiscard]] std::string heard(tunnel_client& by);
[[nodiscard]] inline std::string heard(tunnel_client&& by) { return heard(by); }

struct flag_case {
  std::string flag;
  std::string value;
  /// With the setting and without it this must differ.
  std::function<std::string(flag_run&)> observe;
  /// What is seen with it.
  std::string expected;
  /// In both runs, on top of the usual settings; an empty value takes a usual one away.
  settings beside = {};
};

[[nodiscard]] const std::vector<flag_case>& flag_cases();

}  // namespace flowersec::testing
