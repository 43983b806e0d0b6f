// The client's half of the upgrade, and URLs.
#include "ws/client_upgrade.h"

#include <gtest/gtest.h>

#include <string>

namespace flowersec::ws {
namespace {

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

TEST(upgrade_request, has_exactly_the_headers_it_needs) {
  const auto text = upgrade_request_text(parse_url("wss://tunnel.example/ws?x=1").value(), key, "https://app.example",
                                         {{"X-Trace", "abc"}});
  EXPECT_EQ(text.value(),
            "GET /ws?x=1 HTTP/1.1\r\nHost: tunnel.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Origin: https://app.example\r\nX-Trace: abc\r\n\r\n");
}

TEST(upgrade_request, offers_the_subprotocol_it_is_given) {
  const auto text = upgrade_request_text(parse_url("ws://h/").value(), key, std::nullopt, {}, "ownwire.v2");
  EXPECT_NE(text.value().find("\r\nSec-WebSocket-Protocol: ownwire.v2\r\n"), std::string::npos);
}

TEST(upgrade_request, headers_that_would_forge_the_request_are_refused) {
  const auto to = parse_url("ws://h/").value();
  const extra_header refused[] = {{"Host", "x"},
                                  {"oriGIN", "x"},
                                  {"Connection", "x"},
                                  {"Upgrade", "x"},
                                  {"Sec-WebSocket-Key", "x"},
                                  {"sec-websocket-extensions", "x"},
                                  {"Content-Length", "5"},
                                  {"Transfer-Encoding", "chunked"},
                                  {"", "x"},
                                  {"Two Words", "x"},
                                  {"Colon:", "x"},
                                  {"X", "a\r\nY: b"},
                                  {"X", "a\nY: b"},
                                  {"X", std::string("a\0b", 3)}};
  for (const auto& header : refused) {
    EXPECT_EQ(upgrade_request_text(to, key, std::nullopt, {header}).error(), ws_errc::header_invalid) << header.name;
  }
  EXPECT_EQ(upgrade_request_text(to, key, "https://a\r\nX: y", {}).error(), ws_errc::header_invalid);
}

TEST(upgrade_request, keys_are_fresh_and_of_16_bytes) {
  const auto first = make_upgrade_key(system_random()).value();
  EXPECT_EQ(first.size(), 24u);
  EXPECT_TRUE(first.ends_with("=="));
  EXPECT_NE(first, make_upgrade_key(system_random()).value());
}

error_code check(const std::string& text) {
  response_head_parser parser;
  byte_view bytes = as_bytes(text);
  EXPECT_EQ(parser.consume(bytes), head_status::complete) << text;
  return check_upgrade_response(parser.head(), key);
}

const std::string front = "HTTP/1.1 101 Switching Protocols\r\n";
const std::string proof = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
const std::string upgraded = "Upgrade: WebSocket\r\nConnection: upgrade\r\n";

TEST(upgrade_response, a_proper_one_passes) {
  EXPECT_EQ(check(front + upgraded + proof + "\r\n"), error_code{});
  EXPECT_EQ(check(front + upgraded + proof + "Sec-WebSocket-Extensions: \r\n\r\n"), error_code{});
}

TEST(upgrade_response, every_defect_is_told_apart) {
  EXPECT_EQ(check(front + proof + "\r\n"), ws_errc::upgrade_invalid);
  EXPECT_EQ(check(front + "Upgrade: websocket\r\n" + proof + "\r\n"), ws_errc::upgrade_invalid);
  EXPECT_EQ(check(front + upgraded + "\r\n"), ws_errc::upgrade_invalid);
  EXPECT_EQ(check(front + upgraded + "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
            ws_errc::upgrade_invalid);
  EXPECT_EQ(check(front + upgraded + proof + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
            ws_errc::extension_selected);
  EXPECT_EQ(check(front + upgraded + proof + "Sec-WebSocket-Protocol: chat\r\n\r\n"), ws_errc::subprotocol_selected);
}

TEST(upgrade_response, another_status_is_reported_as_it_is) {
  for (const unsigned status : {200u, 301u, 403u, 404u, 429u, 503u}) {
    const auto error = check("HTTP/1.1 " + std::to_string(status) + " Whatever\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(refused_status(error), status);
  }
}

TEST(ws_url, parts_and_defaults) {
  struct row {
    const char* text;
    bool secure;
    const char* host;
    bool ip;
    std::uint16_t port;
    const char* target;
    const char* host_header;
  };
  const row rows[] = {
      {"wss://Tunnel.Example", true, "tunnel.example", false, 443, "/", "tunnel.example"},
      {"ws://h", false, "h", false, 80, "/", "h"},
      {"WSS://h:8443/ws", true, "h", false, 8443, "/ws", "h:8443"},
      {"ws://h:80/a/b?c=d#e", false, "h", false, 80, "/a/b?c=d", "h"},
      {"ws://h?q", false, "h", false, 80, "/?q", "h"},
      {"ws://127.0.0.1:9", false, "127.0.0.1", true, 9, "/", "127.0.0.1:9"},
      {"ws://[::1]:9/x", false, "::1", true, 9, "/x", "[::1]:9"},
      {"wss://[::1]", true, "::1", true, 443, "/", "[::1]"},
      {"ws://h:/x", false, "h", false, 80, "/x", "h"},
      {"ws://h/%2e%2F", false, "h", false, 80, "/%2e%2F", "h"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.text);
    const auto parsed = parse_url(row.text);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->secure, row.secure);
    EXPECT_EQ(parsed->host, row.host);
    EXPECT_EQ(parsed->host_is_ip, row.ip);
    EXPECT_EQ(parsed->port, row.port);
    EXPECT_EQ(parsed->target, row.target);
    EXPECT_EQ(parsed->host_header(), row.host_header);
  }
}

TEST(ws_url, what_is_not_a_websocket_url_is_refused) {
  for (const auto* text : {"",
                           "h",
                           "//h",
                           "http://h",
                           "https://h",
                           "wsss://h",
                           "ws:h",
                           "ws:/h",
                           "ws://",
                           "ws:///x",
                           "ws://user@h",
                           "ws://user:secret@h",
                           "ws://@h",
                           "ws://h:0",
                           "ws://h:65536",
                           "ws://h:x",
                           "ws://h h",
                           "ws://h/a b",
                           " ws://h",
                           "ws://h ",
                           "ws://h/\r\nX: y",
                           "ws://[::1",
                           "ws://[::g]",
                           "ws://[v1.x]",
                           "ws://h%0d%0a",
                           "ws://h%20x",
                           "ws://h%2Fx",
                           "ws://h%3A81",
                           "ws://u%40h",
                           "ws://h%C3%A9",
                           "ws://h/%zz"}) {
    EXPECT_EQ(parse_url(text).has_value(), false) << text;
  }
}

}  // namespace
}  // namespace flowersec::ws
