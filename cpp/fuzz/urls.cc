// Any text as a URL of each kind and as the address of a peer: what is taken can be put into a request line and a Host
// header without adding anything to them, and is stable when it is read again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "flowersec/base/web_url.h"
#include "flowersec/identity/address.h"

namespace {

using namespace flowersec;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Nothing that ends a line, a word or a header.
bool is_one_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

void check(const std::optional<web_url>& url, web_schemes schemes) {
  if (!url) return;
  require(is_one_word(url->host_header()) && is_one_word(url->target) && url->target.front() == '/');
  require(url->port != 0 && !url->host.empty());
  const auto text =
      std::string{url->secure ? schemes.secure : schemes.plain} + "://" + url->host_header() + url->target;
  const auto again = parse_web_url(text, schemes);
  require(again && again->same_origin(*url) && again->target == url->target);
}

}  // namespace

// The first line is a URL, what follows a reference seen from there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto line = text.substr(0, text.find('\n'));
  const auto rest = line.size() < text.size() ? text.substr(line.size() + 1) : std::string_view{};
  for (const auto schemes : {http_schemes, websocket_schemes}) {
    const auto url = parse_web_url(line, schemes);
    check(url, schemes);
    if (url) check(resolve_web_url(*url, rest, schemes), schemes);
  }
  if (const auto address = identity::parse_address(line)) {
    const auto again = identity::parse_address(identity::format_address(*address));
    require(again && again->key == address->key && again->site == address->site);
  }
  if (const auto registry = identity::parse_registry_url(line)) {
    require(registry->size() <= identity::max_registry_url_bytes && is_one_word(*registry));
    require(identity::parse_registry_url(*registry) == registry);
  }
  return 0;
}
