// How much work a refusal costs: from outside, a token of an unknown key or tenant must look like one that is forged.
// Counts the signature checks that reach the library below, and sees that each is a whole one. The linker puts the
// counter in between (--wrap).
#include <gtest/gtest.h>
#include <sodium.h>

#include "support/token_mint.h"

namespace {

struct signature_check {
  unsigned long long message_bytes;
  bool sound_key;  ///< under an unsound one the library returns early
};
std::vector<signature_check> checks;

}  // namespace

// The names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
int __real_crypto_sign_verify_detached(const unsigned char* signature, const unsigned char* message,
                                       unsigned long long message_bytes, const unsigned char* key);
int __wrap_crypto_sign_verify_detached(const unsigned char* signature, const unsigned char* message,
                                       unsigned long long message_bytes, const unsigned char* key);

int __wrap_crypto_sign_verify_detached(const unsigned char* signature, const unsigned char* message,
                                       unsigned long long message_bytes, const unsigned char* key) {
  checks.push_back({message_bytes, crypto_core_ed25519_is_valid_point(key) == 1});
  return __real_crypto_sign_verify_detached(signature, message, message_bytes, key);
}
}
// NOLINTEND(bugprone-reserved-identifier)

namespace flowersec::tunnel {
namespace {

using flowersec::testing::token_mint;

constexpr std::int64_t start = 1'800'000'000;

class refusal_effort : public ::testing::TestWithParam<bool> {
 protected:
  token_mint mint{start};
  token_mint forger{start, "aud", "iss", std::byte{0x17}};
  std::shared_ptr<const token_verifier> verifier =
      GetParam() ? make_multi_tenant_verifier({mint.tenant(), token_mint{start, "other", "iss"}.tenant()}).value()
                 : mint.verifier();

  /// The checks that one token costs.
  [[nodiscard]] std::vector<signature_check> cost_of(const std::string& token, bool good = false) const {
    checks.clear();
    EXPECT_EQ(verifier->verify(token, wall_time{std::chrono::seconds{start}}, {}).has_value(), good);
    return checks;
  }
  /// One whole check over everything that was signed.
  static void expect_one_check(const std::vector<signature_check>& done, const std::string& token) {
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].message_bytes, token.rfind('.'));
    EXPECT_TRUE(done[0].sound_key);
  }
};

INSTANTIATE_TEST_SUITE_P(verifier, refusal_effort, ::testing::Values(false, true),
                         [](const auto& row) { return row.param ? "multi_tenant" : "single_tenant"; });

TEST_P(refusal_effort, a_good_token_costs_one_signature_check) {
  const auto token = mint.sign(mint.draft("room", 1));
  expect_one_check(cost_of(token, true), token);
}

TEST_P(refusal_effort, a_forged_token_costs_the_same) {
  const auto token = forger.sign(forger.draft("room", 1));
  expect_one_check(cost_of(token), token);
}

TEST_P(refusal_effort, an_unknown_key_id_costs_the_same) {
  auto unknown = mint.draft("room", 1);
  unknown.kid = "k2";
  const auto token = mint.sign(unknown);
  expect_one_check(cost_of(token), token);
}

TEST_P(refusal_effort, an_unknown_audience_or_issuer_costs_the_same) {
  auto elsewhere = mint.draft("room", 1);
  elsewhere.aud = "nowhere";
  const auto foreign_audience = mint.sign(elsewhere);
  expect_one_check(cost_of(foreign_audience), foreign_audience);
  elsewhere = mint.draft("room", 1);
  elsewhere.iss = "nobody";
  const auto foreign_issuer = mint.sign(elsewhere);
  expect_one_check(cost_of(foreign_issuer), foreign_issuer);
}

TEST_P(refusal_effort, a_signature_of_another_length_costs_none_whatever_the_key_id) {
  for (const auto* kid : {"k1", "k2"}) {
    auto payload = mint.draft("room", 1);
    payload.kid = kid;
    auto token = mint.sign(payload);
    token.resize(token.size() - 4);
    EXPECT_TRUE(cost_of(token).empty()) << kid;
  }
}

}  // namespace
}  // namespace flowersec::tunnel
