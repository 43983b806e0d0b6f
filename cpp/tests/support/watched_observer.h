// An observer of tests: no event that it hears may hold a secret that this test program knows.
// Test support. Tests derive theirs from it, so that every event that a test looks at is looked through as well.
#pragma once

#include "flowersec/endpoint/observer.h"
#include "support/secret_watch.h"

namespace flowersec::testing_support {

class watched_observer : public endpoint::observer {
 public:
  void on_event(const endpoint::event& happened) final {
    expect_no_secret("an event", endpoint::to_json(happened));
    hear(happened);
  }
  virtual void hear(const endpoint::event& happened) = 0;
};

}  // namespace flowersec::testing_support
