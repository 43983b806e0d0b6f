#include "ownwire_edge/metrics.h"

#include "serving/count_rows.h"

namespace flowersec::apps {
namespace {

using counts = ownwire::edge_counts;

using enum count_kind;
using row = count_row<counts>;

constexpr row rows[] = {
    {&counts::users, "ownwire_edge_users", "Users who are joined to a backend, or wait for one.", now},
    {&counts::waiting, "ownwire_edge_waiting_backends", "Sockets of backends that wait for a user.", now},
    {&counts::joined, "ownwire_edge_joined_total", "Users who were joined to a backend.", since_start},
    {&counts::without_backend, "ownwire_edge_without_backend_total", "Users for whom no backend waited.", since_start},
    {&counts::visitors_refused, "ownwire_edge_visitors_refused_total", "Connections refused over a limit.",
     since_start},
    {&counts::origins_refused, "ownwire_edge_origins_refused_total", "Connections refused for their Origin.",
     since_start},
    {&counts::backends_refused, "ownwire_edge_backends_refused_total", "Backends without the token, or too many.",
     since_start},
    {&counts::bytes_to_backends, "ownwire_edge_bytes_to_backends_total", "Bytes of messages carried to backends.",
     since_start},
    {&counts::bytes_to_users, "ownwire_edge_bytes_to_users_total", "Bytes of messages carried to users.", since_start},
};

}  // namespace

std::vector<metric_family> edge_families(const counts& present) { return families_of<counts>(rows, present); }

}  // namespace flowersec::apps
