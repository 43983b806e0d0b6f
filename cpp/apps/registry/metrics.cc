#include "registry/metrics.h"

#include <array>

namespace flowersec::apps {
namespace {

using counts = rendezvous::registry_counts;

struct row {
  std::uint64_t counts::*value;
  const char* name;
  const char* help;
  bool is_counter;
};

constexpr bool now = false;
constexpr bool since_start = true;

constexpr std::array rows{
    row{&counts::sockets, "sockets", "Sockets of clients, registered or not.", now},
    row{&counts::unregistered, "unregistered_sockets", "Sockets that have not registered.", now},
    row{&counts::keys, "keys", "Registered keys.", now},
    row{&counts::legacy_keys, "legacy_keys", "Keys registered in the compatible mode.", now},
    row{&counts::open_calls, "open_calls", "Calls that are not answered yet.", now},
    row{&counts::watched, "watched_keys", "Keys that are watched, counted for each who does.", now},
    row{&counts::registrations, "registrations_total", "Registrations that succeeded.", since_start},
    row{&counts::replacements, "replacements_total", "Registrations that another process took over.", since_start},
    row{&counts::works_asked, "proofs_of_work_asked_total", "Challenges that asked for a proof of work.", since_start},
    row{&counts::mints_failed, "mints_failed_total", "Calls for which no grants could be made.", since_start},
    row{&counts::sockets_refused, "sockets_refused_total", "Sockets refused: too many of an address, or too often.",
        since_start},
    row{&counts::sockets_dropped, "sockets_dropped_total", "Sockets dropped: silent, slow, or the oldest of too many.",
        since_start},
    row{&counts::origins_refused, "origins_refused_total", "Requests refused for their Origin.", since_start},
    row{&counts::opens_failed, "opens_failed_total", "Sealed connections that did not come about.", since_start},
    row{&counts::legacy_messages, "legacy_messages_total", "Messages delivered in the compatible mode.", since_start},
};

struct outcome {
  std::uint64_t counts::*value;
  const char* name;
};
constexpr std::array outcomes{
    outcome{&counts::calls_accepted, "accepted"}, outcome{&counts::calls_unavailable, "unavailable"},
    outcome{&counts::calls_cancelled, "cancelled"}, outcome{&counts::calls_refused, "rate_limited"}};

}  // namespace

std::vector<metric_family> registry_families(const counts& present) {
  const std::string prefix = "flowersec_registry_";
  std::vector<metric_family> families;
  for (const auto& one : rows) {
    families.push_back({prefix + one.name, one.help, one.is_counter, {{static_cast<double>(present.*one.value), {}}}});
  }
  metric_family calls{prefix + "calls_total", "Calls that are over, by outcome.", true, {}};
  for (const auto& one : outcomes) {
    calls.samples.push_back({static_cast<double>(present.*one.value), {{"outcome", one.name}}});
  }
  metric_family errors{prefix + "errors_total", "Error frames, by code.", true, {}};
  for (std::size_t i = 0; i < present.errors.size(); ++i) {
    const auto code = static_cast<rendezvous::rendezvous_errc>(i + 1);
    errors.samples.push_back({static_cast<double>(present.errors[i]), {{"code", std::string{to_string(code)}}}});
  }
  families.push_back(std::move(calls));
  families.push_back(std::move(errors));
  return families;
}

}  // namespace flowersec::apps
