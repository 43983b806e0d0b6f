// What both ends of the encrypted internal link know beforehand.
// Layer apps. Blocking; for start-up and reload.
#pragma once

#include <string>

#include "cli/problem.h"
#include "flowersec/crypto/secret.h"

namespace flowersec::apps {

inline constexpr std::size_t max_psk_file_bytes = 65'536;

struct link_secret {
  std::string channel_id;
  crypto::psk psk;
};

/// A JSON object with channel_id and e2ee_psk_b64u; other keys are ignored, so connect info will do. A file that others
/// can use is refused. Problems name the flag and the file, never the secret.
[[nodiscard]] or_problem<link_secret> read_psk_file(const std::string& path);

}  // namespace flowersec::apps
