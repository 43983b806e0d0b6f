#include "serving/operator_signals.h"

#include <csignal>
#include <utility>

#include "serving/log.h"

namespace flowersec::apps {

operator_signals::operator_signals(boost::asio::io_context& context, reactions wanted)
    : signals_(context, SIGINT, SIGTERM, SIGHUP), wanted_(std::move(wanted)) {}

void operator_signals::watch() {
  signals_.async_wait([this](const boost::system::error_code& failed, int number) {
    if (failed) return;
    react(number);
    watch();
  });
}

void operator_signals::react(int number) {
  if (number == SIGHUP) return wanted_.reload();
  if (std::exchange(stopping_, true)) return wanted_.stop_at_once();
  log_line("stopping");
  wanted_.stop();
}

}  // namespace flowersec::apps
