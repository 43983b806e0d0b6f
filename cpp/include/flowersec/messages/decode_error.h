// Why a message text was refused, down to the name of the field.
// Layer messages. Knows JSON texts, not what a protocol does about a bad one.
// Source: PROTOCOL, "JSON rules".
#pragma once

#include <boost/assert/source_location.hpp>
#include <string>

#include "flowersec/base/error.h"

namespace flowersec::messages {

/// Bound on any JSON text of the protocol, checked before parsing. A peer can make one decoder hold a few times this
/// much. Layers with a tighter limit (attach, handshake, stream hello) check theirs before they call a decoder.
inline constexpr std::size_t max_text_bytes = 1048576;

/// Each value refuses one text and ends nothing by itself; the caller knows what the text was part of.
enum class messages_errc {
  not_an_object = 1,  ///< longer than max_text_bytes, or not exactly one valid JSON object
  bad_field = 2,   ///< a field is missing, null, of the wrong type or out of range, or a strict object has a stranger
  wrong_role = 3,  ///< a grant for the other role
};

[[nodiscard]] const char* describe(messages_errc code) noexcept;
[[nodiscard]] error_code make_error_code(messages_errc code) noexcept;

/// What was wrong with a text. Never contains a value of the text, so it may be logged.
struct decode_error {
  messages_errc code{};
  std::string message;  ///< for example "ChannelInitGrant"
  std::string field;    ///< for example "token" or "keys[]"; empty when the text as a whole was refused
  std::string place{};  ///< inside lists, the element: for example "keys[1]"

  /// For example "bad ChannelInitGrant.token", or "bad ChannelInitGrant" where no field is to blame.
  [[nodiscard]] std::string text() const;
  /// The same for people, with the place and the reason where text() lacks them.
  [[nodiscard]] std::string explanation() const;
};

/// Found by result::value() on a failure; throws boost::system::system_error.
[[noreturn]] void throw_exception_from_error(const decode_error& failure, const boost::source_location& where);

template <class T>
using decoded = boost::system::result<T, decode_error>;

}  // namespace flowersec::messages

FLOWERSEC_REGISTER_ERRC(flowersec::messages::messages_errc)
