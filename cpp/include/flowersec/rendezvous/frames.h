// The frames that a client and a registry say to each other: on /rv/v1/ws as WebSocket texts, on the stream rv/registry
// of a sealed connection as JSON frames (base/json_frame.h).
// Layer rendezvous, part `frames`: texts only, no I/O and no state. Unknown types and keys are ignored; keys of peers
// are refused unless they are canonical. Source: REGISTRY, "Frames".
#pragma once

#include <array>
#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "flowersec/identity/registration.h"
#include "flowersec/rendezvous/channel_ticket.h"
#include "flowersec/rendezvous/error.h"
#include "flowersec/rendezvous/limits.h"

namespace flowersec::rendezvous {

inline constexpr std::string_view registry_stream_kind = "rv/registry";
inline constexpr std::string_view registry_ws_path = "/rv/v1/ws";
inline constexpr std::string_view registry_sealed_path = "/rv/v1/sealed";
inline constexpr std::uint32_t registry_version = 1;

using identity::public_key;
using challenge_value = std::array<std::byte, identity::challenge_bytes>;
using instance_id = std::array<std::byte, instance_bytes>;

/// Both ways. `t` is whatever the asker put in, 0 to 2^53 - 1; the answer repeats it.
struct ping_frame {
  std::uint64_t t = 0;
  friend bool operator==(const ping_frame&, const ping_frame&) = default;
};
struct pong_frame {
  std::uint64_t t = 0;
  friend bool operator==(const pong_frame&, const pong_frame&) = default;
};
/// A type of another version: to be ignored.
struct unknown_frame {
  friend bool operator==(const unknown_frame&, const unknown_frame&) = default;
};

// From the registry.

struct challenge_frame {
  std::vector<public_key> registry_keys{};  ///< 1 to max_offered_keys, the current one first; not authenticated
  challenge_value challenge{};
  std::uint32_t expires_in_s = 10;
  std::optional<std::uint32_t> pow_bits{};
  friend bool operator==(const challenge_frame&, const challenge_frame&) = default;
};
struct registered_frame {
  public_key key;
  std::string session{};
  std::uint32_t keepalive_s = 25;
  friend bool operator==(const registered_frame&, const registered_frame&) = default;
};
struct incoming_frame {
  std::string call_id{};
  public_key from;
  public_key eph;  ///< of the caller
  std::optional<std::string> note{};
  channel_ticket grant{};  ///< role server
  friend bool operator==(const incoming_frame&, const incoming_frame&) = default;
};
struct grant_frame {
  std::uint64_t rid = 0;
  std::string call_id{};
  public_key eph;          ///< of the callee
  channel_ticket grant{};  ///< role client
  friend bool operator==(const grant_frame&, const grant_frame&) = default;
};
struct cancelled_frame {
  std::string call_id{};
  friend bool operator==(const cancelled_frame&, const cancelled_frame&) = default;
};
struct presence_frame {
  public_key key;
  bool online = false;
  friend bool operator==(const presence_frame&, const presence_frame&) = default;
};
struct error_frame {
  rendezvous_errc code = rendezvous_errc::invalid_frame;
  std::optional<std::uint64_t> rid{};  ///< of the call it is about
  bool fatal = false;                  ///< the registry closes
  friend bool operator==(const error_frame&, const error_frame&) = default;
};

using server_frame = std::variant<challenge_frame, registered_frame, incoming_frame, grant_frame, cancelled_frame,
                                  presence_frame, ping_frame, pong_frame, error_frame, unknown_frame>;

// From a client.

struct register_frame {
  public_key key;
  public_key registry_key;  ///< the pinned one that was used
  identity::registration_proof proof{};
  instance_id instance{};  ///< random, one for each process
  bool replace = false;
  std::optional<identity::work_nonce> pow_nonce{};
  friend bool operator==(const register_frame&, const register_frame&) = default;
};
struct call_frame {
  std::uint64_t rid = 0;  ///< 1 to 2^53 - 1, rising per connection
  public_key to;
  public_key eph;
  std::optional<std::string> note{};  ///< at most max_note_bytes of UTF-8, not confidential
  friend bool operator==(const call_frame&, const call_frame&) = default;
};
struct accept_frame {
  std::string call_id{};
  public_key eph;
  friend bool operator==(const accept_frame&, const accept_frame&) = default;
};
struct decline_frame {
  std::string call_id{};
  friend bool operator==(const decline_frame&, const decline_frame&) = default;
};
struct cancel_frame {
  std::uint64_t rid = 0;
  friend bool operator==(const cancel_frame&, const cancel_frame&) = default;
};
/// 1 to max_watched_keys keys, in both.
struct watch_frame {
  std::vector<public_key> keys{};
  friend bool operator==(const watch_frame&, const watch_frame&) = default;
};
struct unwatch_frame {
  std::vector<public_key> keys{};
  friend bool operator==(const unwatch_frame&, const unwatch_frame&) = default;
};

using client_frame = std::variant<register_frame, call_frame, accept_frame, decline_frame, cancel_frame, watch_frame,
                                  unwatch_frame, ping_frame, pong_frame, unknown_frame>;

/// Found by result::value() on a refusal; throws std::runtime_error.
[[noreturn]] void throw_exception_from_error(const error_frame& what, const boost::source_location& where);

/// Shape    JSON text without white space, keys in the order of the structs. Not held against any limit.
[[nodiscard]] std::string encode(const server_frame& frame);
[[nodiscard]] std::string encode(const client_frame& frame);

/// Errors   the frame to answer with: invalid_frame, with the rid and not fatal where a call has one, else fatal.
[[nodiscard]] boost::system::result<client_frame, error_frame> decode_client_frame(std::string_view text);
/// nullopt when the registry does not keep to the format.
[[nodiscard]] std::optional<server_frame> decode_server_frame(std::string_view text);

}  // namespace flowersec::rendezvous
