// Reports and decisions of a tunnel with several threads: every channel has one, and no thread sees another's.
#include <algorithm>
#include <future>

#include "tunnel_fixture.h"

namespace flowersec::testing {
namespace {

using tunnel::channel_decision;
using tunnel::channel_report;

std::vector<channel_report> reports_of(real_tunnel& t) {
  std::promise<std::vector<channel_report>> promise;
  auto answer = promise.get_future();
  t.server->report_channels(tunnel::reported_channels::open, [&](auto all) { promise.set_value(std::move(all)); });
  if (answer.wait_for(tunnel_client::patience) != std::future_status::ready) throw std::runtime_error("no answer");
  return answer.get();
}

channel_decision deny(std::string id) {
  return {.audience = "aud",
          .issuer = "iss",
          .channel_id = std::move(id),
          .tenant_id = {},
          .allowed = false,
          .lease_expires = {}};
}

/// Eight pairs over four threads.
struct eight_pairs {
  real_tunnel t{false, {}, 4};
  std::vector<tunnel_client> clients;
  std::vector<tunnel_client> servers;

  eight_pairs() {
    for (int i = 0; i < 8; ++i) {
      clients.push_back(t.attach("room-" + std::to_string(i), 1));
      servers.push_back(t.attach("room-" + std::to_string(i), 2));
    }
    for (std::size_t i = 0; i < 8; ++i) {
      clients[i].binary(std::string(i + 1, 'x'));
      EXPECT_EQ(servers[i].message().size(), i + 1);
    }
  }
};

TEST(tunnel_reports, come_from_every_thread) {
  eight_pairs all;
  auto reports = reports_of(all.t);
  ASSERT_EQ(reports.size(), 8u);
  std::ranges::sort(reports, {}, &channel_report::channel_id);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(reports[i].channel_id, "room-" + std::to_string(i));
    EXPECT_EQ(reports[i].bytes.to_server, i + 1);
    EXPECT_EQ(reports[i].bytes.to_client, 0u);
  }
}

TEST(tunnel_reports, are_empty_when_nothing_runs) {
  eight_pairs all;
  all.t.server->stop();
  EXPECT_TRUE(reports_of(all.t).empty());
  all.t.server->apply_decisions({deny("room-0")});  // nobody is there to hear it
}

TEST(tunnel_decisions, reach_every_thread) {
  eight_pairs all;
  std::vector<channel_decision> decisions;
  for (int i = 0; i < 8; ++i) decisions.push_back(deny("room-" + std::to_string(i)));
  decisions.push_back(deny("nobody"));
  all.t.server->apply_decisions(decisions);
  EXPECT_TRUE(all.t.events->wait_for("closed policy_denied", 8));
  for (auto& client : all.clients) EXPECT_TRUE(client.ended());
  EXPECT_TRUE(reports_of(all.t).empty());
}

TEST(tunnel_decisions, stop_at_one_that_does_not_fit_on_another_thread) {
  eight_pairs all;
  for (int bad = 0; bad < 8; ++bad) {
    std::vector<channel_decision> decisions;
    for (int i = 0; i < 8; ++i) decisions.push_back(deny("room-" + std::to_string(i)));
    decisions[static_cast<std::size_t>(bad)].tenant_id = "somebody else";
    all.t.server->apply_decisions(decisions);
  }
  // A report asked for later is gathered later; what the first round of a batch might start comes before the next one.
  EXPECT_EQ(reports_of(all.t).size(), 8u);
  for (std::size_t i = 0; i < 8; ++i) {
    all.clients[i].binary("still here");
    EXPECT_EQ(all.servers[i].message(), "still here");
  }
}

}  // namespace
}  // namespace flowersec::testing
