#include "flowersec/rpc/observer.h"

namespace flowersec::rpc {

const char* label(call_result result) noexcept {
  switch (result) {
    case call_result::ok:
      return "ok";
    case call_result::rpc_error:
      return "rpc_error";
    case call_result::handler_not_found:
      return "handler_not_found";
    case call_result::transport_error:
      return "transport_error";
    case call_result::canceled:
      return "canceled";
    case call_result::resource_exhausted:
      return "resource_exhausted";
  }
  return "unknown";
}

const char* label(frame_direction direction) noexcept { return direction == frame_direction::read ? "read" : "write"; }

}  // namespace flowersec::rpc
