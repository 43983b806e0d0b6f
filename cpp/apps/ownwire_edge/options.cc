#include "ownwire_edge/options.h"

#include <array>

#include "cli/values.h"
#include "flowersec/base/base64url.h"
#include "flowersec/crypto/hash.h"

namespace flowersec::apps {
namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t kid_bytes = 8;

std::vector<help_block> blocks() {
  return {
      {"Usage",
       {"ownwire-edge --server-key KEY --backend-token-file FILE [flags]",
        "ownwire-edge --server-key KEY --extract-assets FOLDER [flags]", "ownwire-edge --check-config [flags]"}},
      {"Examples",
       {"ownwire --print-key                      # on the backend's machine",
        "ownwire-edge --server-key KOiZFcEslzcVp65XDvZD0Kia7VMFGgtBDq7QFKqDhEE --backend-token-file token",
        "ownwire --behind wss://edge.example/backend --behind-token-file token    # on the backend's machine"}},
      {"Output",
       {"stdout: one JSON line once everything listens: version, commit, date, listen, http_url, ws_url,",
        "        backend_url, server_key, kid, and metrics_url when there is such a listener. With --extract-assets a",
        "        line per file, with its integrity value when it is a script.", "stderr: log lines."}},
      {"Exit codes",
       {"0  stopped by a signal; --help, --version, --extract-assets; --check-config found nothing wrong",
        "1  a file or a listener failed", "2  usage error; --check-config found something"}},
      {"Signals",
       {"SIGHUP           read the backend token again; a bad file changes nothing",
        "SIGINT, SIGTERM  close and stop; at once at the second"}},
  };
}

}  // namespace

void edge_command::fill_blanks() {
  front.fill_blanks();
  std::vector<std::string> keys;
  for (const auto& item : server_keys) {
    for (auto& key : split_comma_list(item)) keys.push_back(std::move(key));
  }
  server_keys = std::move(keys);
}

program describe_edge(edge_command& c) {
  auto options = front_options(c.front);
  const std::vector<option> own{
      {"server-key", &c.server_keys,
       "public key of the backend, as ownwire --print-key shows it (required; repeatable, the current one first)"},
      {"backend-token-file", &c.backend_token_file,
       "file with the token that a backend shows (required but for --extract-assets)"},
  };
  options.insert(options.end(), own.begin(), own.end());
  return {.name = "ownwire-edge",
          .summary =
              "The public port of an ownwire that runs elsewhere: serves its pages and joins each browser to it, "
              "without the keys to read a word.",
          .blocks = blocks(),
          .options = std::move(options),
          .refuses_words = true,
          .common_help = true};
}

std::optional<std::string> usage_problem(const edge_command& c) {
  if (auto complaint = front_problem(c.front)) return complaint;
  if (c.server_keys.empty()) return "missing --server-key: ownwire --print-key shows it";
  for (const auto& key : c.server_keys) {
    if (!is_public_key(key)) return "invalid --server-key: " + key + " is not a key of 43 characters of base64url";
  }
  if (c.backend_token_file.empty() && c.front.extract_to.empty()) {
    return "missing --backend-token-file: the token that ownwire --behind shows";
  }
  return std::nullopt;
}

bool is_public_key(std::string_view text) {
  std::array<std::byte, key_bytes> key{};
  return decode_base64url_into(text, key);
}

std::string kid_of(std::string_view public_key) {
  std::array<std::byte, key_bytes> key{};
  if (!decode_base64url_into(public_key, key)) return {};
  const auto digest = crypto::sha256(key);
  return encode_base64url(byte_view{digest}.first(kid_bytes));
}

}  // namespace flowersec::apps
