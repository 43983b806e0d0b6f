// flowersec-tunnel as a real process, with tokens and clients for it, for the tests of policy and statistics.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "flowersec/base/base64url.h"
#include "flowersec/base/json.h"
#include "support/authorizer_server.h"
#include "support/process.h"
#include "support/token_mint.h"
#include "support/tunnel_client.h"

namespace flowersec::testing {

using testing_support::http_get;
using testing_support::process;

inline boost::json::object json_of(std::string_view text) {
  auto parsed = parse_json_object(text, 1 << 24);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(boost::json::object{});
}
inline std::string text_at(const boost::json::object& object, const char* key) {
  return std::string{object.at(key).as_string()};
}

/// What became of an attach.
inline constexpr std::string_view admitted = "admitted";

class tunnel_process {
 public:
  explicit tunnel_process(process::words arguments, process::environment variables = {})
      : mint(count(to_unix_seconds(system_clocks().wall_now()))) {
    const auto keys = folder_.file("keys.json");
    testing_support::write_whole_file(keys, R"({"keys":[{"kid":"k1","pubkey_b64u":")" +
                                                encode_base64url(std::as_bytes(std::span{*mint.keys().find("k1")})) +
                                                "\"}]}");
    arguments.insert(arguments.end(), {"--issuer-keys-file", keys, "--aud", "aud", "--allow-origin",
                                       "https://app.example", "--metrics-listen", "127.0.0.1:0"});
    program = std::make_unique<process>("flowersec-tunnel", std::move(arguments), std::move(variables));
    ready = json_of(program->read_line().value_or("no line: " + program->err_so_far()));
    address = text_at(ready, "listen");
  }

  [[nodiscard]] tunnel_client attach(const token_mint::payload& p) const {
    return tunnel_client::attached(address, mint.attach_text(p));
  }
  [[nodiscard]] tunnel_client attach(std::string channel_id, int role) {
    return attach(mint.draft(std::move(channel_id), role));
  }
  /// Attaches to a channel of its own and tells how that ended: `admitted`, or code and reason of the refusal. There is
  /// no answer to a good attach, so a text message behind it asks for the end.
  [[nodiscard]] std::string fate_of_attach() {
    return fate_of_attach(mint.draft("probe-" + std::to_string(++probes_), 1));
  }
  [[nodiscard]] std::string fate_of_attach(const token_mint::payload& p) const {
    auto client = attach(p);
    client.send(client_frame(op_text, std::string_view{"the end"}));
    const auto frame = client.frame();
    if (!frame) return std::string{admitted};
    return std::to_string(frame->close_code().value_or(0)) + ' ' + std::string{frame->close_reason()};
  }
  /// The value of one sample, 0 when the family has none.
  [[nodiscard]] double metric(const std::string& sample) const {
    const auto url = text_at(ready, "metrics_url");
    const auto text = http_get(url.substr(7, url.find('/', 7) - 7), "/metrics");
    const auto at = text.find('\n' + sample + ' ');
    return at == std::string::npos ? 0 : std::stod(text.substr(at + sample.size() + 2));
  }
  [[nodiscard]] double closed_count(const std::string& reason) const {
    return metric("flowersec_tunnel_close_total{reason=\"" + reason + "\"}");
  }
  [[nodiscard]] double attach_count(const std::string& reason) const {
    return metric("flowersec_tunnel_attach_total{reason=\"" + reason +
                  (reason == "ok" ? "\",result=\"ok\"}" : "\",result=\"fail\"}"));
  }

  token_mint mint;
  std::unique_ptr<process> program;
  boost::json::object ready;
  std::string address;

 private:
  testing_support::temporary_folder folder_;
  int probes_ = 0;
};

/// Whether a message passes from one to the other.
inline bool passes(tunnel_client& from, tunnel_client& to, std::string_view text) {
  from.binary(text);
  return to.message() == text;
}

}  // namespace flowersec::testing
