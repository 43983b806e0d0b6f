// Any text as an identity file: what is accepted is written and read again the same. A text that is sealed is not
// opened, since it can ask for 256 MiB and seconds of work.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "flowersec/identity/file.h"

using namespace flowersec;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto stored = identity::import_identity(text, std::nullopt);
  if (!stored) return 0;
  const auto written = identity::export_identity(stored->known, std::nullopt, system_random());
  if (!written) std::abort();
  const auto again = identity::import_identity(written->view(), std::nullopt);
  if (!again || again->known.size() != stored->known.size() || again->self->key() != stored->self->key()) std::abort();
  return 0;
}
