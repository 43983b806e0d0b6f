// Scopes and ids of an artifact at connect: who is asked, in which order, and what each answer does.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/serialize.hpp>

#include "direct_fixture.h"
#include "flowersec/endpoint/artifact.h"
#include "flowersec/endpoint/reconnect_manager.h"
#include "recording_observer.h"
#include "support/case_table.h"
#include "support/watched_observer.h"

namespace flowersec::testing {
namespace {

namespace json = boost::json;
using namespace flowersec::endpoint;

/// Events of stage scope, and the ids that every event has.
struct scope_listener final : testing_support::watched_observer {
  void hear(const event& happened) override {
    if (happened.stage == "scope") codes.emplace_back(happened.code);
    if (!ids.empty() && ids.back() == std::pair{happened.trace_id, happened.session_id}) return;
    ids.emplace_back(happened.trace_id, happened.session_id);
  }
  std::vector<std::string> codes;
  std::vector<std::pair<std::optional<std::string>, std::optional<std::string>>> ids;  // no two equal in a row
};

std::optional<std::string> text_or_none(const json::value& value) {
  return value.is_null() ? std::nullopt : std::optional{std::string{value.as_string()}};
}

std::pair<std::optional<std::string>, std::optional<std::string>> ids_of(const json::object& row) {
  if (const auto* ids = row.if_contains("ids")) return {text_or_none(ids->at(0)), text_or_none(ids->at(1))};
  if (const auto* from = row.if_contains("correlation")) {
    return {text_or_none(from->at("trace_id")), text_or_none(from->at("session_id"))};
  }
  return {};
}

std::string artifact_of(const json::object& row) {
  json::object artifact{{"v", 1},
                        {"transport", "direct"},
                        {"direct_info", json::parse(encode(info_for("wss://endpoint.example/ws")))},
                        {"scoped", row.at("scoped")}};
  if (const auto* correlation = row.if_contains("correlation")) artifact["correlation"] = *correlation;
  return json::serialize(artifact);
}

scope_resolver resolver(std::string answer, std::vector<std::string>& asked) {
  return [answer = std::move(answer), &asked](artifact_scope scope) -> awaitable<result<void>> {
    asked.push_back(scope.scope + " " + std::to_string(scope.scope_version));
    co_await asio::post(endpoint::default_token{});
    if (answer == "throws") throw std::runtime_error{"no"};
    if (answer == "refuses") co_return make_error_code(boost::system::errc::permission_denied);
    co_return result<void>{};
  };
}

std::vector<std::string> texts(const json::value& list) {
  std::vector<std::string> out;
  for (const auto& each : list.as_array()) out.emplace_back(each.as_string());
  return out;
}

TEST(scopes, every_case_of_the_shared_table) {
  const auto cases = read_cases("scope_cases.json");
  for (const auto& each : cases.as_array()) {
    const auto& row = each.as_object();
    SCOPED_TRACE(std::string{row.at("name").as_string()});
    std::vector<std::string> asked;
    const auto seen = std::make_shared<scope_listener>();
    auto options = dial_options();
    options.common.events = seen;
    options.relaxed_optional_scopes = row.contains("relaxed") && row.at("relaxed").as_bool();
    for (const auto& [name, answer] : row.at("resolvers").as_object()) {
      options.scope_resolvers[name] = resolver(std::string{answer.as_string()}, asked);
    }
    options.policy = transport_policy::custom([&asked](const transport_target&) {
      asked.emplace_back("policy");
      return false;
    });
    auto artifact = read_connect_artifact(artifact_of(row));
    ASSERT_TRUE(artifact) << artifact.error().message();
    asio::io_context context;
    error_code failed;
    async_connect(context.get_executor(), *std::move(artifact), options,
                  [&](error_code why, const endpoint::session&) { failed = why; });
    context.run();
    const auto info = describe_error(failed);
    ASSERT_TRUE(info) << failed.message();
    EXPECT_EQ(info->path, path::direct);
    EXPECT_EQ(info->stage, stage::validate);
    EXPECT_EQ(to_string(info->code), std::string_view{row.at("outcome").as_string()});
    EXPECT_EQ(asked, texts(row.at("asked")));
    EXPECT_EQ(seen->codes, texts(row.at("events")));
    if (!seen->codes.empty()) {
      EXPECT_EQ(seen->ids, std::vector{ids_of(row)});
    }
  }
}

TEST(scopes, are_given_to_their_resolver_as_they_were_written) {
  auto artifact = read_connect_artifact(artifact_of(json::parse(R"({"scoped": [
      {"scope": "app", "scope_version": 7, "critical": false, "payload": {"b": [1.50, "x"], "a": null}}]})")
                                                        .as_object()));
  ASSERT_TRUE(artifact);
  auto options = dial_options();
  std::vector<artifact_scope> given;
  options.scope_resolvers["app"] = [&given](artifact_scope scope) -> awaitable<result<void>> {
    given.push_back(std::move(scope));
    co_return make_error_code(boost::system::errc::permission_denied);
  };
  asio::io_context context;
  async_connect(context.get_executor(), *std::move(artifact), options, [](error_code, const endpoint::session&) {});
  context.run();
  ASSERT_EQ(given.size(), 1u);
  EXPECT_EQ(given[0].scope, "app");
  EXPECT_EQ(given[0].scope_version, 7);
  EXPECT_FALSE(given[0].critical);
  EXPECT_EQ(json::parse(given[0].payload), json::parse(R"({"b": [1.50, "x"], "a": null})"));
}

TEST(artifact, that_cannot_be_read_is_invalid_input_of_no_path) {
  for (const auto* text : {"", "null", "{}", R"({"v":1,"transport":"direct"})"}) {
    const auto read = read_connect_artifact(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(to_string(*describe_error(read.error())), "auto: validate/invalid_input");
  }
}

TEST(artifact, connects_with_what_is_in_it) {
  asio::io_context context;
  auto listener = listen_on(context);
  const auto whole = [&]() -> awaitable<void> {
    connect_artifact artifact{.target = info_for(listener.url()), .scoped = {{.scope = "app", .payload = "{}"}}};
    auto options = dial_options();
    options.scope_resolvers["app"] = [](artifact_scope) -> awaitable<result<void>> { co_return result<void>{}; };
    auto up = co_await async_connect(context.get_executor(), std::move(artifact), std::move(options));
    EXPECT_EQ(up.path(), path::direct);
    co_await listener.async_accept();
  };
  run(context, whole());
}

/// A resolver that never answers.
scope_resolver endless(bool& asked, bool& stopped) {
  return [&](artifact_scope) -> awaitable<result<void>> {
    asked = true;
    asio::steady_timer for_ever{co_await asio::this_coro::executor, 1h};
    const auto [failed] = co_await for_ever.async_wait(with_error);
    stopped = failed == asio::error::operation_aborted;
    co_return result<void>{};
  };
}

TEST(scopes, a_resolver_is_cancelled_with_the_attempt) {
  asio::io_context context;
  bool asked = false;
  bool stopped = false;
  auto options = dial_options();
  const auto heard = std::make_shared<recording_observer>();
  options.common.events = heard;
  options.scope_resolvers["app"] = endless(asked, stopped);
  connect_artifact artifact{.target = info_for("ws://127.0.0.1:1/ws"), .scoped = {{.scope = "app", .payload = "{}"}}};
  asio::cancellation_signal signal;
  error_code failed;
  async_connect(
      context.get_executor(), std::move(artifact), options,
      asio::bind_cancellation_slot(signal.slot(), [&](error_code why, const endpoint::session&) { failed = why; }));
  while (!asked) context.run_one();
  signal.emit(asio::cancellation_type::terminal);
  context.run();
  EXPECT_TRUE(stopped);
  EXPECT_EQ(to_string(*describe_error(failed)), "direct: connect/canceled");
  EXPECT_EQ(heard->take(), std::vector<std::string>{}) << "connecting has not begun";
}

TEST(scopes, are_looked_at_by_each_attempt_of_a_manager) {
  asio::io_context context;
  std::vector<std::string> asked;
  reconnect_config config{
      .source = artifact_source::refreshable([](artifact_request) -> awaitable<result<connect_artifact>> {
        connect_artifact artifact{.target = info_for("wss://endpoint.example/ws"),
                                  .scoped = {{.scope = "app", .payload = "{}"}}};
        co_return artifact;
      }),
      .connect = dial_options(),
      .reconnect = {.enabled = true, .max_attempts = 3, .initial_delay = 0ms}};
  config.connect.scope_resolvers["app"] = resolver("refuses", asked);
  reconnect_manager manager{context.get_executor()};
  error_code failed;
  manager.async_connect(config, [&](error_code why, const endpoint::session&) { failed = why; });
  context.run();
  EXPECT_EQ(to_string(*describe_error(failed)), "direct: validate/resolve_failed") << "a fresh artifact may mend it";
  EXPECT_EQ(asked, (std::vector<std::string>{"app 0", "app 0", "app 0"}));
}

}  // namespace
}  // namespace flowersec::testing
