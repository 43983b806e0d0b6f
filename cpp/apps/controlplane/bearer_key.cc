#include "controlplane/bearer_key.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "cli/file.h"
#include "flowersec/base/text.h"

namespace flowersec::apps::plane {
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

or_problem<messages::sensitive_text> read_bearer_key(const std::string& path) {
  if (is_open_to_others(path)) {
    return problem{"invalid --bearer-key-file: others can read or write " + path + "; it is secret: chmod 600 it"};
  }
  auto read = read_text_file(path, max_bearer_key_bytes + 2);  // a line's end behind the key
  if (!read) return problem{"invalid --bearer-key-file: " + read.error().text};
  const messages::sensitive_text whole{std::move(*read)};
  const auto key = trim(whole.view());
  if (key.size() < min_bearer_key_bytes || key.size() > max_bearer_key_bytes) {
    return problem{"invalid --bearer-key-file: " + path + " must hold " + std::to_string(min_bearer_key_bytes) +
                   " to " + std::to_string(max_bearer_key_bytes) + " characters"};
  }
  if (!std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c <= '~'; })) {
    return problem{"invalid --bearer-key-file: " + path + " must hold one word of printable ASCII"};
  }
  return messages::sensitive_text{key};
}

}  // namespace flowersec::apps::plane
