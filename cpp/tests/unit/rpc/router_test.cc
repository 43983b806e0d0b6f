// Dispatch: which handler, what a throwing or forgetful one is answered, and that an answer counts once.
#include "flowersec/rpc/router.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "flowersec/rpc/subscriptions.h"

namespace flowersec::rpc {
namespace {

class recording_sink final : public reply_sink {
 public:
  void finish(request_key key, reply answer) noexcept override { answers.emplace_back(key, std::move(answer)); }
  std::vector<std::pair<request_key, reply>> answers;
};

class rpc_router : public ::testing::Test {
 protected:
  responder make(std::uint64_t key = 1) { return responder{sink_, request_key{key}}; }
  reply only_answer() {
    EXPECT_EQ(sink_->answers.size(), 1U);
    return sink_->answers.empty() ? reply{} : sink_->answers.front().second;
  }

  std::shared_ptr<recording_sink> sink_ = std::make_shared<recording_sink>();
  router router_;
};

TEST_F(rpc_router, calls_the_handler_of_the_type_with_its_payload) {
  router_.on_request(7, [](request call, responder answer) { answer.succeed(call.payload); });
  router_.on_request(9, [](const request&, responder answer) { answer.fail(418, "teapot"); });
  router_.dispatch({.type_id = 7, .payload = "[1]"}, make(5));
  EXPECT_EQ(sink_->answers, (std::vector{std::pair{request_key{5}, success("[1]")}}));
  router_.dispatch({.type_id = 9, .payload = "1"}, make(6));
  EXPECT_EQ(sink_->answers.back().second, (reply{.error = call_error{418, "teapot"}}));
}

TEST_F(rpc_router, an_unknown_type_is_answered_404) {
  router_.dispatch({.type_id = 1}, make());
  EXPECT_EQ(only_answer(), handler_not_found());
}

TEST_F(rpc_router, a_handler_for_notifications_only_does_not_serve_requests) {
  router_.on_notification(1, [](std::string_view) { FAIL(); });
  router_.dispatch({.type_id = 1}, make());
  EXPECT_EQ(only_answer(), handler_not_found());
}

TEST_F(rpc_router, a_throwing_handler_is_answered_500) {
  router_.on_request(1, [](request, responder) { throw std::runtime_error{"secret detail"}; });
  router_.on_request(2, [](const request&, const responder&) { throw 7; });
  router_.on_request(3, {});
  for (std::uint32_t type = 1; type <= 3; ++type) router_.dispatch({.type_id = type}, make());
  ASSERT_EQ(sink_->answers.size(), 3U);
  for (const auto& answer : sink_->answers) EXPECT_EQ(answer.second, internal_error());
}

TEST_F(rpc_router, a_handler_that_throws_behind_its_answer_has_answered) {
  router_.on_request(1, [](const request&, responder answer) {
    answer.succeed("1");
    throw std::runtime_error{"late"};
  });
  router_.dispatch({.type_id = 1}, make());
  EXPECT_EQ(only_answer(), success("1"));
}

TEST_F(rpc_router, a_forgotten_request_is_answered_500) {
  router_.on_request(1, [](const request&, const responder&) {});
  router_.dispatch({.type_id = 1}, make());
  EXPECT_EQ(only_answer(), internal_error());
}

TEST_F(rpc_router, a_handler_may_keep_the_responder_and_answer_later) {
  std::optional<responder> kept;
  router_.on_request(1, [&kept](const request&, responder answer) { kept = std::move(answer); });
  router_.dispatch({.type_id = 1}, make());
  EXPECT_TRUE(sink_->answers.empty());
  kept->succeed("2");
  kept.reset();
  EXPECT_EQ(only_answer(), success("2"));
}

TEST_F(rpc_router, only_the_first_answer_counts) {
  auto answer = make();
  answer.succeed("1");
  answer.fail(418, "teapot");
  answer.finish(internal_error());
  EXPECT_EQ(only_answer(), success("1"));
}

TEST_F(rpc_router, a_moved_responder_answers_once) {
  {
    auto first = make();
    auto second = std::move(first);
    second.succeed("1");
  }
  EXPECT_EQ(only_answer(), success("1"));
}

TEST_F(rpc_router, a_responder_that_is_assigned_over_answers_its_request) {
  auto answer = make(1);
  answer = make(2);
  ASSERT_EQ(sink_->answers.size(), 1U);
  EXPECT_EQ(sink_->answers[0], (std::pair{request_key{1}, internal_error()}));
  answer.succeed("2");
  EXPECT_EQ(sink_->answers[1], (std::pair{request_key{2}, success("2")}));
}

TEST_F(rpc_router, a_responder_neither_keeps_its_server_nor_reaches_it_once_it_is_gone) {
  auto early = make(1);
  auto late = make(2);
  early.succeed("1");
  EXPECT_EQ(sink_->answers.size(), 1U);
  const std::weak_ptr<recording_sink> server = sink_;
  sink_.reset();
  EXPECT_TRUE(server.expired());
  // Whoever serves next under the same roof gets nothing of it.
  sink_ = std::make_shared<recording_sink>();
  late.succeed("2");
  EXPECT_TRUE(sink_->answers.empty());
}

TEST_F(rpc_router, notifications_reach_the_request_handler_of_the_type) {
  int calls = 0;
  router_.on_request(1, [&calls](request call, responder answer) {
    ++calls;
    EXPECT_EQ(call.payload, "[5]");
    answer.succeed("1");
  });
  router_.dispatch_notification({.type_id = 1, .payload = "[5]"}, make());
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(sink_->answers.size(), 1U) << "so that the next notification starts";
}

TEST_F(rpc_router, a_notification_handler_goes_before_the_request_handler) {
  std::string seen;
  router_.on_request(1, [](const request&, const responder&) { FAIL(); });
  router_.on_notification(1, [&seen](std::string_view payload) { seen = payload; });
  router_.dispatch_notification({.type_id = 1, .payload = "7"}, make());
  EXPECT_EQ(seen, "7");
  EXPECT_EQ(sink_->answers.size(), 1U);
}

TEST_F(rpc_router, unknown_and_failing_notifications_are_finished_like_others) {
  router_.on_notification(1, [](std::string_view) { throw std::runtime_error{"x"}; });
  router_.dispatch_notification({.type_id = 1}, make(1));
  router_.dispatch_notification({.type_id = 2}, make(2));
  EXPECT_EQ(sink_->answers.size(), 2U);
}

TEST_F(rpc_router, the_last_handler_for_a_type_wins) {
  router_.on_request(1, [](const request&, responder answer) { answer.succeed("1"); });
  router_.on_request(1, [](const request&, responder answer) { answer.succeed("2"); });
  router_.dispatch({.type_id = 1}, make());
  EXPECT_EQ(only_answer(), success("2"));
}

TEST_F(rpc_router, a_handler_learns_that_its_stream_ended) {
  std::stop_source stream;
  std::stop_token token;
  router_.on_request(1, [&token](request call, const responder&) { token = call.stop; });
  router_.dispatch({.type_id = 1, .payload = "1", .stop = stream.get_token()}, make());
  EXPECT_FALSE(token.stop_requested());
  stream.request_stop();
  EXPECT_TRUE(token.stop_requested());
}

TEST(rpc_subscriptions, every_handler_of_the_type_hears_it_in_the_order_added) {
  subscriptions all;
  std::string heard;
  all.add(1, [&heard](std::string_view text) { heard += "a" + std::string{text}; });
  all.add(2, [&heard](std::string_view) { heard += "x"; });
  all.add(1, [&heard](std::string_view text) { heard += "b" + std::string{text}; });
  EXPECT_EQ(all.deliver(1, "7"), 2U);
  EXPECT_EQ(heard, "a7b7");
  EXPECT_EQ(all.deliver(3, "7"), 0U) << "no handler means ignore";
}

TEST(rpc_subscriptions, a_throwing_handler_disturbs_nobody) {
  subscriptions all;
  int heard = 0;
  all.add(1, [](std::string_view) { throw std::runtime_error{"x"}; });
  all.add(1, [&heard](std::string_view) { ++heard; });
  EXPECT_EQ(all.deliver(1, ""), 2U);
  EXPECT_EQ(heard, 1);
}

TEST(rpc_subscriptions, handlers_may_remove_themselves_and_others_while_they_run) {
  subscriptions all;
  std::string heard;
  subscription_id self{};
  subscription_id next{};
  self = all.add(1, [&](std::string_view) {
    heard += "a";
    all.remove(self);
    all.remove(next);
    all.remove(self);
  });
  next = all.add(1, [&heard](std::string_view) { heard += "b"; });
  all.add(1, [&heard](std::string_view) { heard += "c"; });
  EXPECT_EQ(all.deliver(1, ""), 2U);
  EXPECT_EQ(all.deliver(1, ""), 1U);
  EXPECT_EQ(heard, "acc");
}

TEST(rpc_subscriptions, ids_of_the_callers_are_the_order_and_one_added_while_they_run_hears_the_next) {
  subscriptions all;
  std::string heard;
  all.add(subscription_id{7}, 1, [&](std::string_view) {
    heard += "7";
    all.add(subscription_id{8}, 1, [&](std::string_view) { heard += "8"; });
  });
  all.add(subscription_id{5}, 1, [&](std::string_view) { heard += "5"; });
  EXPECT_EQ(all.deliver(1, "{}"), 2U);
  all.remove(subscription_id{5});
  EXPECT_EQ(all.deliver(1, "{}"), 2U);
  EXPECT_EQ(heard, "5778");
}

TEST(rpc_subscriptions, one_added_while_they_run_hears_the_next) {
  subscriptions all;
  int late = 0;
  bool added = false;
  all.add(1, [&](std::string_view) {
    if (!std::exchange(added, true)) all.add(1, [&late](std::string_view) { ++late; });
  });
  EXPECT_EQ(all.deliver(1, ""), 1U);
  EXPECT_EQ(late, 0);
  EXPECT_EQ(all.deliver(1, ""), 2U);
  EXPECT_EQ(late, 1);
}

}  // namespace
}  // namespace flowersec::rpc
