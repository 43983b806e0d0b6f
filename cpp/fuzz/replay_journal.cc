// A journal may hold anything. In whatever pieces it comes the findings are the same, and what is taken for good is
// byte for byte what would be written.
#include <cstdint>
#include <cstdlib>

#include "tunnel/journal_format.h"

namespace {

using namespace flowersec;
using namespace flowersec::tunnel;

struct findings {
  byte_buffer good;
  journal_reader::verdict verdict;
};

findings read(byte_view bytes, std::size_t piece) {
  findings found;
  journal_reader reader{[&](const journal_record& record) {
    if (found.good.empty()) append_journal_header(found.good);
    append_journal_record(found.good, record);
  }};
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(piece, bytes.size()));
    reader.feed(part);
    bytes = bytes.subspan(part.size());
  }
  found.verdict = reader.finish();
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span{data, size});
  const auto at_once = read(bytes, SIZE_MAX);
  const auto bytewise = read(bytes, 1);
  const auto& found = at_once.verdict;
  if (found.total_bytes != size || found.good_bytes > size) std::abort();
  if (at_once.good != bytewise.good || found.damage != bytewise.verdict.damage) std::abort();
  if (!at_once.good.empty() && !std::equal(at_once.good.begin(), at_once.good.end(), bytes.begin(),
                                           bytes.begin() + static_cast<std::ptrdiff_t>(found.good_bytes))) {
    std::abort();
  }
  return 0;
}
