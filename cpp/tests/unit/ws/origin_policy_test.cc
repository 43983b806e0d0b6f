// The Origin allow-list: the published examples row by row, and what tries to look like them.
#include "flowersec/ws/origin_policy.h"

#include <gtest/gtest.h>

namespace flowersec::ws {
namespace {

struct row {
  const char* origin;
  const char* entry;
  bool allowed;
};

bool allowed(std::string_view origin, std::string entry) {
  return origin_policy::allow_list({std::move(entry)}, false)->allows(origin);
}

const row published[] = {
    {"https://Ex.com", "https://ex.com:443", true},
    {"http://ex.com", "https://ex.com", false},
    {"https://ex.com/path", "https://ex.com", true},
    {"https://ex.com", "https://ex.com/x", true},
    {"https://ex.com", "https://*.ex.com", false},
    {"https://ex.com", "ex.com:443", false},
    {"https://ex.com:443", "ex.com:443", true},
    {"https://ex.com:9", "ex.com", true},
    {"https://a.b.ex.com", "*.ex.com", true},
    {"https://ex.com", "*.ex.com", false},
    {"https://evilex.com", "*.ex.com", false},
    {"https://a.ex.com:9", "*.ex.com:9", false},
    {"null", "null", true},
    {"NULL", "null", false},
    {"http://[::1]:5", "::1", true},
    {"http://[::1]:5", "[::1]:5", true},
    {"http://[::1]:5", "[::1]", false},
    {"http://[::1]", "http://[::1]:80", true},
    {"file://", "file://", true},
    {"chrome-extension://abc", "abc", true},
    {"https://ex.com", "*", false},
    {"https://ex.com.", "ex.com", false},
};

TEST(origin_policy, published_examples) {
  for (const auto& [origin, entry, expected] : published) {
    EXPECT_EQ(allowed(origin, entry), expected) << origin << " against " << entry;
  }
}

const row beyond[] = {
    // Full origins.
    {"HTTPS://ex.com", "https://EX.com", true},
    {"http://ex.com", "http://ex.com:80", true},
    {"http://ex.com:8080", "http://ex.com", false},
    {"wss://ex.com", "wss://ex.com:443", false},
    {"wss://ex.com:7", "WSS://EX.com:7", true},
    {"https://user@ex.com", "https://ex.com", true},
    {"https://ex.com@evil.org", "https://ex.com", false},
    {"https://ex.com.evil.org", "https://ex.com", false},
    {"https://evil.org/https://ex.com", "https://ex.com", false},
    {"https://evil.org?://ex.com", "https://ex.com", false},
    {"https://evil.org#https://ex.com", "https://ex.com", false},
    {"https://ex.com\\@evil.org", "https://ex.com", false},
    {"https://ex.com:", "https://ex.com", true},
    {"https://ex.com:https", "https://ex.com", false},
    {"ftp://ex.com", "FTP://Ex.com", true},
    // Subdomains.
    {"https://A.EX.com", "*.ex.COM", true},
    {"https://a.ex.com:9", "*.ex.com", true},
    {"https://a.ex.com", "*.", false},
    {"https://.ex.com", "*.ex.com", false},
    {"https://a.ex.com.evil.org", "*.ex.com", false},
    {"https://evil.org/a.ex.com", "*.ex.com", false},
    {"null", "*.null", false},
    // Host and port.
    {"https://EX.com:9", "ex.COM:9", true},
    {"https://ex.com:99", "ex.com:9", false},
    {"https://ex.com", "ex.com:", false},
    {"ex.com:9", "ex.com:9", true},
    // Bare hosts and literal values.
    {"https://EX.com", "ex.com", true},
    {"https://ex.community", "ex.com", false},
    {"https://notex.com", "ex.com", false},
    {"ex.com", "ex.com", true},
    {"Ex.com", "ex.com", false},
    {"https://[::1", "::1", false},
    {"http://[::1]x", "::1", false},
    {"http://ex com", "ex com", false},
};

TEST(origin_policy, cases_beyond_the_examples) {
  for (const auto& [origin, entry, expected] : beyond) {
    EXPECT_EQ(allowed(origin, entry), expected) << origin << " against " << entry;
  }
}

TEST(origin_policy, any_entry_of_the_list_accepts) {
  const auto policy = origin_policy::allow_list({"https://a.org", " *.b.org ", "", "null"}, false);
  ASSERT_TRUE(policy);
  EXPECT_TRUE(policy->allows("https://a.org"));
  EXPECT_TRUE(policy->allows("https://x.b.org"));
  EXPECT_TRUE(policy->allows(" null "));
  EXPECT_FALSE(policy->allows("https://c.org"));
}

TEST(origin_policy, an_empty_list_is_a_mistake_even_with_requests_without_origin_allowed) {
  EXPECT_FALSE(origin_policy::allow_list({}, true));
  EXPECT_FALSE(origin_policy::allow_list({"", "  ", "\t"}, true));
}

TEST(origin_policy, everybody_is_let_in_only_when_that_is_asked_for_by_name) {
  const auto policy = origin_policy::everybody();
  EXPECT_TRUE(policy.allows("https://anywhere.example"));
  EXPECT_TRUE(policy.allows("null"));
  EXPECT_TRUE(policy.allows(std::nullopt));
  EXPECT_FALSE(origin_policy::allow_list({"*"}, false)->allows("https://anywhere.example"));
}

TEST(origin_policy, a_missing_origin_passes_only_when_allowed) {
  const auto strict = origin_policy::allow_list({"ex.com"}, false);
  const auto lenient = origin_policy::allow_list({"ex.com"}, true);
  for (const auto& missing : {std::optional<std::string_view>{}, std::optional<std::string_view>{""},
                              std::optional<std::string_view>{" \t"}}) {
    EXPECT_FALSE(strict->allows(missing));
    EXPECT_TRUE(lenient->allows(missing));
  }
  EXPECT_FALSE(lenient->allows("https://other.org"));
}

TEST(origin_policy, loopback_only_takes_origins_of_this_machine) {
  const auto policy = origin_policy::loopback_only();
  EXPECT_TRUE(policy.allows(std::nullopt));
  for (const auto* origin : {"http://localhost", "https://localhost:8443", "http://LOCALHOST:3000", "http://127.0.0.1",
                             "http://127.0.0.1:80", "https://127.255.255.255", "http://[::1]", "https://[::1]:9"}) {
    EXPECT_TRUE(policy.allows(origin)) << origin;
  }
  for (const auto* origin : {"null",
                             "ws://localhost",
                             "file://localhost",
                             "http://localhost.evil.org",
                             "http://evil.localhost",
                             "http://127.0.0.1.evil.org",
                             "http://127.1",
                             "http://127.0.0.01",
                             "http://127.0.0.256",
                             "http://128.0.0.1",
                             "http://[::2]",
                             "http://[::ffff:127.0.0.1]",
                             "http://::1",
                             "http://[localhost]",
                             "http://localhost@evil.org",
                             "http://0.0.0.0",
                             "http://2130706433",
                             "localhost",
                             "127.0.0.1",
                             "https://ex.com"}) {
    EXPECT_FALSE(policy.allows(origin)) << origin;
  }
}

}  // namespace
}  // namespace flowersec::ws
