#include "flowersec/rpc/handler.h"

#include <utility>

namespace flowersec::rpc {

responder& responder::operator=(responder&& other) noexcept {
  if (this == &other) return *this;
  finish(internal_error());
  sink_ = std::move(other.sink_);
  key_ = other.key_;
  armed_ = std::exchange(other.armed_, false);
  return *this;
}

void responder::finish(reply answer) noexcept {
  if (!std::exchange(armed_, false)) return;
  if (const auto sink = sink_.lock()) sink->finish(key_, std::move(answer));
}

}  // namespace flowersec::rpc
