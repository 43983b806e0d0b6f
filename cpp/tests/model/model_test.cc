// The protocol holds in every run that the bounds allow, and each part that is taken away is missed.
#include <gmock/gmock.h>

#include <iostream>

#include "model/explorer.h"

namespace flowersec::model {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Key;

struct bound {
  const char* name;
  std::size_t clients, servers;
  /// The largest search leaves the suite out: where it may change, two servers add nothing to one.
  bool any_suite = true;
};

class every_run : public testing::TestWithParam<bound> {};

TEST_P(every_run, breaks_nothing) {
  const auto done = explore({.servers_take_any_suite = GetParam().any_suite}, GetParam().clients, GetParam().servers);
  EXPECT_THAT(done.broken, IsEmpty()) << to_string(done);
  EXPECT_TRUE(done.somebody_finished);
  std::cout << done.states << " states\n";
}

INSTANTIATE_TEST_SUITE_P(handshake_model, every_run,
                         testing::Values(bound{"one_client_one_server", 1, 1}, bound{"one_client_two_servers", 1, 2},
                                         bound{"two_clients_one_server", 2, 1}, bound{"two_of_each", 2, 2, false}),
                         [](const auto& each) { return std::string{each.param.name}; });

struct removal {
  const char* name;
  protocol how;
  property missed;
};

class removed : public testing::TestWithParam<removal> {};

TEST_P(removed, is_missed) {
  const auto done = explore(GetParam().how, 1, 2);
  EXPECT_THAT(done.broken, Contains(Key(GetParam().missed))) << to_string(done);
}

INSTANTIATE_TEST_SUITE_P(
    handshake_model, removed,
    testing::Values(
        removal{"labels", {flaw::one_key_for_both_directions}, property::records_are_the_peers_own},
        removal{"labels_key_use", {flaw::one_key_for_both_directions}, property::one_key_for_one_direction},
        removal{"transcript_at_client", {flaw::transcript_not_bound}, property::client_agrees_with_a_server},
        removal{"transcript_at_server", {flaw::transcript_not_bound}, property::server_agrees_with_a_client},
        removal{"server_finished", {flaw::no_server_finished}, property::client_agrees_with_a_server},
        removal{"psk", {flaw::psk_not_in_keys}, property::secrets_without_the_psk},
        removal{"shared_secret", {flaw::shared_secret_not_in_keys}, property::secrets_when_the_psk_leaks_later},
        removal{"consumption", {flaw::ack_leaves_the_state}, property::one_server_for_one_client},
        removal{"suite", {flaw::none, used_suite}, property::server_agrees_with_a_client},
        removal{"client_features", {flaw::none, client_features}, property::server_agrees_with_a_client},
        removal{"server_features", {flaw::none, server_features}, property::client_agrees_with_a_server},
        removal{"client_nonce", {flaw::none, client_nonce}, property::server_agrees_with_a_client},
        removal{"server_nonce", {flaw::none, server_nonce}, property::client_agrees_with_a_server},
        removal{"client_key", {flaw::none, client_key}, property::server_agrees_with_a_client},
        removal{"server_key", {flaw::none, server_key}, property::server_agrees_with_a_client}),
    [](const auto& each) { return std::string{each.param.name}; });

}  // namespace
}  // namespace flowersec::model
