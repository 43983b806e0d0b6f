#include "flowersec/rendezvous/limits.h"

#include "flowersec/identity/registration.h"

namespace flowersec::rendezvous {
namespace {

bool in_range(std::chrono::milliseconds time) noexcept {
  using namespace std::chrono_literals;
  return time >= 1ms && time <= std::chrono::hours{24};
}

}  // namespace

bool registry_limits::validate() const noexcept {
  const bool counts = registration_burst >= 1 && registrations_per_second >= 1 && max_addresses >= 1 &&
                      max_unregistered_per_address >= 1 && max_unregistered >= 1 && max_keys >= 1 &&
                      calls_per_minute >= 1 && max_open_calls >= 1 && max_ringing_calls >= 1;
  const bool work = work_bits >= 1 && work_bits <= identity::max_work_bits;
  const bool times = in_range(unavailable_after) && in_range(silence) && silence > keepalive_interval &&
                     in_range(fatal_linger) && in_range(stop_timeout);
  // A few of the largest frames must fit, or nobody would get one.
  return counts && work && times && max_queue_bytes >= 4 * max_registry_frame_bytes;
}

bool client_limits::validate() const noexcept {
  return max_queue >= 1 && max_queue_bytes >= 1 && in_range(channel_idle) && in_range(registration_timeout);
}

}  // namespace flowersec::rendezvous
