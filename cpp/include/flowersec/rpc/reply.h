// What a request is answered with.
// Layer rpc. Payloads are raw JSON text and pass through unchanged. Source: PROTOCOL, "RPC errors".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace flowersec::rpc {

/// Codes that the transport itself uses. All others belong to the application.
namespace status {
inline constexpr std::uint32_t invalid_payload = 400;
inline constexpr std::uint32_t handler_not_found = 404;
inline constexpr std::uint32_t server_overloaded = 429;
inline constexpr std::uint32_t internal_error = 500;
}  // namespace status

/// The peer's refusal of a call. The RPC stream lives; whether to try again is the application's contract.
struct call_error {
  std::uint32_t code = status::internal_error;
  std::string message;  ///< empty when the peer sent none

  friend bool operator==(const call_error&, const call_error&) = default;
};

/// One response. When `error` is set the call failed, whatever `payload` holds.
struct reply {
  std::string payload = "null";  ///< JSON text; empty counts as null
  std::optional<call_error> error{};

  [[nodiscard]] bool ok() const noexcept { return !error; }
  friend bool operator==(const reply&, const reply&) = default;
};

[[nodiscard]] inline reply success(std::string payload) { return {.payload = std::move(payload)}; }

/// An application's error. Code 0 is sent as 500 and an empty message as "rpc error", so that a peer always finds both.
[[nodiscard]] reply failure(std::uint32_t code, std::string message);

/// The transport's own answers.
[[nodiscard]] reply invalid_payload();
[[nodiscard]] reply handler_not_found();
[[nodiscard]] reply server_overloaded();
[[nodiscard]] reply internal_error();

}  // namespace flowersec::rpc
