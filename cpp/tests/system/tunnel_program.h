// flowersec-tunnel as a process that knows the keys of a test's mint, and clients for it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flowersec/base/base64url.h"
#include "flowersec/base/clock.h"
#include "flowersec/base/json.h"
#include "support/process.h"
#include "support/token_mint.h"
#include "support/tunnel_client.h"

namespace flowersec::testing {

class tunnel_program {
 public:
  using words = testing_support::process::words;
  using environment = testing_support::process::environment;

  explicit tunnel_program(words more = {}, const environment& variables = {})
      : mint(count(to_unix_seconds(system_clocks().wall_now()))),
        process("flowersec-tunnel", arguments(std::move(more)), variables) {
    const auto line = process.read_line();
    const auto ready = parse_json_object(line.value_or(""), 1 << 20);
    if (!ready) throw std::runtime_error("no ready line: " + process.wait().err);
    address_ = std::string{ready->at("listen").as_string()};
  }

  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] tunnel_client connect(const tunnel_client::options& how = {}) const {
    tunnel_client client{address_, how};
    client.upgrade(how);
    return client;
  }
  [[nodiscard]] tunnel_client attach(const token_mint::payload& p, const tunnel_client::options& how = {}) const {
    return tunnel_client::attached(address_, mint.attach_text(p), how);
  }
  [[nodiscard]] tunnel_client attach(std::string channel_id, int role, const tunnel_client::options& how = {}) {
    return attach(mint.draft(std::move(channel_id), role), how);
  }
  /// The present value of a sample, 0 when its family has none. Metrics are on.
  [[nodiscard]] double metric(const std::string& sample) const {
    const auto text = testing_support::http_get(address_, "/metrics");
    const auto at = text.find('\n' + sample + ' ');
    return at == std::string::npos ? 0 : std::stod(text.substr(at + sample.size() + 2));
  }
  void enable_metrics() {
    process.send_signal(SIGUSR1);
    ASSERT_TRUE(process.wait_for_err(" metrics enabled\n"));
  }
  /// Asks again and again until `holds`, as long as patience lasts.
  template <class Condition>
  [[nodiscard]] static bool eventually(Condition holds) {
    const auto until = std::chrono::steady_clock::now() + tunnel_client::patience;
    while (!holds()) {
      if (std::chrono::steady_clock::now() > until) return false;
    }
    return true;
  }

 private:
  words arguments(words more) {
    const auto key = encode_base64url(*mint.keys().find("k1"));
    testing_support::write_whole_file(keys_file_, R"({"keys":[{"kid":"k1","pubkey_b64u":")" + key + R"("}]})");
    more.insert(more.end(), {"--issuer-keys-file", keys_file_, "--aud", "aud", "--iss", "iss", "--allow-origin",
                             "https://app.example"});
    return more;
  }

  testing_support::temporary_folder folder_;
  const std::string keys_file_ = folder_.file("keys.json");
  std::string address_;

 public:
  token_mint mint;
  testing_support::process process;
};

/// The two ends of a channel.
struct attached_pair {
  tunnel_client client;
  tunnel_client server;

  attached_pair(tunnel_program& tunnel, const std::string& room)
      : client(tunnel.attach(room, 1)), server(tunnel.attach(room, 2)) {
    echo("first");
  }
  attached_pair(tunnel_client c, tunnel_client s) : client(std::move(c)), server(std::move(s)) {}

  /// There and back. How long it took.
  std::chrono::steady_clock::duration echo(std::string_view text) {
    const auto begin = std::chrono::steady_clock::now();
    client.binary(text);
    EXPECT_EQ(server.message(), text);
    server.binary(text);
    EXPECT_EQ(client.message(), text);
    return std::chrono::steady_clock::now() - begin;
  }
};

}  // namespace flowersec::testing
