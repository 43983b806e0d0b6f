// Which Origin headers an accepting side lets through.
// Layer ws, no I/O. Immutable after construction, so it may be read from any thread.
// Source: PROTOCOL, "Origin policy".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowersec::ws {

class origin_policy {
 public:
  /// Entries are tried in order; the first that matches accepts:
  ///   with "://"   same scheme, host and port (80 and 443 filled in), or the same text ignoring case
  ///   "*.base"     any proper subdomain of base, any port
  ///   host:port    exactly that host and port as written in the Origin
  ///   other        that host name with any port, or exactly that header value ("null")
  /// `allow_missing` lets requests without Origin pass.
  /// nullopt when no entry is left after trimming: an empty list is a mistake, never "everybody".
  [[nodiscard]] static std::optional<origin_policy> allow_list(const std::vector<std::string>& entries,
                                                               bool allow_missing);

  /// http and https origins of this machine (localhost, 127.0.0.0/8, [::1]) on any port, and requests without one.
  [[nodiscard]] static origin_policy loopback_only();

  /// Every request, with or without an Origin. Never what an entry of a list comes to: it is asked for by name.
  [[nodiscard]] static origin_policy everybody();

  /// `origin` is the first Origin header, nullopt when there is none; blank counts as none.
  [[nodiscard]] bool allows(std::optional<std::string_view> origin) const;

 private:
  origin_policy() = default;

  std::vector<std::string> entries_;
  bool allow_missing_ = false;
  bool loopback_ = false;
  bool everybody_ = false;
};

}  // namespace flowersec::ws
