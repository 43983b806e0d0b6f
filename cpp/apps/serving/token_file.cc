#include "serving/token_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "cli/file.h"
#include "flowersec/base/text.h"

namespace flowersec::apps {
namespace {

/// Whether somebody can use the file who has no business with it. A group may read the file of another owner: that is
/// how the system hands a service what it may read but not change.
bool is_open_to_others(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return false;  // reading it says why
  const mode_t allowed = about.st_uid == ::geteuid() ? 0 : S_IRGRP;
  return (about.st_mode & (S_IRWXG | S_IRWXO) & ~allowed) != 0;
}

}  // namespace

or_problem<messages::sensitive_text> read_token_file(std::string_view flag, const std::string& path) {
  const auto invalid = "invalid " + std::string{flag} + ": ";
  if (is_open_to_others(path)) {
    return problem{invalid + "others can read or write " + path + "; it is secret: chmod 600 it"};
  }
  auto read = read_text_file(path, max_token_bytes + 2);  // a line's end behind the token
  if (!read) return problem{invalid + read.error().text};
  const messages::sensitive_text whole{std::move(*read)};
  const auto token = trim(whole.view());
  if (token.size() < min_token_bytes || token.size() > max_token_bytes) {
    return problem{invalid + path + " must hold " + std::to_string(min_token_bytes) + " to " +
                   std::to_string(max_token_bytes) + " characters"};
  }
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; })) {
    return problem{invalid + path + " must hold one word of printable ASCII"};
  }
  return messages::sensitive_text{token};
}

}  // namespace flowersec::apps
