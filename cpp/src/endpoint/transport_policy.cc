#include "flowersec/endpoint/transport_policy.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <optional>

#include "flowersec/endpoint/error.h"

namespace flowersec::endpoint {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::make_address;

// The text must be what the address prints as: one spelling per address, so that a list cannot be read two ways.
std::optional<address> canonical_address(const std::string& text) {
  boost::system::error_code failed;
  const auto parsed = make_address(text, failed);
  if (failed || parsed.to_string() != text) return std::nullopt;
  if (parsed.is_v6() && text.find('.') != std::string::npos) return std::nullopt;
  return parsed;
}

bool is_loopback_literal(const std::string& host) {
  if (host == "localhost" || host == "::1") return true;
  const auto parsed = canonical_address(host);
  return parsed && parsed->is_v4() && parsed->is_loopback();
}

bool is_network_unicast(const address& candidate) {
  if (candidate.is_loopback() || candidate.is_multicast() || candidate.is_unspecified()) return false;
  if (candidate.is_v4()) {
    const auto bytes = candidate.to_v4().to_bytes();
    const bool link_local = bytes[0] == 169 && bytes[1] == 254;
    const bool reserved = bytes[0] >= 224;
    return !link_local && !reserved;
  }
  const auto v6 = candidate.to_v6();
  return !v6.is_link_local() && !v6.is_v4_mapped() && v6.scope_id() == 0;
}

error_code invalid_option() {
  return make_error({.path = path::automatic, .stage = stage::validate, .code = endpoint_errc::invalid_option});
}

}  // namespace

transport_policy transport_policy::unsafe_loopback_plaintext() {
  return transport_policy{
      [](const transport_target& target) { return target.tls || is_loopback_literal(target.host); }};
}

result<transport_policy> transport_policy::unsafe_network_plaintext(std::vector<std::string> hosts,
                                                                    std::string_view acceptance) {
  if (hosts.empty() || acceptance != acceptance_literal) return invalid_option();
  for (const auto& host : hosts) {
    const auto parsed = canonical_address(host);
    if (!parsed || !is_network_unicast(*parsed)) return invalid_option();
  }
  return transport_policy{[listed = std::move(hosts)](const transport_target& target) {
    return target.tls || std::ranges::find(listed, target.host) != listed.end();
  }};
}

transport_policy transport_policy::custom(std::function<bool(const transport_target&)> allow) {
  return transport_policy{std::move(allow)};
}

bool transport_policy::allows(const transport_target& target) const noexcept {
  if (!allow_) return target.tls;
  try {
    return allow_(target);
  } catch (...) {
    return false;
  }
}

}  // namespace flowersec::endpoint
