// The listening socket of a tunnel, shared by all its threads.
// Layer tunnel. Opened once, so that port 0 is resolved before anybody is told the address.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "flowersec/base/error.h"
#include "flowersec/tunnel/limits.h"

namespace flowersec::tunnel {

struct listen_address {
  std::string host;  ///< without brackets; empty for every interface
  std::string port;
};

/// host:port, [v6]:port or :port.
[[nodiscard]] std::optional<listen_address> parse_listen_address(std::string_view text);

class listener {
 public:
  listener() noexcept = default;
  ~listener() { close(); }
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

  /// Errors   tunnel_errc::bad_listen_address, or the system's.
  [[nodiscard]] error_code open(std::string_view address, const tunnel_limits& limits);
  void close() noexcept;

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  /// host:port as bound, IPv6 in brackets.
  [[nodiscard]] const std::string& address() const noexcept { return address_; }

 private:
  int descriptor_ = -1;
  std::string address_;
};

struct accepted {
  int descriptor = -1;
  std::string peer;          ///< ip:port; an IPv4 peer by its IPv4 address
  bool out_of_room = false;  ///< descriptors or memory are used up: trying again at once would spin
};

/// nullopt when nobody waits.
[[nodiscard]] std::optional<accepted> accept_one(int listening);

}  // namespace flowersec::tunnel
