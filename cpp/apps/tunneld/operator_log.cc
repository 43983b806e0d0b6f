#include "tunneld/operator_log.h"

#include <boost/asio/post.hpp>

#include "serving/log.h"

namespace flowersec::apps {

namespace {

/// The word that the peer got. Only a drain cancels attaches, and it tells its peers that it does.
std::string told(tunnel::attach_reason reason) {
  return reason == tunnel::attach_reason::canceled ? "draining" : std::string{to_text(reason)};
}

}  // namespace

void operator_log::on_attach_refused(tunnel::attach_reason reason, const tunnel::refused_peer& peer) {
  if (!logs(log_level::info) || !refusals_.add(reason, peer)) return;
  boost::asio::post(second_.get_executor(), [this] { take_refusals(); });
}

void operator_log::on_accept_paused(std::chrono::milliseconds /*pause*/) {
  if (!descriptor_silence_.is_over()) return;
  log_line(log_level::warning,
           "out of file descriptors or socket memory: new connections wait; raise the limit of open files");
}

void operator_log::on_source_refused(const tunnel::ip_address& source, tunnel::source_bound bound) {
  const bool connections = bound == tunnel::source_bound::connections;
  if (!(connections ? connection_silence_ : attach_silence_).is_over()) return;
  log_line(log_level::warning, "too many " + std::string{connections ? "connections" : "attaches"} + " from " +
                                   tunnel::to_text(source) + ": answered with 429, see " +
                                   (connections ? "--max-conns-per-ip" : "--attach-rate-per-ip"));
}

operator_log::~operator_log() {
  write_refusals();
  end_second();
}

void operator_log::write_refusals() {
  for (const auto& refused : refusals_.take()) {
    log_fields facts{{"reason", told(refused.reason)}, {"peer", refused.address}};
    if (!refused.tenant.empty()) facts.emplace_back("tenant", refused.tenant);
    log_line(log_level::info, "attach refused", facts);
  }
}

/// On the context's thread. The first lines after a pause begin a second.
void operator_log::take_refusals() {
  write_refusals();
  if (std::exchange(in_second_, true)) return;
  second_.expires_after(std::chrono::seconds{1});
  second_.async_wait([this](const boost::system::error_code& stopped) {
    if (!stopped) end_second();
  });
}

void operator_log::end_second() {
  in_second_ = false;
  const auto left_out = refusals_.end_second();
  if (left_out != 0)
    log_line(log_level::info, "attach refused: more of them in the last second", {{"count", std::to_string(left_out)}});
}

}  // namespace flowersec::apps
