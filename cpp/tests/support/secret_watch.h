// Remembers the secrets that pass through a test program, and looks for them where none may be: logs, metrics, errors.
// Test support. `process` feeds it and asks it by itself, so that every test that runs a program takes part.
// Secrets are found in each spelling a careless line could have: base64url, base64, hexadecimal, bytes as they are.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "flowersec/base/base64url.h"
#include "flowersec/base/bytes.h"

namespace flowersec::testing_support {

class secret_watch {
 public:
  /// The one of this program.
  [[nodiscard]] static secret_watch& instance() {
    static secret_watch watch;
    return watch;
  }

  /// `secret` as JSON carries it. Shorter ones than needle_bytes are chance, not secrets.
  void remember(std::string_view secret) {
    if (secret.size() < needle_bytes) return;
    const std::lock_guard lock{mutex_};
    // Of a token the signature is looked for: what stands before it repeats from token to token.
    std::string text{secret.substr(secret.starts_with("FST2.") ? secret.rfind('.') + 1 : 0, needle_bytes)};
    for (const auto& known : secrets_) {
      if (known.front() == text) return;
    }
    if (secrets_.size() == most_secrets) secrets_.pop_front();
    secrets_.push_back(spellings(std::move(text)));
  }

  /// Remembers what the secret members of JSON objects hold, wherever in `text` they stand.
  void learn_from(std::string_view text) {
    for (const std::string_view key :
         {"\"e2ee_psk_b64u\"", "\"privkey_b64u\"", "\"private_key_b64u\"", "\"token\"", "\"ticket\"", "\"bearer\""}) {
      for (auto at = text.find(key); at != text.npos; at = text.find(key, at + 1)) {
        const auto begin = text.find_first_not_of(" \t\r\n:", at + key.size());
        if (begin == text.npos || text[begin] != '"') continue;
        remember(text.substr(begin + 1, text.find('"', begin + 1) - begin - 1));
      }
    }
  }

  /// The surroundings of the first secret in `text`; nullopt when there is none.
  [[nodiscard]] std::optional<std::string> find_in(std::string_view text) const {
    constexpr std::size_t around = 60;
    const std::lock_guard lock{mutex_};
    for (const auto& secret : secrets_) {
      for (const auto& needle : secret) {
        const auto at = text.find(needle);
        if (at == text.npos) continue;
        return std::string{text.substr(at - std::min(at, around), 2 * around)};
      }
    }
    return std::nullopt;
  }

 private:
  /// Of 15 bytes: long enough not to appear by chance, short enough for a line that cuts.
  static constexpr std::size_t needle_bytes = 20;
  static constexpr std::size_t most_secrets = 1024;
  using spelled_secret = std::array<std::string, 4>;

  [[nodiscard]] static spelled_secret spellings(std::string text) {
    auto base64 = text;
    for (char& c : base64) c = c == '-' ? '+' : c == '_' ? '/' : c;
    std::string raw;
    std::string hexadecimal;
    if (const auto bytes = decode_base64url(text)) {
      raw = as_text(*bytes);
      constexpr std::string_view digits = "0123456789abcdef";
      for (const char c : raw) {
        hexadecimal += digits[static_cast<unsigned char>(c) >> 4U];
        hexadecimal += digits[static_cast<unsigned char>(c) & 15U];
      }
    } else {
      raw = hexadecimal = text;
    }
    return {std::move(text), std::move(base64), std::move(raw), std::move(hexadecimal)};
  }

  mutable std::mutex mutex_;
  std::deque<spelled_secret> secrets_;
};

/// Fails the test when `text`, which `source` shows to whoever may look, holds a secret.
inline void expect_no_secret(const std::string& source, std::string_view text) {
  const auto found = secret_watch::instance().find_in(text);
  if (found) ADD_FAILURE() << source << " shows a secret: ..." << *found << "...";
}

}  // namespace flowersec::testing_support
