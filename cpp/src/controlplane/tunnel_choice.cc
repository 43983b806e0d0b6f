#include "flowersec/controlplane/tunnel_choice.h"

#include "flowersec/crypto/hash.h"

namespace flowersec::controlplane {

std::uint64_t tunnel_score(std::string_view channel_id, std::string_view url) {
  const auto digest = crypto::sha256_hasher{}
                          .update(as_bytes(channel_id))
                          .update(as_bytes(std::string_view{"|"}))
                          .update(as_bytes(url))
                          .finish();
  return load_be<std::uint64_t>(digest.data());
}

std::string_view choose_tunnel(std::string_view channel_id, std::span<const std::string> urls) {
  std::string_view chosen;
  std::uint64_t highest = 0;
  for (const auto& url : urls) {
    const auto score = tunnel_score(channel_id, url);
    // The first counts even with a score of 0.
    if (&url != urls.data() && score <= highest) continue;
    chosen = url;
    highest = score;
  }
  return chosen;
}

}  // namespace flowersec::controlplane
