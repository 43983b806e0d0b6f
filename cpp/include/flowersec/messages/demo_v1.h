// Messages of flowersec.demo.v1, used by examples and tests only: no part of the protocol.
// Layer messages. A request and a notification to try PROTOCOL, "RPC calls", with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "flowersec/messages/decode_error.h"

namespace flowersec::messages::demo::v1 {

inline constexpr std::uint32_t demo_type_id_ping = 1;   ///< request: ping_request, answered by ping_response
inline constexpr std::uint32_t demo_type_id_hello = 2;  ///< notification: hello_notify

struct ping_request {};

struct ping_response {
  bool ok = false;
};

struct hello_notify {
  std::string hello;
};

[[nodiscard]] std::string encode(const ping_request& message);
[[nodiscard]] std::string encode(const ping_response& message);
[[nodiscard]] std::string encode(const hello_notify& message);
[[nodiscard]] decoded<ping_request> decode_ping_request(std::string_view text);
[[nodiscard]] decoded<ping_response> decode_ping_response(std::string_view text);
[[nodiscard]] decoded<hello_notify> decode_hello_notify(std::string_view text);

}  // namespace flowersec::messages::demo::v1
