#include "controlplane/bearer_key.h"

#include <algorithm>

#include "cli/file.h"
#include "flowersec/base/text.h"

namespace flowersec::apps::plane {

or_problem<messages::sensitive_text> read_bearer_key(const std::string& path) {
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
