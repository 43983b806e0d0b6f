// Any text as a keyset file or a private key file: a refusal always says something, what loads is what was listed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "flowersec/messages/token_v1.h"
#include "flowersec/token/keyset.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto keys = flowersec::token::keyset::parse(text);
  if (!keys && keys.error().text.empty()) std::abort();
  if (keys) {
    if (keys->size() == 0 || keys->kids().size() != keys->size()) std::abort();
    for (const auto& kid : keys->kids()) {
      if (keys->find(kid) == nullptr) std::abort();
    }
  }
  if (const auto file = flowersec::messages::token::v1::decode_private_key_file(text)) {
    const auto written = encode(*file);
    const auto again = flowersec::messages::token::v1::decode_private_key_file(written);
    if (!again || again->kid != file->kid || again->privkey_b64u.view() != file->privkey_b64u.view()) std::abort();
  }
  return 0;
}
