// The internal port of ownwire: who may come in, what it serves, TLS and tokens that change.
#include <sys/stat.h>

#include <filesystem>

#include "support/standstill.h"
#include "support/test_certificates.h"
#include "system/ownwire_world.h"

namespace flowersec::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing_support::http_get;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

constexpr auto token = "a-token-of-the-internal-port";

void write_secret(const std::string& path, const std::string& contents) {
  write_whole_file(path, contents);
  ::chmod(path.c_str(), 0600);
}

std::string upgrade(const std::string& address, const std::string& headers, bool tls = false) {
  return answer_head(address, "GET /ws", upgrade_headers(headers), tls);
}

std::string bearer(const std::string& shown) { return "Authorization: Bearer " + shown + "\r\n"; }

TEST(ownwire_internal, a_program_on_this_machine_comes_in_and_a_page_does_not) {
  const temporary_folder folder;
  ownwire_program program{folder.path()};
  EXPECT_THAT(upgrade(program.internal(), ""), StartsWith("HTTP/1.1 101 "));
  for (const auto* origin : {"http://127.0.0.1", "https://evil.example", "null", ""}) {
    EXPECT_THAT(upgrade(program.internal(), "Origin: " + std::string{origin} + "\r\n"), StartsWith("HTTP/1.1 403 "))
        << origin;
  }
  EXPECT_TRUE(program.process.wait_for_err("client refused"));
}

TEST(ownwire_internal, it_serves_the_socket_and_health_and_nothing_else) {
  const temporary_folder folder;
  const ownwire_program program{folder.path()};
  EXPECT_THAT(http_get(program.internal(), "/healthz"), StartsWith("HTTP/1.1 200 "));
  for (const auto* path : {"/", "/css/style.css", "/js/ownwire.js", "/e2ee", "/metrics"}) {
    EXPECT_THAT(http_get(program.internal(), path), StartsWith("HTTP/1.1 404 ")) << path;
  }
  EXPECT_THAT(answer_head(program.internal(), "GET /e2ee", upgrade_headers()), StartsWith("HTTP/1.1 404 "));
}

TEST(ownwire_internal, the_public_port_has_no_internal_clients) {
  const temporary_folder folder;
  ownwire_program program{folder.path(), {"--allow-no-origin"}};
  internal_client client{program.address()};
  client.reply("not-an-open-message", "hello");
  const auto closed = client.socket().frame();
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->op, op_close);
  EXPECT_THAT(std::string{as_text(closed->payload)}, HasSubstr("invalid_open"));
}

TEST(ownwire_internal, a_token_is_asked_for_and_changes_with_its_file) {
  const temporary_folder folder;
  const auto file = folder.file("token");
  write_secret(file, token);
  ownwire_program program{folder.path(), {"--internal-token-file", file}};
  EXPECT_THAT(upgrade(program.internal(), ""), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(upgrade(program.internal(), bearer("another-token-of-this-length")), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(upgrade(program.internal(), bearer(token)), StartsWith("HTTP/1.1 101 "));

  write_secret(file, "another-token-of-this-length");
  program.process.send_signal(SIGHUP);
  ASSERT_TRUE(program.process.wait_for_err("reloaded internal token"));
  EXPECT_THAT(upgrade(program.internal(), bearer(token)), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(upgrade(program.internal(), bearer("another-token-of-this-length")), StartsWith("HTTP/1.1 101 "));
}

TEST(ownwire_internal, tls_takes_a_new_certificate_at_a_hup_and_keeps_the_old_one_when_it_is_bad) {
  const temporary_folder folder;
  test_authority authority;
  const auto first = authority.issue("IP:127.0.0.1");
  const auto second = authority.issue("IP:127.0.0.1");
  const auto chain = folder.file("chain.pem");
  const auto key = folder.file("key.pem");
  const auto use = [&](const test_authority::files& files) {
    std::filesystem::copy_file(files.chain, chain, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(files.key, key, std::filesystem::copy_options::overwrite_existing);
  };
  use(first);
  ownwire_program program{folder.path(), {"--internal-tls-cert", chain, "--internal-tls-key", key}};
  EXPECT_THAT(program.ready("internal_ws_url"), StartsWith("wss://"));
  EXPECT_THAT(upgrade(program.internal(), "", true), StartsWith("HTTP/1.1 101 "));
  const auto digest = [&] { return tunnel_client{program.internal(), {.tls = true}}.certificate_digest(); };
  const auto old_digest = digest();

  use(second);
  program.process.send_signal(SIGHUP);
  ASSERT_TRUE(program.process.wait_for_err("reloaded internal certificate"));
  const auto new_digest = digest();
  EXPECT_NE(new_digest, old_digest);

  write_whole_file(chain, "nothing");
  program.process.send_signal(SIGHUP);
  ASSERT_TRUE(program.process.wait_for_err("reload internal certificate failed, the old one stays: "));
  EXPECT_EQ(digest(), new_digest);
}

TEST(ownwire_internal, a_refused_origin_is_a_warning_with_the_flag_that_would_accept_it) {
  const temporary_folder folder;
  ownwire_program program{folder.path(), {"--log-level=warn"}};
  EXPECT_THAT(upgrade(program.address(), "Origin: https://evil.example\r\n"), StartsWith("HTTP/1.1 403 "));
  ASSERT_TRUE(program.process.wait_for_err("--allow-origin"));
  ASSERT_TRUE(program.process.wait_for_err("https://evil.example"));
  EXPECT_THAT(upgrade(program.address(), ""), StartsWith("HTTP/1.1 403 "));
  ASSERT_TRUE(program.process.wait_for_err("--allow-no-origin"));
  // The page of the program itself passes without a word.
  EXPECT_THAT(upgrade(program.address(), "Origin: http://" + program.address() + "\r\n"), StartsWith("HTTP/1.1 101 "));
}

TEST(ownwire_internal, metrics_have_a_listener_of_their_own) {
  const temporary_folder folder;
  ownwire_program program{folder.path(), {"--metrics-listen=127.0.0.1:0"}};
  const auto url = program.ready("metrics_url");
  const auto host = url.substr(7, url.rfind('/') - 7);
  static_cast<void>(program.get("/nothing"));
  const internal_client client{program.internal()};
  ASSERT_TRUE(program.process.wait_for_err("client connected"));
  EXPECT_THAT(http_get(host, "/metrics"),
              AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("\nownwire_sessions 0\n"),
                    HasSubstr("\nownwire_internal_clients 1\n"), HasSubstr("ownwire_build_info{"),
                    HasSubstr("\nownwire_http_responses_total{status=\"404\"} 1\n"),
                    HasSubstr("\nprocess_resident_memory_bytes ")));
  EXPECT_THAT(program.get("/metrics"), StartsWith("HTTP/1.1 404 "));
}

TEST(ownwire_internal, internal_clients_are_told_when_it_stops) {
  const temporary_folder folder;
  ownwire_program program{folder.path()};
  internal_client client{program.internal()};
  ASSERT_TRUE(program.process.wait_for_err("client connected"));
  undisturbed_time taken;
  program.process.send_signal(SIGTERM);
  const auto closed = client.socket().frame();
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->op, op_close);
  EXPECT_EQ(to_buffer(byte_view{closed->payload}.first(2)), (byte_buffer{std::byte{0x03}, std::byte{0xe9}}));  // 1001
  client.socket().send(client_frame(op_close, closed->payload));
  EXPECT_EQ(program.process.wait().exit_code, 0);
  EXPECT_LT(taken.elapsed(), std::chrono::seconds{10});
}

}  // namespace
}  // namespace flowersec::testing
