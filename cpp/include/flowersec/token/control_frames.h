// What travels on a control connection: an endpoint registers an id, and is then told of each client that asks for it.
// Layer token, part `control`. Texts only; what carries them is RPC on a direct session, the endpoint its client.
// Source: CONTROLPLANE, "Control connection".
#pragma once

#include <boost/assert/source_location.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "flowersec/base/error.h"
#include "flowersec/messages/controlplane_v1.h"

namespace flowersec::token {

// Constants of the format; nobody may tune them.
/// A request of the endpoint.
inline constexpr std::uint32_t control_register_type = 1001;
/// A notification of the control plane. Its payload is the grant itself: messages::encode() writes it and
/// messages::read_server_grant() reads it.
inline constexpr std::uint32_t control_grant_type = 1002;

/// Grants that an endpoint keeps while it is busy with others; one more is dropped.
inline constexpr std::size_t max_waiting_grants = 16;
inline constexpr std::size_t max_endpoint_id_bytes = 256;

/// Why a registration was refused, as the code of the answer. The connection lives.
namespace control_status {
inline constexpr std::uint32_t bad_request = 400;  ///< no JSON object, or no usable endpoint id
inline constexpr std::uint32_t forbidden = 403;    ///< the credential is for another endpoint id, or was revoked
inline constexpr std::uint32_t unavailable = 503;  ///< nobody can say now whose the credential is: to be asked again
}  // namespace control_status

/// A refusal in the words of the answer.
struct control_refusal {
  std::uint32_t code = 0;
  std::string message{};
  friend bool operator==(const control_refusal&, const control_refusal&) = default;
};

/// Found by result::value() on a refusal; throws std::runtime_error.
[[noreturn]] void throw_exception_from_error(const control_refusal& what, const boost::source_location& where);

/// The payload of a registration. The id is trimmed; one that is not UTF-8 makes a request that is refused.
[[nodiscard]] std::string encode_registration(std::string_view endpoint_id);

/// The trimmed id. Other keys are ignored.
/// Errors   400 `invalid json` for anything but an object whose endpoint_id is a text; 400 `missing endpoint_id` when
/// it
///          is absent, null or blank; 400 `bad endpoint_id` above max_endpoint_id_bytes.
[[nodiscard]] boost::system::result<std::string, control_refusal> decode_registration(std::string_view payload);

/// The payload of the answer to a registration that was granted: {"ok":true}.
[[nodiscard]] std::string encode_registered();
/// Whether the payload says so.
[[nodiscard]] bool decode_registered(std::string_view payload);

}  // namespace flowersec::token
