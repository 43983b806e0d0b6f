#include "flowersec/rpc/reply.h"

namespace flowersec::rpc {

reply failure(std::uint32_t code, std::string message) {
  if (code == 0) code = status::internal_error;
  if (message.empty()) message = "rpc error";
  return {.payload = "null", .error = call_error{code, std::move(message)}};
}

reply invalid_payload() { return failure(status::invalid_payload, "invalid payload"); }
reply handler_not_found() { return failure(status::handler_not_found, "handler not found"); }
reply server_overloaded() { return failure(status::server_overloaded, "server overloaded"); }
reply internal_error() { return failure(status::internal_error, "internal error"); }

}  // namespace flowersec::rpc
