// flowersec-tunnel as a process of its own, with an issuer whose tokens it accepts and clients for it.
// Test support.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "flowersec/base/base64url.h"
#include "flowersec/base/clock.h"
#include "flowersec/base/json.h"
#include "support/process.h"
#include "support/token_mint.h"
#include "support/tunnel_client.h"

namespace flowersec::testing {

class tunnel_process {
 public:
  using words = testing_support::process::words;

  /// Started with metrics on a listener of their own, and ready.
  explicit tunnel_process(words more_arguments = {})
      : program_("flowersec-tunnel", arguments(std::move(more_arguments))) {
    constexpr std::size_t max_ready_line_bytes = 4096;
    const auto ready = parse_json_object(program_.read_line().value_or(""), max_ready_line_bytes);
    if (!ready) throw std::runtime_error("the tunnel did not get ready: " + program_.err_so_far());
    address_ = std::string{ready->at("listen").as_string()};
    const std::string url{ready->at("metrics_url").as_string()};
    constexpr std::string_view scheme = "http://";
    metrics_address_ = url.substr(scheme.size(), url.rfind('/') - scheme.size());
  }

  [[nodiscard]] testing_support::process& program() noexcept { return program_; }
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] std::string metrics() const { return testing_support::http_get(metrics_address_, "/metrics"); }

  [[nodiscard]] tunnel_client attach(const token_mint::payload& token) const {
    return tunnel_client::attached(address_, mint.attach_text(token));
  }
  [[nodiscard]] tunnel_client attach(std::string channel_id, int role) {
    return attach(mint.draft(std::move(channel_id), role));
  }
  /// The same, once the tunnel has accepted the token: only then does it answer a ping.
  [[nodiscard]] tunnel_client accepted(std::string channel_id, int role) {
    auto client = attach(std::move(channel_id), role);
    client.send(client_frame(op_ping, "here?"));
    const auto answer = client.frame();
    if (!answer || answer->op != op_pong) throw std::runtime_error("the attach was refused");
    return client;
  }

  token_mint mint{count(to_unix_seconds(system_clocks().wall_now()))};

 private:
  [[nodiscard]] words arguments(words more) const {
    const auto file = folder_.file("issuer_keys.json");
    testing_support::write_whole_file(
        file, R"({"keys":[{"kid":"k1","pubkey_b64u":")" + encode_base64url(*mint.keys().find("k1")) + "\"}]}");
    words all{
        "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",        "--issuer-keys-file", file, "--aud", "aud",
        "--iss",    "iss",         "--allow-origin",   "https://app.example"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  testing_support::temporary_folder folder_;
  testing_support::process program_;
  std::string address_;
  std::string metrics_address_;
};

}  // namespace flowersec::testing
