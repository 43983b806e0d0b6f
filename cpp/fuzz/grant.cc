// Any text as a grant, raw or wrapped, or as a direct info: what is accepted survives being written again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "flowersec/messages/grant_file.h"

using namespace flowersec::messages;

namespace {

template <class Read>
void check(Read read, std::string_view text) {
  const auto first = read(text);
  if (!first) return;
  const auto written = encode(*first);
  const auto second = read(written);
  if (!second || encode(*second) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  check(read_client_grant, text);
  check(read_server_grant, text);
  check(read_raw_grant, text);
  check(read_direct_info, text);
  return 0;
}
