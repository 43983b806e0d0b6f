// The other side of a blind front: keeps sockets waiting at the edge and gives each that was joined to a gateway.
// Layer ownwire, part `behind`, on Asio. Dials out, so the gateway's host needs no open port.
// Source: PROTOCOL, "OwnWire, blind joining".
// Threads: every member may be called from any thread; hooks run on a strand of its own, and must not throw.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "flowersec/ownwire/gateway.h"
#include "flowersec/ws/tls.h"
#include "flowersec/ws/url.h"

namespace flowersec::ownwire {

struct behind_options {
  /// Of the edge: its backend path, ws or wss.
  ws::url edge;
  std::string token{};
  /// Trust for wss; absent: the system's certificates.
  std::optional<ws::tls_context> tls{};
  /// Sockets that wait at the edge. At least 1.
  std::size_t waiting = 16;
  /// Name lookup, TCP, TLS and upgrade together.
  std::chrono::milliseconds connect_timeout{10'000};
  /// Pause after a failed attempt, doubled with each further one up to the second value, half of it at random.
  std::chrono::milliseconds first_pause{500};
  std::chrono::milliseconds longest_pause{10'000};
  std::chrono::milliseconds ping_after{25'000};
  std::chrono::milliseconds silence_limit{60'000};
  /// The edge is reached (success) or not (why); told when that changes.
  std::function<void(const error_code&)> on_edge{};
  random_source* random = &system_random();
};

class behind {
 public:
  /// Starts at once. When `to` is gone, what is given to it is dropped.
  behind(boost::asio::any_io_executor executor, gateway& to, behind_options options);
  /// Closes the sockets that wait; those that were joined belong to the gateway.
  ~behind();
  behind(const behind&) = delete;
  behind& operator=(const behind&) = delete;

  /// For the sockets that are missing, at once, and for later ones. Those that wait were let in with the old token and
  /// stay.
  void replace_token(std::string token);

  /// Closes the sockets that wait, without waiting for it. After this nothing is given to the gateway any more.
  void stop();

  class impl;  ///< internal

 private:
  std::shared_ptr<impl> impl_;
};

}  // namespace flowersec::ownwire
