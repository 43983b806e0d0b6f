// What the client peer tries out on a session. Each check is a coroutine that throws when something does not hold.
// Layer apps, on the endpoint API alone. One thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <stdexcept>
#include <string>

#include "flowersec/endpoint/session.h"
#include "peer/report.h"

namespace flowersec::apps {

/// Thrown when the peer answered, but not what it should have.
struct check_failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void require(bool holds, const std::string& what) {
  if (!holds) throw check_failure{what};
}

/// Counts the notifications of the server. Made as soon as the session is there.
class hello_counter {
 public:
  explicit hello_counter(endpoint::session session);
  [[nodiscard]] unsigned seen() const noexcept { return state_->seen; }
  [[nodiscard]] bool all_well_formed() const noexcept { return state_->well_formed; }

 private:
  struct state {
    unsigned seen = 0;
    bool well_formed = true;
  };
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

[[nodiscard]] boost::asio::awaitable<void> check_call(endpoint::session session, client_report& report);
[[nodiscard]] boost::asio::awaitable<void> check_notification(endpoint::session session, hello_counter hellos);
[[nodiscard]] boost::asio::awaitable<void> check_call_payloads(endpoint::session session);
[[nodiscard]] boost::asio::awaitable<void> check_call_errors(endpoint::session session);
[[nodiscard]] boost::asio::awaitable<void> check_concurrent_calls(endpoint::session session, client_report& report);
[[nodiscard]] boost::asio::awaitable<void> check_echo(endpoint::session session);
[[nodiscard]] boost::asio::awaitable<void> check_probe(endpoint::session session, client_report& report);
[[nodiscard]] boost::asio::awaitable<void> check_unknown_kind(endpoint::session session);

/// Sends `text` over an echo stream, half-closes, and returns what came back.
[[nodiscard]] boost::asio::awaitable<std::string> echo_text(endpoint::session session, std::string text);

}  // namespace flowersec::apps
