#include "registry/metrics.h"

#include <array>

#include "serving/count_rows.h"

namespace flowersec::apps {
namespace {

using counts = rendezvous::registry_counts;

using enum count_kind;
using row = count_row<counts>;

constexpr row rows[] = {
    {&counts::sockets, "flowersec_registry_sockets", "Sockets of clients, registered or not.", now},
    {&counts::unregistered, "flowersec_registry_unregistered_sockets", "Sockets that have not registered.", now},
    {&counts::keys, "flowersec_registry_keys", "Registered keys.", now},
    {&counts::legacy_keys, "flowersec_registry_legacy_keys", "Keys registered in the compatible mode.", now},
    {&counts::open_calls, "flowersec_registry_open_calls", "Calls that are not answered yet.", now},
    {&counts::watched, "flowersec_registry_watched_keys", "Keys that are watched, counted for each who does.", now},
    {&counts::registrations, "flowersec_registry_registrations_total", "Registrations that succeeded.", since_start},
    {&counts::replacements, "flowersec_registry_replacements_total", "Registrations that another process took over.",
     since_start},
    {&counts::works_asked, "flowersec_registry_proofs_of_work_asked_total",
     "Challenges that asked for a proof of work.", since_start},
    {&counts::mints_failed, "flowersec_registry_mints_failed_total", "Calls for which no grants could be made.",
     since_start},
    {&counts::sockets_refused, "flowersec_registry_sockets_refused_total",
     "Sockets refused: too many of an address, or too often.", since_start},
    {&counts::sockets_dropped, "flowersec_registry_sockets_dropped_total",
     "Sockets dropped: silent, slow, or the oldest of too many.", since_start},
    {&counts::origins_refused, "flowersec_registry_origins_refused_total", "Requests refused for their Origin.",
     since_start},
    {&counts::opens_failed, "flowersec_registry_opens_failed_total", "Sealed connections that did not come about.",
     since_start},
    {&counts::legacy_messages, "flowersec_registry_legacy_messages_total", "Messages delivered in the compatible mode.",
     since_start},
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
  auto families = families_of<counts>(rows, present);
  metric_family calls{"flowersec_registry_calls_total", "Calls that are over, by outcome.", true, {}};
  for (const auto& one : outcomes) {
    calls.samples.push_back({static_cast<double>(present.*one.value), {{"outcome", one.name}}});
  }
  metric_family errors{"flowersec_registry_errors_total", "Error frames, by code.", true, {}};
  for (std::size_t i = 0; i < present.errors.size(); ++i) {
    const auto code = static_cast<rendezvous::rendezvous_errc>(i + 1);
    errors.samples.push_back({static_cast<double>(present.errors[i]), {{"code", std::string{to_string(code)}}}});
  }
  families.push_back(std::move(calls));
  families.push_back(std::move(errors));
  return families;
}

}  // namespace flowersec::apps
