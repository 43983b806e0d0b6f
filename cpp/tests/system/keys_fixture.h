// flowersec-tunnel with files of keys that a test may change, and issuers for its tenants.
// Test support.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "flowersec/base/base64url.h"
#include "flowersec/base/clock.h"
#include "flowersec/base/json.h"
#include "flowersec/tunnel/server.h"
#include "support/process.h"
#include "support/test_certificate.h"
#include "support/token_mint.h"
#include "support/tunnel_client.h"

namespace flowersec::testing {

using testing_support::process;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

inline std::int64_t unix_now() { return count(to_unix_seconds(system_clocks().wall_now())); }

/// A keyset file that holds one mint's key under `kid`.
inline std::string keyset_text(const token_mint& mint, const std::string& kid = "k1") {
  return R"({"keys":[{"kid":")" + kid + R"(","pubkey_b64u":")" + encode_base64url(*mint.keys().find("k1")) + "\"}]}";
}

/// How a client sees its attach end: the reason of the close frame.
inline void expect_refused(const std::string& address, const std::string& attach_text, std::string_view reason) {
  auto client = tunnel_client::attached(address, attach_text);
  const auto frame = client.frame();
  ASSERT_TRUE(frame) << reason;
  EXPECT_EQ(frame->op, op_close);
  EXPECT_EQ(frame->close_code(), 1008);
  EXPECT_EQ(frame->close_reason(), reason);
}

/// Two clients in one channel.
struct pair_of_clients {
  tunnel_client client;
  tunnel_client server;
  /// Whether what one sends reaches the other.
  [[nodiscard]] bool works() {
    client.binary("ping");
    if (server.message() != "ping") return false;
    server.binary("pong");
    return client.message() == "pong";
  }
};

/// A program under test, and what its ready line says.
class running_tunnel {
 public:
  explicit running_tunnel(process::words arguments, std::string folder = {})
      : program("flowersec-tunnel", with_defaults(std::move(arguments)), {}, std::move(folder)) {
    const auto ready = parse_json_object(program.read_line().value_or(""), 1 << 20);
    if (!ready) throw std::runtime_error("no ready line: " + program.wait().err);
    address = std::string{ready->at("listen").as_string()};
    if (const auto* url = ready->if_contains("metrics_url")) metrics_url = std::string{url->as_string()};
    if (const auto* url = ready->if_contains("stats_url")) stats_url = std::string{url->as_string()};
  }

  [[nodiscard]] pair_of_clients pair(token_mint& mint, const std::string& room,
                                     const tunnel_client::options& how = {}) {
    auto first = mint.draft(room, 1);
    auto second = mint.draft(room, 2);
    // Two mints of one issuer would use the same ids.
    first.token_id = "first " + room;
    second.token_id = "second " + room;
    return pair_with(mint, first, second, how);
  }
  [[nodiscard]] pair_of_clients pair_with(const token_mint& mint, const token_mint::payload& first,
                                          const token_mint::payload& second,
                                          const tunnel_client::options& how = {}) const {
    return {tunnel_client::attached(address, mint.attach_text(first), how),
            tunnel_client::attached(address, mint.attach_text(second), how)};
  }
  /// Sends SIGHUP and waits until the log says `line`.
  [[nodiscard]] bool hang_up(const std::string& line) {
    program.take_err();
    program.send_signal(SIGHUP);
    return program.wait_for_err(line);
  }

  process program;
  std::string address;
  std::string metrics_url;
  std::string stats_url;

 private:
  static process::words with_defaults(process::words arguments) {
    arguments.insert(arguments.end(), {"--listen", "127.0.0.1:0", "--allow-origin", "https://app.example"});
    return arguments;
  }
};

inline constexpr const char* keys_reloaded = " reloaded verifier keyset/config\n";
inline constexpr const char* keys_failed = " reload keys failed: ";

/// The files of two tenants.
class tenant_files {
 public:
  tenant_files() {
    write_keys(red_keys, red);
    write_keys(blue_keys, blue);
    write_tenants();
  }
  static void write_keys(const std::string& path, const token_mint& mint, const std::string& kid = "k1") {
    write_whole_file(path, keyset_text(mint, kid));
  }
  void write_tenants(const std::string& red_id = "r") const {
    write_whole_file(
        tenants, R"({"tenants":[{"id":")" + red_id + R"(","aud":"tunnel","iss":"red","issuer_keys_file":")" + red_keys +
                     R"("},{"id":"b","aud":"tunnel","iss":"blue","issuer_keys_file":")" + blue_keys + R"("}]})");
  }

  temporary_folder folder;
  std::string tenants = folder.file("tenants.json");
  std::string red_keys = folder.file("red.json");
  std::string blue_keys = folder.file("blue.json");
  token_mint red{unix_now(), "tunnel", "red", std::byte{1}};
  token_mint blue{unix_now(), "tunnel", "blue", std::byte{2}};
  /// Red's next key, under the same id.
  token_mint new_red{unix_now(), "tunnel", "red", std::byte{3}};
};

}  // namespace flowersec::testing
