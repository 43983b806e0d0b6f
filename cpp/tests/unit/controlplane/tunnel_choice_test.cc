// Rendezvous choice: the vectors that TypeScript shares, and what must hold for any list.
#include "flowersec/controlplane/tunnel_choice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

#include "support/case_table.h"

namespace flowersec::controlplane {
namespace {

std::vector<std::string> texts(const boost::json::value& list) {
  std::vector<std::string> out;
  for (const auto& each : list.as_array()) out.emplace_back(std::string_view{each.as_string()});
  return out;
}

TEST(tunnel_choice, every_case_of_the_shared_table) {
  const auto cases = flowersec::testing::read_cases("tunnel_choice.json");
  EXPECT_GE(cases.as_array().size(), 12U);
  for (const auto& row : cases.as_array()) {
    SCOPED_TRACE(std::string_view{row.at("name").as_string()});
    const std::string channel_id{std::string_view{row.at("channel_id").as_string()}};
    const auto urls = texts(row.at("urls"));
    const auto scores = texts(row.at("scores"));
    for (std::size_t i = 0; i < urls.size(); ++i) {
      std::uint64_t expected = 0;
      std::from_chars(scores[i].data(), scores[i].data() + scores[i].size(), expected, 16);
      EXPECT_EQ(tunnel_score(channel_id, urls[i]), expected) << urls[i];
    }
    EXPECT_EQ(choose_tunnel(channel_id, urls), std::string_view{row.at("pick").as_string()});
  }
}

TEST(tunnel_choice, of_equal_scores_the_earliest_is_chosen) {
  const std::vector<std::string> urls{"wss://t/ws", "wss://t/ws"};
  EXPECT_EQ(choose_tunnel("c", urls).data(), urls[0].data());
}

TEST(tunnel_choice, a_tunnel_that_leaves_moves_only_its_own_channels) {
  const std::vector<std::string> all{"wss://a/ws", "wss://b/ws", "wss://c/ws", "wss://d/ws"};
  const std::vector<std::string> fewer{"wss://a/ws", "wss://b/ws", "wss://d/ws"};
  std::map<std::string_view, int> share;
  for (int i = 0; i < 400; ++i) {
    const auto channel_id = "channel-" + std::to_string(i);
    const auto before = choose_tunnel(channel_id, all);
    ++share[before];
    if (before == "wss://c/ws") continue;
    EXPECT_EQ(choose_tunnel(channel_id, fewer), before) << channel_id;
  }
  for (const auto& url : all) EXPECT_GT(share[url], 60) << url;
}

}  // namespace
}  // namespace flowersec::controlplane
