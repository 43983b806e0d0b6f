#include "flowersec/rpc/router.h"

#include <exception>

namespace flowersec::rpc {

router& router::on_request(std::uint32_t type_id, request_handler handler) {
  requests_.insert_or_assign(type_id, std::move(handler));
  return *this;
}

router& router::on_notification(std::uint32_t type_id, notification_handler handler) {
  notifications_.insert_or_assign(type_id, std::move(handler));
  return *this;
}

void router::dispatch(request call, responder answer) const {
  const auto found = requests_.find(call.type_id);
  if (found == requests_.end()) return answer.finish(handler_not_found());
  try {
    found->second(std::move(call), std::move(answer));
  } catch (...) {
    // The responder died with the handler's frame, and a responder that dies unused answers 500.
  }
}

void router::dispatch_notification(request call, responder done) const {
  const auto found = notifications_.find(call.type_id);
  if (found == notifications_.end()) return dispatch(std::move(call), std::move(done));
  try {
    found->second(call.payload);
  } catch (...) {
    // A notification has no answer: its failure concerns nobody but the handler.
  }
  done.finish({});
}

}  // namespace flowersec::rpc
