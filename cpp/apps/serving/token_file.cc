#include "serving/token_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "cli/file.h"
#include "flowersec/base/text.h"

namespace flowersec::apps {
std::optional<problem> secret_file_problem(std::string_view flag, const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return std::nullopt;  // reading it says why
  const mode_t allowed = about.st_uid == ::geteuid() ? 0 : S_IRGRP;
  if ((about.st_mode & (S_IRWXG | S_IRWXO) & ~allowed) == 0) return std::nullopt;
  return problem{"invalid " + std::string{flag} + ": others can read or write " + path +
                 "; it is secret: chmod 600 it"};
}

or_problem<messages::sensitive_text> read_private_token_file(std::string_view flag, const std::string& path) {
  if (auto exposed = secret_file_problem(flag, path)) return *std::move(exposed);
  return read_token_file(flag, path, min_token_bytes);
}

or_problem<messages::sensitive_text> read_token_file(std::string_view flag, const std::string& path,
                                                     std::size_t min_bytes) {
  const auto invalid = "invalid " + std::string{flag} + ": ";
  auto read = read_watched_file(path, max_token_bytes + 2);  // a line's end behind the token
  if (!read) return problem{invalid + read.error().text};
  const messages::sensitive_text whole{std::move(*read)};
  const auto token = trim(whole.view());
  if (token.size() < min_bytes || token.size() > max_token_bytes) {
    return problem{invalid + path + " must hold " + std::to_string(min_bytes) + " to " +
                   std::to_string(max_token_bytes) + " characters"};
  }
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; })) {
    return problem{invalid + path + " must hold one word of printable ASCII"};
  }
  return messages::sensitive_text{token};
}

}  // namespace flowersec::apps
