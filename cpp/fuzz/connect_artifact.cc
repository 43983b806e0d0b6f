// Any text as a connect artifact, bare or in its envelope: what is accepted keeps the rules and survives being written.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "flowersec/token/artifact.h"

using namespace flowersec;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool has_sound_id(const std::optional<std::string>& id) { return !id || token::is_correlation_id(*id); }

bool keeps_the_rules(const token::connect_artifact& artifact) {
  const bool sound_scopes = artifact.scoped.size() <= token::max_artifact_scopes &&
                            std::ranges::all_of(artifact.scoped, [](const auto& entry) {
                              return !entry.scope.empty() && entry.scope.size() <= token::max_scope_name_bytes &&
                                     entry.scope_version != 0 && entry.payload.starts_with('{');
                            });
  const auto& correlation = artifact.correlation;
  return sound_scopes && (!correlation || (correlation->v == 1 && has_sound_id(correlation->trace_id) &&
                                           has_sound_id(correlation->session_id) && correlation->tags.has_value() &&
                                           correlation->tags->size() <= token::max_correlation_tags));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto artifact = token::decode_connect_artifact(text);
  if (!artifact) {
    require(artifact.error().text().starts_with("bad "));
    return 0;
  }
  require(keeps_the_rules(*artifact));
  const auto written = token::encode_connect_artifact(*artifact);
  if (!written) {
    // Escapes may make it longer than what was read, and so too long.
    require(size > messages::max_text_bytes / 6);
    return 0;
  }
  const auto again = token::decode_connect_artifact(written->view());
  require(again && token::encode_connect_artifact(*again)->view() == written->view());
  return 0;
}
