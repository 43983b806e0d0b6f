// The certificate of a tunnel: one at a time, exchanged while threads use it.
// Layer tunnel. Thread-safe. Asked once per connection; a connection keeps what it got.
#pragma once

#include <mutex>
#include <utility>

#include "flowersec/ws/tls.h"

namespace flowersec::tunnel {

class tls_slot {
 public:
  explicit tls_slot(ws::tls_context first) : context_(std::move(first)) {}

  [[nodiscard]] ws::tls_context current() const {
    const std::scoped_lock lock(mutex_);
    return context_;
  }
  void replace(ws::tls_context next) {
    const std::scoped_lock lock(mutex_);
    std::swap(context_, next);
  }

 private:
  mutable std::mutex mutex_;
  ws::tls_context context_;
};

}  // namespace flowersec::tunnel
