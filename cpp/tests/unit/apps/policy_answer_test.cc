#include "tunneld/policy_answer.h"

#include <gmock/gmock.h>

namespace flowersec::apps {
namespace {

enum class verdict : std::uint8_t { allowed, denied, failure };

struct answer_row {
  std::string name;
  std::string body;
  verdict expected;
};

class attach_answer : public testing::TestWithParam<answer_row> {};

TEST_P(attach_answer, is_read_as_the_table_says) {
  const auto decision = read_attach_answer(GetParam().body);
  const auto got = !decision ? verdict::failure : decision->allowed ? verdict::allowed : verdict::denied;
  EXPECT_EQ(got, GetParam().expected) << GetParam().body;
}

INSTANTIATE_TEST_SUITE_P(
    table, attach_answer,
    testing::Values(
        // The bare result.
        answer_row{"yes", R"({"allowed":true})", verdict::allowed},
        answer_row{"yes_with_spaces", " \r\n{ \"allowed\" : true }\n ", verdict::allowed},
        answer_row{"no", R"({"allowed":false})", verdict::denied},
        answer_row{"null_allowed", R"({"allowed":null})", verdict::denied},
        answer_row{"last_of_two", R"({"allowed":true,"allowed":false})", verdict::denied},
        answer_row{"escaped_name", R"({"\u0061llowed":true})", verdict::allowed},
        answer_row{"other_case", R"({"Allowed":true})", verdict::denied},
        answer_row{"unknown_keys", R"({"allowed":true,"why":[1,{}]})", verdict::allowed},
        answer_row{"nothing_in_it", "{}", verdict::denied},
        // No result at all.
        answer_row{"empty", "", verdict::denied}, answer_row{"white_space", " \t\r\n", verdict::denied},
        answer_row{"null_body", "null", verdict::denied}, answer_row{"null_with_spaces", " null\n", verdict::denied},
        // Not to be read.
        answer_row{"text", R"("allowed")", verdict::failure}, answer_row{"true_alone", "true", verdict::failure},
        answer_row{"list", R"([{"allowed":true}])", verdict::failure},
        answer_row{"number_for_allowed", R"({"allowed":1})", verdict::failure},
        answer_row{"text_for_allowed", R"({"allowed":"true"})", verdict::failure},
        answer_row{"text_for_lease", R"({"allowed":true,"lease_expires_at_unix_ms":"1"})", verdict::failure},
        answer_row{"fraction_for_lease", R"({"allowed":true,"lease_expires_at_unix_ms":1.5})", verdict::failure},
        answer_row{"cut", R"({"allowed":true)", verdict::failure},
        answer_row{"trailing_byte", R"({"allowed":true}x)", verdict::failure},
        answer_row{"second_value", R"({"allowed":true}{"allowed":true})", verdict::failure},
        answer_row{"null_and_more", "null null", verdict::failure},
        answer_row{"html", "<html></html>", verdict::failure},
        // The envelope.
        answer_row{"envelope_yes", R"({"success":true,"data":{"allowed":true}})", verdict::allowed},
        answer_row{"envelope_no", R"({"success":true,"data":{"allowed":false}})", verdict::denied},
        answer_row{"envelope_no_data", R"({"success":true})", verdict::denied},
        answer_row{"envelope_null_data", R"({"success":true,"data":null})", verdict::denied},
        answer_row{"envelope_hides_the_outside", R"({"success":true,"allowed":true})", verdict::denied},
        answer_row{"envelope_bad_data", R"({"success":true,"data":true})", verdict::failure},
        answer_row{"envelope_data_list", R"({"success":true,"data":[]})", verdict::failure},
        answer_row{"envelope_failed", R"({"success":false,"error":{"code":"c","message":"m"}})", verdict::failure},
        answer_row{"envelope_failed_in_spite", R"({"success":false,"error":{},"data":{"allowed":true}})",
                   verdict::failure},
        answer_row{"error_alone", R"({"error":{"code":"c"},"allowed":true})", verdict::failure},
        answer_row{"error_beside_success", R"({"success":true,"error":{"code":"c"},"data":{"allowed":true}})",
                   verdict::allowed},
        answer_row{"envelope_trailing_byte", R"({"success":true,"data":{"allowed":true}},)", verdict::failure},
        // What looks like an envelope and is none.
        answer_row{"success_false_without_error", R"({"success":false,"allowed":true})", verdict::allowed},
        answer_row{"success_null", R"({"success":null,"allowed":true})", verdict::allowed},
        answer_row{"null_error", R"({"error":null,"allowed":true})", verdict::allowed},
        answer_row{"error_is_text", R"({"error":"no","allowed":true})", verdict::allowed},
        answer_row{"error_of_another_shape", R"({"error":{"code":7},"allowed":true})", verdict::allowed},
        answer_row{"success_is_text", R"({"success":"true","data":{"allowed":true}})", verdict::denied}),
    [](const auto& row) { return row.param.name; });

TEST(attach_answer, a_lease_is_a_positive_time) {
  const auto lease = [](const std::string& ms) {
    return read_attach_answer(R"({"allowed":true,"lease_expires_at_unix_ms":)" + ms + "}").value().lease_expires;
  };
  EXPECT_EQ(lease("1"), wall_time{std::chrono::milliseconds{1}});
  EXPECT_EQ(lease("1800000000123"), wall_time{std::chrono::milliseconds{1800000000123}});
  for (const auto* none : {"0", "-1", "null"}) EXPECT_EQ(lease(none), std::nullopt) << none;
  // Beyond what the clock can say: as late as it can.
  EXPECT_GT(lease("9007199254740991").value(), wall_time::max() - std::chrono::milliseconds{1});
}

TEST(observe_answer, decisions_are_read_in_order) {
  const auto decisions = read_observe_answer(
      R"({"success":true,"data":{"decisions":[
        {"channel_id":"a","tenant_id":"t","audience":"u","issuer":"i","allowed":true,"lease_expires_at_unix_ms":5},
        {"channel_id":"b","audience":"u","issuer":"i"}]}})");
  ASSERT_TRUE(decisions);
  ASSERT_EQ(decisions->size(), 2u);
  EXPECT_EQ(decisions->at(0).channel_id, "a");
  EXPECT_EQ(decisions->at(0).tenant_id, "t");
  EXPECT_EQ(decisions->at(0).audience, "u");
  EXPECT_EQ(decisions->at(0).issuer, "i");
  EXPECT_TRUE(decisions->at(0).allowed);
  EXPECT_EQ(decisions->at(0).lease_expires, wall_time{std::chrono::milliseconds{5}});
  EXPECT_EQ(decisions->at(1).tenant_id, "");
  EXPECT_FALSE(decisions->at(1).allowed) << "absent means no";
  EXPECT_EQ(decisions->at(1).lease_expires, std::nullopt);
}

TEST(observe_answer, without_decisions_decides_nothing) {
  for (const auto* body : {"", "null", "{}", R"({"decisions":null})", R"({"decisions":[]})", R"({"success":true})"}) {
    const auto decisions = read_observe_answer(body);
    ASSERT_TRUE(decisions) << body;
    EXPECT_TRUE(decisions->empty()) << body;
  }
}

TEST(observe_answer, one_bad_decision_spoils_them_all) {
  const std::string good = R"({"channel_id":"a","audience":"u","issuer":"i","allowed":false})";
  for (const std::string bad : {R"({"audience":"u","issuer":"i"})", R"({"channel_id":7,"audience":"u","issuer":"i"})",
                                "null", "7", R"({"channel_id":"b","audience":"u","issuer":"i","allowed":"no"})"}) {
    EXPECT_FALSE(read_observe_answer(R"({"decisions":[)" + good + "," + bad + "]}")) << bad;
  }
  EXPECT_TRUE(read_observe_answer(R"({"decisions":[)" + good + "]}"));
}

}  // namespace
}  // namespace flowersec::apps
