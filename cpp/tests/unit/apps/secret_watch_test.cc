// The watch that every test which runs a program relies on: it must find what it is there to find.
#include "support/secret_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "support/literals.h"
#include "support/process.h"

namespace flowersec::testing_support {
namespace {

using ::testing::HasSubstr;
using ::testing::Optional;

constexpr std::string_view psk = "-__7-__7-__7-__7-__7-__7-__7-__7-__7-__7-_8";

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(secret_watch, finds_a_secret_in_every_spelling) {
  secret_watch watch;
  watch.remember(psk);
  for (const auto& shown :
       {std::string{psk}, repeated("+//7", 10), repeated("fbfffb", 10), repeated("\xfb\xff\xfb", 10)}) {
    EXPECT_THAT(watch.find_in("level=info psk=" + shown + " end"), Optional(HasSubstr("psk=")));
  }
  EXPECT_TRUE(watch.find_in(std::string{psk.substr(0, 20)})) << "cut short";
  EXPECT_FALSE(watch.find_in(std::string{psk.substr(0, 19)}));
}

TEST(secret_watch, knows_a_token_by_its_signature) {
  secret_watch watch;
  const auto signature = repeated("c2ln", 21);
  watch.remember("FST2.eyJraWQiOiJrMSJ9eyJraWQi." + signature);
  EXPECT_TRUE(watch.find_in("token=FST2...." + signature));
  EXPECT_FALSE(watch.find_in("FST2.eyJraWQiOiJrMSJ9eyJraWQi."));
}

TEST(secret_watch, learns_from_what_programs_print_and_files_hold) {
  for (const std::string key : {"e2ee_psk_b64u", "privkey_b64u", "token", "ticket", "bearer"}) {
    secret_watch watch;
    watch.learn_from(R"({"grant_client":{"channel_id":"room", ")" + key + "\" : \"" + std::string{psk} + "\"}}\n");
    EXPECT_TRUE(watch.find_in(psk)) << key;
    EXPECT_FALSE(watch.find_in(R"({"channel_id":"room"})")) << key;
  }
  secret_watch watch;
  watch.learn_from(R"({"token":7,"token":"short","token")");
  EXPECT_FALSE(watch.find_in("short"));
}

TEST(secret_watch, forgets_the_oldest_of_too_many) {
  secret_watch watch;
  watch.remember(psk);
  for (int i = 1000; i < 1000 + 1023; ++i) watch.remember(std::to_string(i) + repeated("c2ln", 4));
  EXPECT_TRUE(watch.find_in(psk));
  watch.remember("one too many for the watch");
  EXPECT_FALSE(watch.find_in(psk));
}

TEST(secret_watch, fails_the_test_whose_program_shows_a_secret) {
  EXPECT_NONFATAL_FAILURE(
      {
        secret_watch::instance().remember("a-secret-that-is-no-flag");
        const auto ended = run_program("flowersec-tunnel", {"--a-secret-that-is-no-flag"});
        EXPECT_EQ(ended.exit_code, 2);
      },
      "shows a secret");
}

}  // namespace
}  // namespace flowersec::testing_support
