#include "ownwire_edge/metrics.h"

#include <array>

namespace flowersec::apps {
namespace {

using counts = ownwire::edge_counts;

struct row {
  std::uint64_t counts::*value;
  const char* name;
  const char* help;
  bool is_counter;
};

constexpr bool now = false;
constexpr bool since_start = true;

constexpr std::array rows{
    row{&counts::users, "ownwire_edge_users", "Users who are joined to a backend, or wait for one.", now},
    row{&counts::waiting, "ownwire_edge_waiting_backends", "Sockets of backends that wait for a user.", now},
    row{&counts::joined, "ownwire_edge_joined_total", "Users who were joined to a backend.", since_start},
    row{&counts::without_backend, "ownwire_edge_without_backend_total", "Users for whom no backend waited.",
        since_start},
    row{&counts::visitors_refused, "ownwire_edge_visitors_refused_total", "Connections refused over a limit.",
        since_start},
    row{&counts::origins_refused, "ownwire_edge_origins_refused_total", "Connections refused for their Origin.",
        since_start},
    row{&counts::backends_refused, "ownwire_edge_backends_refused_total", "Backends without the token, or too many.",
        since_start},
    row{&counts::bytes_to_backends, "ownwire_edge_bytes_to_backends_total", "Bytes of messages carried to backends.",
        since_start},
    row{&counts::bytes_to_users, "ownwire_edge_bytes_to_users_total", "Bytes of messages carried to users.",
        since_start},
};

}  // namespace

std::vector<metric_family> edge_families(const counts& present) {
  std::vector<metric_family> families;
  for (const auto& one : rows) {
    families.push_back({one.name, one.help, one.is_counter, {{static_cast<double>(present.*one.value), {}}}});
  }
  return families;
}

}  // namespace flowersec::apps
