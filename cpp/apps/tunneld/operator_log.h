// What an operator hears of while the tunnel runs: refused attaches and sources, and that descriptors ran out.
// Layer apps. Refusals are written on the context's thread, so that a slow terminal never holds up an I/O thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "flowersec/tunnel/observer.h"
#include "tunneld/quiet_time.h"
#include "tunneld/refusal_queue.h"

namespace flowersec::apps {

class operator_log final : public tunnel::observer {
 public:
  /// `context` outlives it.
  explicit operator_log(boost::asio::io_context& context) : second_(context) {}
  /// Writes what is left.
  ~operator_log() override;

  void on_attach_refused(tunnel::attach_reason reason, const tunnel::refused_peer& peer) override;
  void on_accept_paused(std::chrono::milliseconds pause) override;
  void on_source_refused(const tunnel::ip_address& source, tunnel::source_bound bound) override;

 private:
  void take_refusals();
  void write_refusals();
  void end_second();

  static constexpr std::chrono::seconds silence{10};

  refusal_queue refusals_;
  boost::asio::steady_timer second_;
  bool in_second_ = false;
  quiet_time descriptor_silence_{silence};
  quiet_time connection_silence_{silence};
  quiet_time attach_silence_{silence};
};

}  // namespace flowersec::apps
