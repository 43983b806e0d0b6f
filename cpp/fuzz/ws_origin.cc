// First line an allow-list entry, the rest an Origin: no crash, and a wildcard never lets its own base through.
#include "flowersec/ws/origin_policy.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace flowersec;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  const auto origin = text.substr(line + 1);
  (void)ws::origin_policy::loopback_only().allows(origin);
  const auto policy = ws::origin_policy::allow_list({std::string{text.substr(0, line)}}, false);
  if (policy) (void)policy->allows(origin);
  const auto wildcard = ws::origin_policy::allow_list({"*.example.org"}, false);
  if (wildcard->allows("https://example.org") || wildcard->allows("")) std::abort();
  return 0;
}
