// Any text as a key file: a refusal always says something and never a key; what loads is found under its id.
#include <cstdint>
#include <cstdlib>

#include "flowersec/base/base64url.h"
#include "flowersec/sealed/key_file.h"

using namespace flowersec;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto keys = sealed::parse_key_file(text);
  if (!keys) {
    if (keys.error().text.empty() || !keys.error().code) std::abort();
    return 0;
  }
  if (keys->entries().empty() || keys->entries().size() > sealed::max_keys) std::abort();
  for (const auto& entry : keys->entries()) {
    if (keys->find(entry.key.kid()) != &entry.key || entry.key.public_half().kid() != entry.key.kid()) std::abort();
    if (count(entry.created_at) < 0) std::abort();
  }
  if (&keys->current() != &keys->entries().front().key) std::abort();
  return 0;
}
