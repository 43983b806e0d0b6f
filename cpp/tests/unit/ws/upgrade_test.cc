// The server's half of the upgrade: parsing of heads, checks in their order, texts of the answers.
#include "flowersec/ws/upgrade.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace flowersec::ws {
namespace {

/// A request that passes; tests change one header each.
std::map<std::string, std::string> good_headers() {
  return {{"Host", "tunnel.example"},        {"Connection", "Upgrade"},
          {"Upgrade", "websocket"},          {"Sec-WebSocket-Version", "13"},
          {"Origin", "https://app.example"}, {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
}

std::string text_of(const std::map<std::string, std::string>& headers, const std::string& line = "GET /ws HTTP/1.1") {
  std::string text = line + "\r\n";
  for (const auto& [name, value] : headers) text.append(name).append(": ").append(value).append("\r\n");
  return text + "\r\n";
}

/// Parses in chunks; the parser owns what the head points into.
struct parsed {
  explicit parsed(const std::string& text, std::size_t chunk = 1024 * 1024) {
    byte_view bytes = as_bytes(text);
    while (!bytes.empty() && status == head_status::need_more) {
      auto piece = bytes.first(std::min(chunk, bytes.size()));
      const auto size = piece.size();
      status = parser.consume(piece);
      bytes = bytes.subspan(size - piece.size());
    }
    rest = std::string{as_text(bytes)};
  }

  request_head_parser parser;
  head_status status = head_status::need_more;
  std::string rest;
};

std::optional<refusal> check(const std::string& text) {
  const parsed request{text};
  EXPECT_EQ(request.status, head_status::complete) << text;
  const auto origins = origin_policy::allow_list({"https://app.example"}, false);
  return check_upgrade(request.parser.head(), *origins);
}

TEST(request_head, reads_the_same_in_every_chunking) {
  const auto text = text_of(good_headers(), "GET /ws?a=b HTTP/1.1") + "early bytes";
  for (std::size_t chunk = 1; chunk <= text.size(); ++chunk) {
    const parsed request{text, chunk};
    ASSERT_EQ(request.status, head_status::complete) << chunk;
    const auto& head = request.parser.head();
    EXPECT_EQ(head.method, "GET");
    EXPECT_EQ(head.target, "/ws?a=b");
    EXPECT_EQ(head.path(), "/ws");
    EXPECT_EQ(head.first("oRIGIN"), "https://app.example");
    EXPECT_EQ(head.first("Absent"), std::nullopt);
    EXPECT_TRUE(head.keep_alive);
    EXPECT_FALSE(head.has_body);
    EXPECT_EQ(request.rest, "early bytes") << chunk;
  }
}

TEST(request_head, finds_the_path_in_every_form_of_target) {
  struct row {
    const char* target;
    const char* path;
    const char* query;
  };
  for (const auto& [target, path, query] :
       {row{"/ws", "/ws", ""}, row{"/ws?", "/ws", "?"}, row{"http://x/ws", "/ws", ""},
        row{"HTTPS://[::1]:443/a/b?c=d://e/f", "/a/b", "?c=d://e/f"}, row{"http://x", "/", ""},
        row{"http://x?q=/y", "/", "?q=/y"}, row{"/a://b/c", "/a://b/c", ""}, row{"//x/ws", "//x/ws", ""},
        row{"*", "*", ""}, row{"x:1", "x:1", ""}}) {
    const parsed request{std::string{"GET "} + target + " HTTP/1.1\r\n\r\n"};
    ASSERT_EQ(request.status, head_status::complete) << target;
    EXPECT_EQ(request.parser.head().path(), path) << target;
    EXPECT_EQ(request.parser.head().query(), query) << target;
  }
}

TEST(request_head, every_truncation_needs_more) {
  const auto text = text_of(good_headers());
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(parsed{text.substr(0, size)}.status, head_status::need_more) << size;
  }
}

TEST(request_head, what_is_not_http_is_invalid) {
  const std::string defects[] = {"GET\r\n\r\n",
                                 "GET /ws\r\n\r\n",
                                 "GET /ws HTTP/2.0\r\n\r\n",
                                 "GET /ws FTP/1.1\r\n\r\n",
                                 "G@T /ws HTTP/1.1\r\n\r\n",
                                 "GET /ws HTTP/1.1\r\nNo Colon Here\r\n\r\n",
                                 "GET /ws HTTP/1.1\r\nA\x01: b\r\n\r\n",
                                 "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client hello\r\n\r\n"};
  for (const auto& text : defects) EXPECT_EQ(parsed{text}.status, head_status::invalid) << text;
}

TEST(request_head, the_header_limit_is_exact) {
  const auto of_size = [](std::size_t size) {
    const std::string front = "GET / HTTP/1.1\r\nA: ";
    return front + std::string(size - front.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(parsed{of_size(max_request_head_bytes)}.status, head_status::complete);
  EXPECT_EQ(parsed{of_size(max_request_head_bytes + 1)}.status, head_status::too_large);
  EXPECT_EQ(parsed{of_size(max_request_head_bytes + 1).substr(0, max_request_head_bytes)}.status,
            head_status::too_large);
}

// Found by fuzzing: for which of the two depends on the pieces.
TEST(request_head, nonsense_that_is_too_long_is_refused_in_every_chunking) {
  const std::string name = "GET / HTTP/1.1\r\nNo Colon Here";
  const std::string text = name + std::string(max_request_head_bytes + 1 - name.size(), 'x');
  for (const std::size_t chunk : {1, 7, 100, 1000, 8191, 8192, 8193}) {
    const parsed request{text, chunk};
    EXPECT_TRUE(request.status == head_status::invalid || request.status == head_status::too_large) << chunk;
  }
}

TEST(request_head, tells_bodies_and_connections_that_end) {
  EXPECT_TRUE(parsed{"POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\n"}.parser.head().has_body);
  EXPECT_TRUE(parsed{"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"}.parser.head().has_body);
  EXPECT_FALSE(parsed{"POST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n"}.parser.head().has_body);
  EXPECT_FALSE(parsed{"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"}.parser.head().keep_alive);
  EXPECT_FALSE(parsed{"GET / HTTP/1.0\r\n\r\n"}.parser.head().keep_alive);
}

TEST(upgrade_check, a_proper_request_passes) { EXPECT_EQ(check(text_of(good_headers())), std::nullopt); }

TEST(upgrade_check, lists_and_letter_case_of_real_clients_pass) {
  auto headers = good_headers();
  headers["Connection"] = "keep-alive, UPGRADE";
  headers["Upgrade"] = "h2c, WebSocket";
  headers["Sec-WebSocket-Version"] = "8, 13";
  headers["Sec-WebSocket-Extensions"] = "permessage-deflate; client_max_window_bits";
  headers["Sec-WebSocket-Protocol"] = "chat, superchat";
  EXPECT_EQ(check(text_of(headers, "GET /ws?token=ignored HTTP/1.1")), std::nullopt);
}

struct defect {
  const char* name;
  const char* header;
  const char* value;  ///< nullptr: left out
  refusal answer;
};

const defect defects[] = {
    {"no_connection", "Connection", nullptr, refusal::bad_request},
    {"connection_without_upgrade", "Connection", "keep-alive", refusal::bad_request},
    {"connection_with_a_longer_token", "Connection", "upgrades", refusal::bad_request},
    {"no_upgrade", "Upgrade", nullptr, refusal::bad_request},
    {"upgrade_to_something_else", "Upgrade", "h2c", refusal::bad_request},
    {"no_version", "Sec-WebSocket-Version", nullptr, refusal::bad_request},
    {"old_version", "Sec-WebSocket-Version", "8", refusal::bad_request},
    {"version_that_starts_alike", "Sec-WebSocket-Version", "130", refusal::bad_request},
    {"no_origin", "Origin", nullptr, refusal::forbidden},
    {"blank_origin", "Origin", "", refusal::forbidden},
    {"foreign_origin", "Origin", "https://evil.example", refusal::forbidden},
    {"no_key", "Sec-WebSocket-Key", nullptr, refusal::bad_request},
    {"empty_key", "Sec-WebSocket-Key", "", refusal::bad_request},
    {"key_of_15_bytes", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j", refusal::bad_request},
    {"key_of_17_bytes", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZSE=", refusal::bad_request},
    {"key_of_18_bytes", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZSEh", refusal::bad_request},
    {"key_without_padding", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ", refusal::bad_request},
    {"key_with_padding_in_the_middle", "Sec-WebSocket-Key", "AAAA=AAAAAAAAAAAAAAAAA==", refusal::bad_request},
    {"key_with_more_padding", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZ===", refusal::bad_request},
    {"key_with_a_space", "Sec-WebSocket-Key", "dGhlIHNhbXBs SBub25jZQ==", refusal::bad_request},
    {"key_with_foreign_characters", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZ_==", refusal::bad_request},
};

TEST(upgrade_check, every_defect_has_its_status) {
  for (const auto& [name, header, value, answer] : defects) {
    SCOPED_TRACE(name);
    auto headers = good_headers();
    headers.erase(header);
    if (value != nullptr) headers[header] = value;
    EXPECT_EQ(check(text_of(headers)), answer);
  }
}

TEST(upgrade_check, other_methods_are_405) {
  for (const auto* line : {"POST /ws HTTP/1.1", "HEAD /ws HTTP/1.1", "OPTIONS /ws HTTP/1.1", "get /ws HTTP/1.1"}) {
    EXPECT_EQ(check(text_of(good_headers(), line)), refusal::method_not_allowed) << line;
  }
}

TEST(upgrade_check, the_first_failing_check_decides) {
  auto headers = good_headers();
  headers.erase("Sec-WebSocket-Key");
  headers["Origin"] = "https://evil.example";
  EXPECT_EQ(check(text_of(headers)), refusal::forbidden);  // Origin comes before the key
  headers.erase("Sec-WebSocket-Version");
  EXPECT_EQ(check(text_of(headers)), refusal::bad_request);                              // the version before Origin
  EXPECT_EQ(check(text_of(headers, "POST /ws HTTP/1.1")), refusal::method_not_allowed);  // the method before that
  headers.erase("Upgrade");
  EXPECT_EQ(check(text_of(headers, "POST /ws HTTP/1.1")), refusal::bad_request);  // the upgrade first of all
}

TEST(upgrade_answer, accept_proves_the_key_of_the_rfc_and_selects_nothing) {
  EXPECT_EQ(sec_websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  auto headers = good_headers();
  headers["Sec-WebSocket-Extensions"] = "permessage-deflate";
  headers["Sec-WebSocket-Protocol"] = "chat";
  const parsed request{text_of(headers)};
  EXPECT_EQ(accept_text(request.parser.head()),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

TEST(upgrade_answer, a_named_subprotocol_is_selected) {
  const parsed request{text_of(good_headers())};
  EXPECT_EQ(accept_text(request.parser.head(), "ownwire.v2"),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: ownwire.v2\r\n\r\n");
}

TEST(upgrade_answer, refusals_name_their_reason_and_the_version) {
  EXPECT_EQ(refusal_text(refusal::forbidden, false),
            "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
            "Sec-Websocket-Version: 13\r\nContent-Length: 10\r\nConnection: close\r\n\r\nForbidden\n");
  EXPECT_EQ(refusal_text(refusal::bad_request, true),
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "X-Content-Type-Options: nosniff\r\nSec-Websocket-Version: 13\r\nContent-Length: 12\r\n\r\nBad Request\n");
  EXPECT_NE(refusal_text(refusal::method_not_allowed, true).find("405 Method Not Allowed"), std::string::npos);
}

TEST(upgrade_answer, plain_answers_carry_their_text) {
  EXPECT_EQ(plain_answer_text(503, "tunnel server closed", false),
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "X-Content-Type-Options: nosniff\r\nContent-Length: 21\r\nConnection: close\r\n\r\ntunnel server closed\n");
}

}  // namespace
}  // namespace flowersec::ws
