#include "flowersec/token/control_frames.h"

#include <stdexcept>

#include "flowersec/base/text.h"

namespace flowersec::token {

using messages::controlplane::v1::endpoint_registered;
using messages::controlplane::v1::endpoint_registration;

void throw_exception_from_error(const control_refusal& what, const boost::source_location& /*where*/) {
  throw std::runtime_error{what.message};
}

std::string encode_registration(std::string_view endpoint_id) {
  return encode(endpoint_registration{.endpoint_id = std::string{trim(endpoint_id)}});
}

boost::system::result<std::string, control_refusal> decode_registration(std::string_view payload) {
  const auto read = messages::controlplane::v1::decode_endpoint_registration(payload);
  if (!read) return control_refusal{control_status::bad_request, "invalid json"};
  const auto endpoint_id = trim(read->endpoint_id ? std::string_view{*read->endpoint_id} : std::string_view{});
  if (endpoint_id.empty()) return control_refusal{control_status::bad_request, "missing endpoint_id"};
  if (endpoint_id.size() > max_endpoint_id_bytes) {
    return control_refusal{control_status::bad_request, "bad endpoint_id"};
  }
  return std::string{endpoint_id};
}

std::string encode_registered() { return encode(endpoint_registered{.ok = true}); }

bool decode_registered(std::string_view payload) {
  const auto read = messages::controlplane::v1::decode_endpoint_registered(payload);
  return read && read->ok;
}

}  // namespace flowersec::token
