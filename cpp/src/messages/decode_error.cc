#include "flowersec/messages/decode_error.h"

#include <boost/system/system_error.hpp>

namespace flowersec::messages {

const char* describe(messages_errc code) noexcept {
  switch (code) {
    case messages_errc::not_an_object:
      return "the text is not exactly one JSON object within the size limit";
    case messages_errc::bad_field:
      return "a field is missing, of the wrong type, out of range or unknown";
    case messages_errc::wrong_role:
      return "the grant is for the other role";
  }
  return "unknown messages error";
}

error_code make_error_code(messages_errc code) noexcept {
  static constexpr errc_category<messages_errc> category{"flowersec.messages"};
  return {static_cast<int>(code), category};
}

std::string decode_error::text() const {
  if (field.empty()) return "bad " + message;
  return "bad " + message + "." + field;
}

std::string decode_error::explanation() const {
  const auto why = field.empty() ? text() + ": " + describe(code) : text();
  return place.empty() ? why : place + ": " + why;
}

void throw_exception_from_error(const decode_error& failure, const boost::source_location& /*where*/) {
  throw boost::system::system_error(failure.code, failure.text());
}

}  // namespace flowersec::messages
