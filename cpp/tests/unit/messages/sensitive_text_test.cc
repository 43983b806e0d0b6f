// Texts that must not spread: ownership and printing are properties of the type.
#include "flowersec/messages/sensitive_text.h"

#include <gtest/gtest.h>

#include <ostream>
#include <type_traits>

#include "flowersec/messages/controlplane_v1.h"
#include "flowersec/messages/direct_v1.h"
#include "flowersec/messages/token_v1.h"
#include "flowersec/messages/tunnel_v1.h"

namespace flowersec::messages {
namespace {

template <class T>
concept printable = requires(std::ostream& out, const T& value) {
  out << value;
};

template <class T>
constexpr bool is_guarded = std::is_nothrow_move_constructible_v<T> && !std::is_copy_constructible_v<T> &&
                            !std::is_copy_assignable_v<T> && !printable<T>;

static_assert(is_guarded<sensitive_text>);
static_assert(!std::is_convertible_v<sensitive_text, std::string> &&
              !std::is_convertible_v<sensitive_text, std::string_view>);
static_assert(is_guarded<controlplane::v1::channel_init_grant>);
static_assert(is_guarded<direct::v1::direct_connect_info>);
static_assert(is_guarded<tunnel::v1::attach>);
static_assert(is_guarded<token::v1::private_key_file>);

const std::string_view long_secret = "a secret that does not fit into the small buffer of a string";

TEST(sensitive_text, moving_leaves_nothing_behind) {
  for (const auto secret : {std::string_view{"short"}, long_secret}) {
    sensitive_text first{secret};
    sensitive_text second{std::move(first)};
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): the moved-from state is what is tested
    EXPECT_EQ(second.view(), secret);
    first = std::move(second);
    EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(first.view(), secret);
  }
}

TEST(sensitive_text, wiping_clears_the_memory_itself) {
  sensitive_text secret{"short"};  // within the object, so that looking at it afterwards is allowed
  const auto* const memory = secret.view().data();
  secret.wipe();
  EXPECT_TRUE(secret.empty());
  EXPECT_EQ(std::string_view(memory, 5), std::string_view("\0\0\0\0\0", 5));
}

TEST(sensitive_text, a_copy_has_to_be_asked_for) {
  const sensitive_text first{long_secret};
  const auto second = first.clone();
  EXPECT_EQ(first.view(), second.view());
  EXPECT_NE(first.view().data(), second.view().data());
}

TEST(sensitive_text, assigning_to_itself_keeps_the_text) {
  sensitive_text secret{long_secret};
  auto& same = secret;
  secret = std::move(same);
  EXPECT_EQ(secret.view(), long_secret);
}

}  // namespace
}  // namespace flowersec::messages
