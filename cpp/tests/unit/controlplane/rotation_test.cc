// Key rotation as operators do it: at no step is a token refused that a tunnel with the keyset of the step before
// should take, and a retired key signs for nobody.
#include <gtest/gtest.h>

#include "flowersec/controlplane/channel_init.h"
#include "flowersec/token/verify.h"
#include "support/random_sources.h"

namespace flowersec::controlplane {
namespace {

using flowersec::testing::seeded_random;
using std::chrono::seconds;

constexpr unix_seconds now{1800000000};

class rotation : public ::testing::Test {
 protected:
  seeded_random random;
  issuer_keyset issuer = issuer_keyset::generate("k1", random).value();
  crypto::ed25519_signing_key next = crypto::ed25519_signing_key::generate(random).value();

  /// A tunnel that has loaded what is published now.
  [[nodiscard]] token::keyset deployed() const { return token::keyset::parse(issuer.export_keyset_file()).value(); }
  [[nodiscard]] messages::controlplane::v1::channel_init_grant grant() {
    channel_init_options options;
    options.tunnel_url = "wss://t/ws";
    options.audience = "aud";
    options.issuer = "iss";
    return std::move(issue_channel(issuer, options, "chan", random, now).value().client);
  }
  static error_code verdict(const messages::controlplane::v1::channel_init_grant& grant, const token::keyset& keys) {
    const auto verified = token::verify_token(grant.token.view(), keys, {.audience = "aud", .issuer = "iss"},
                                              wall_time{seconds{count(now)}});
    return verified ? error_code{} : verified.error();
  }
};

TEST_F(rotation, tunnels_take_every_token_when_the_overlap_is_deployed_first) {
  const auto before = deployed();
  const auto old_grant = grant();
  ASSERT_FALSE(issuer.publish("k2", next.public_key()));
  EXPECT_FALSE(verdict(grant(), before)) << "publishing alone changes nothing for a tunnel that has not reloaded";
  const auto overlap = deployed();
  ASSERT_FALSE(issuer.rotate("k2", std::move(next)));
  const auto new_grant = grant();
  EXPECT_FALSE(verdict(old_grant, overlap));
  EXPECT_FALSE(verdict(new_grant, overlap));
  EXPECT_EQ(verdict(new_grant, before), token::token_errc::unknown_kid) << "why the overlap goes first";
  ASSERT_FALSE(issuer.retire("k1"));
  const auto after = deployed();
  EXPECT_FALSE(verdict(new_grant, after));
  EXPECT_EQ(verdict(old_grant, after), token::token_errc::unknown_kid);
}

TEST_F(rotation, a_grant_of_the_old_key_is_reissued_with_the_new_one) {
  const auto old_grant = grant();
  ASSERT_FALSE(issuer.publish("k2", next.public_key()));
  ASSERT_FALSE(issuer.rotate("k2", std::move(next)));
  ASSERT_FALSE(issuer.retire("k1"));
  channel_init_options options;
  options.audience = "aud";
  options.issuer = "iss";
  const auto renewed = reissue_grant(issuer, options, old_grant, random, now);
  ASSERT_TRUE(renewed.has_value());
  EXPECT_FALSE(verdict(*renewed, deployed()));
}

TEST_F(rotation, a_retired_id_may_come_back_with_another_key) {
  ASSERT_FALSE(issuer.publish("k2", next.public_key()));
  ASSERT_FALSE(issuer.retire("k2"));
  auto other = crypto::ed25519_signing_key::generate(random).value();
  ASSERT_FALSE(issuer.publish("k2", other.public_key()));
  EXPECT_EQ(issuer.rotate("k2", std::move(next)), controlplane_errc::key_mismatch);
  ASSERT_FALSE(issuer.rotate("k2", std::move(other)));
  EXPECT_EQ(issuer.current_kid(), "k2");
}

}  // namespace
}  // namespace flowersec::controlplane
