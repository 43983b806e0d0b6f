// Any text as an invitation's link, and as the JSON inside one: what is accepted is written and read again the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "flowersec/base/base64url.h"
#include "flowersec/identity/address.h"
#include "flowersec/identity/invitation.h"

using namespace flowersec;

namespace {

void check(std::string_view link) {
  const auto read = identity::invitation::parse(link);
  if (!read) return;
  if (link.size() > identity::max_link_bytes ||
      identity::parse_registry_url(read->registry_url) != read->registry_url) {
    std::abort();
  }
  const auto again = identity::invitation::parse(read->fragment());
  if (!again || again->fragment() != read->fragment() || again->note() != read->note()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  check(text);
  check("#fsi1=" + encode_base64url(as_bytes(text)));
  if (const auto read = identity::parse_address(text)) {
    const auto again = identity::parse_address(identity::format_address(*read));
    if (!again || again->site != read->site || again->key != read->key) std::abort();
  }
  return 0;
}
