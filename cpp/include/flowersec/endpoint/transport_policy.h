// Which WebSocket addresses a program is willing to dial.
// Layer endpoint. Pure: no DNS, no network. Source: PROTOCOL, "Transport policy".
//
// Without TLS everyone on the way reads the attach token before the end-to-end encryption starts, and learns who talks
// to whom. That is why plaintext is an explicit choice, in three sizes.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "flowersec/base/error.h"
#include "flowersec/endpoint/error.h"

namespace flowersec::endpoint {

/// What a policy decides on. The last three are the same texts in every language.
struct transport_target {
  std::string url;  ///< as given
  endpoint::path path = endpoint::path::automatic;
  bool tls = false;  ///< wss
  std::string host;  ///< lower case, without port and brackets

  [[nodiscard]] std::string_view scheme() const noexcept { return tls ? "wss" : "ws"; }
  /// What the program runs in; TypeScript has others.
  static constexpr std::string_view runtime = "native";
};

class transport_policy {
 public:
  /// The literal that allow_network_plaintext asks for, so that nobody writes it by accident.
  static constexpr std::string_view acceptance_literal = "accept_pre_e2ee_credential_exposure";

  /// Only wss. The default.
  transport_policy() = default;
  [[nodiscard]] static transport_policy require_tls() { return {}; }

  /// Also ws to `localhost`, `::1` and canonical dotted 127.0.0.0/8.
  [[nodiscard]] static transport_policy unsafe_loopback_plaintext();

  /// Also ws to these addresses: canonical lower-case IP literals, unicast, not loopback, link-local, multicast,
  /// reserved, unspecified, IPv4-mapped or zoned. No names, no brackets. Errors   endpoint_errc::invalid_option when
  /// the list is empty or has another entry, or when `acceptance` is not
  ///          acceptance_literal.
  [[nodiscard]] static result<transport_policy> unsafe_network_plaintext(std::vector<std::string> hosts,
                                                                         std::string_view acceptance);

  /// `allow` decides alone, for ws and wss. An exception is a denial.
  [[nodiscard]] static transport_policy custom(std::function<bool(const transport_target&)> allow);

  [[nodiscard]] bool allows(const transport_target& target) const noexcept;

 private:
  explicit transport_policy(std::function<bool(const transport_target&)> allow) : allow_(std::move(allow)) {}

  std::function<bool(const transport_target&)> allow_;  ///< empty: wss only
};

}  // namespace flowersec::endpoint
