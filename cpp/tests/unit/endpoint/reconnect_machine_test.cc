// The table of cases that every language shares, testdata/reconnect_cases.json, played to the machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/error.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/system/errc.hpp>
#include <fstream>
#include <sstream>

#include "endpoint/reconnect_machine.h"
#include "flowersec/endpoint/error.h"

namespace flowersec::testing {
namespace {

namespace json = boost::json;
using namespace flowersec::endpoint;
using std::chrono::milliseconds;

const json::object& table() {
  static const auto whole = [] {
    std::ifstream in{FLOWERSEC_SOURCE_DIR "/testdata/reconnect_cases.json"};
    std::stringstream text;
    text << in.rdbuf();
    return json::parse(text.str());
  }();
  return whole.as_object();
}

std::string text_of(const json::object& row, std::string_view key) { return std::string{row.at(key).as_string()}; }

reconnect_options options_of(const json::object& row) {
  reconnect_options options;
  for (const auto& [key, value] : row) {
    const auto ms = [&value = value] { return milliseconds{value.as_int64()}; };
    if (key == "enabled") {
      options.enabled = value.as_bool();
    } else if (key == "max_attempts") {
      options.max_attempts = static_cast<int>(value.as_int64());
    } else if (key == "initial_delay_ms") {
      options.initial_delay = ms();
    } else if (key == "max_delay_ms") {
      options.max_delay = ms();
    } else if (key == "drain_spread_ms") {
      options.drain_spread = ms();
    } else if (key == "factor") {
      options.factor = value.to_number<double>();
    } else if (key == "jitter_ratio") {
      options.jitter_ratio = value.to_number<double>();
    } else {
      ADD_FAILURE() << "unknown option " << key;
    }
  }
  return options;
}

source_kind source_of(const json::object& row) {
  const auto name = text_of(row, "source");
  if (name == "once") return source_kind::once;
  return name == "missing" ? source_kind::missing : source_kind::refreshable;
}

/// "other" is an error without a code of the error model.
error_code error_of(std::string_view token) {
  if (token == "other") return make_error_code(boost::system::errc::io_error);
  const auto code = parse_endpoint_errc(token);
  for (int where = 1; code && where <= static_cast<int>(stage::close); ++where) {
    const auto at = static_cast<stage>(where);
    if (is_legal(at, *code)) return make_error({.path = path::tunnel, .stage = at, .code = *code});
  }
  ADD_FAILURE() << "no such code: " << token;
  return {};
}

std::string token_of(const error_code& why) {
  if (!why) return "ok";
  const auto info = describe_error(why);
  return info ? std::string{to_string(info->code)} : "other";
}

class player {
 public:
  explicit player(const json::object& script)
      : script_(script), machine_([this] {
          const auto& units = script_.at("units").as_array();
          EXPECT_LT(drawn_, units.size()) << "drew more numbers than the script has";
          return drawn_ < units.size() ? units[drawn_++].to_number<double>() : 0;
        }) {}

  void play() {
    for (const auto& value : script_.at("steps").as_array()) {
      const auto& step = value.as_object();
      SCOPED_TRACE(json::serialize(step));
      std::vector<std::string> expected;
      for (const auto& line : step.at("expect").as_array()) expected.emplace_back(line.as_string());
      EXPECT_EQ(apply(step), expected);
      EXPECT_EQ(wake(), expected_wake(step));
    }
    EXPECT_EQ(drawn_, script_.at("units").as_array().size()) << "numbers left over";
  }

 private:
  static constexpr mono_time start_{std::chrono::hours{1}};

  static std::optional<std::int64_t> expected_wake(const json::object& step) {
    const auto* found = step.if_contains("wake_ms");
    return found != nullptr ? std::optional{found->as_int64()} : std::nullopt;
  }
  std::optional<std::int64_t> wake() const {
    if (!machine_.deadline()) return std::nullopt;
    return std::chrono::duration_cast<milliseconds>(*machine_.deadline() - start_).count();
  }

  std::vector<std::string> apply(const json::object& step) {
    const auto now = start_ + milliseconds{step.at("at_ms").as_int64()};
    const auto action = text_of(step, "do");
    const auto* other = step.if_contains("options");
    const auto options = options_of((other != nullptr ? *other : script_.at("options")).as_object());
    const auto id = [&] { return attempt_id{step.at("attempt").to_number<std::uint64_t>()}; };
    const auto failure = [&] {
      return attempt_failure{.why = error_of(text_of(step, "code")), .draining = step.contains("draining")};
    };
    std::vector<std::string> lines;
    if (action == "connect") {
      if (!machine_.connect(options, source_of(script_))) lines.emplace_back("refused");
    } else if (action == "connect_if_needed") {
      const auto found = machine_.connect_if_needed(options, source_of(script_), step.at("same").as_bool());
      static constexpr const char* names[] = {"started", "waiting", "connected"};
      lines.emplace_back(found ? names[static_cast<int>(*found)] : "refused");
    } else if (action == "disconnect") {
      machine_.disconnect();
    } else if (action == "succeed") {
      machine_.attempt_succeeded(id());
    } else if (action == "fail") {
      machine_.attempt_failed(id(), failure(), now);
    } else if (action == "lose") {
      machine_.session_lost(id(), failure(), now);
    } else if (action == "close_failed") {
      machine_.close_failed(error_of(text_of(step, "code")));
    } else if (action == "time") {
      machine_.advance(now);
    } else {
      ADD_FAILURE() << "unknown step " << action;
    }
    while (const auto next = machine_.poll_intent()) {
      lines.push_back(std::visit([this](const auto& what) { return describe(what); }, *next));
    }
    return lines;
  }

  template <class Id>
  static std::string numbered(const char* word, Id id) {
    return word + std::to_string(static_cast<std::uint64_t>(id));
  }
  std::string describe(const intent::begin_attempt& what) {
    EXPECT_EQ(what.attempt_seq, machine_.attempt_seq());
    return numbered("begin ", what.id) + numbered(" seq ", what.attempt_seq);
  }
  std::string describe(const intent::abandon_attempt& what) { return numbered("abandon ", what.id); }
  std::string describe(const intent::close_session& what) { return numbered("close ", what.id); }
  std::string describe(const intent::discard_session& what) { return numbered("discard ", what.id); }
  std::string describe(const intent::publish&) {
    const auto error = machine_.error() ? " " + token_of(machine_.error()) : std::string{};
    return "state " + std::string{to_string(machine_.status())} + error;
  }
  std::string describe(const intent::tell& what) {
    static constexpr const char* results[] = {"ok", "fail", "retry", "skip"};
    return "event " + std::string{what.code} + " " + results[static_cast<int>(what.result)] +
           numbered(" ", what.attempt_seq);
  }
  std::string describe(const intent::answer& what) { return "answer " + token_of(what.outcome); }

  const json::object& script_;
  std::size_t drawn_ = 0;
  reconnect_machine machine_;
};

TEST(reconnect_machine, plays_every_script_of_the_table) {
  const auto& scripts = table().at("scripts").as_array();
  ASSERT_GE(scripts.size(), 40u);
  for (const auto& script : scripts) {
    const auto* only = script.as_object().if_contains("only");
    if (only != nullptr && *only != "cpp") continue;
    SCOPED_TRACE(text_of(script.as_object(), "name"));
    player{script.as_object()}.play();
  }
}

TEST(reconnect_machine, waits_as_the_table_says) {
  for (const auto& value : table().at("delays").as_array()) {
    const auto& row = value.as_object();
    const auto delay =
        reconnect_delay(options_of(row.at("options").as_object()), static_cast<int>(row.at("index").as_int64()),
                        row.at("unit").to_number<double>());
    EXPECT_EQ(delay.count(), row.at("delay_ms").as_int64()) << text_of(row, "name");
  }
}

TEST(reconnect_machine, waits_of_any_length_end_in_the_future) {
  constexpr auto longest = std::chrono::milliseconds::max();
  const mono_time now{std::chrono::years{1}};
  for (const auto time :
       {longest, longest / 2, std::chrono::floor<std::chrono::milliseconds>(mono_time::duration::max()),
        std::chrono::milliseconds{std::chrono::years{70}}}) {
    const reconnect_options options{.enabled = true,
                                    .initial_delay = time,
                                    .max_delay = time,
                                    .factor = std::numeric_limits<double>::max(),
                                    .jitter_ratio = 1,
                                    .drain_spread = time};
    ASSERT_TRUE(options.validate());
    for (const double unit : {0.5, 1.0}) {
      const auto wait = reconnect_delay(options, 3, unit) + spread_delay(options, unit);
      EXPECT_GE(wait, std::chrono::years{70}) << time << ' ' << unit;
      EXPECT_GT(now + wait, now + std::chrono::years{70}) << time << ' ' << unit;
    }
    EXPECT_EQ(reconnect_delay(options, 0, 0).count(), 0);
    EXPECT_EQ(spread_delay(options, 0).count(), 0);
  }
}

TEST(reconnect_machine, refuses_bad_options_and_sources_before_anything_happens) {
  for (const auto* part : {"refused", "accepted"}) {
    for (const auto& value : table().at(part).as_array()) {
      const auto& row = value.as_object();
      reconnect_machine machine{[] { return 0.5; }};
      const auto ok = machine.connect(options_of(row.at("options").as_object()), source_of(row));
      EXPECT_EQ(ok.has_value(), part == std::string{"accepted"}) << text_of(row, "name");
      if (ok) continue;
      EXPECT_EQ(ok.error(), endpoint_errc::invalid_option) << text_of(row, "name");
      EXPECT_EQ(machine.status(), connection_status::disconnected) << text_of(row, "name");
      EXPECT_FALSE(machine.poll_intent()) << text_of(row, "name");
    }
  }
}

TEST(reconnect_machine, refuses_numbers_that_are_none) {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_FALSE(reconnect_options{.factor = bad}.validate());
    EXPECT_FALSE(reconnect_options{.jitter_ratio = bad}.validate());
  }
}

TEST(reconnect_machine, knows_of_every_code_whether_another_attempt_may_help) {
  std::size_t codes = 0;
  for (const auto& code : table().at("terminal_codes").as_array()) {
    EXPECT_FALSE(is_retryable(error_of(code.as_string()))) << code;
    ++codes;
  }
  for (const auto& code : table().at("retryable_codes").as_array()) {
    EXPECT_TRUE(is_retryable(error_of(code.as_string()))) << code;
    ++codes;
  }
  EXPECT_EQ(codes, endpoint_errc_count + 1) << "a code is missing, or there twice";
  EXPECT_FALSE(is_retryable(boost::asio::error::operation_aborted));
}

TEST(reconnect_machine, canceled_is_final_unless_it_is_a_tunnel_that_says_so) {
  for (const auto where : {stage::connect, stage::attach, stage::handshake, stage::yamux}) {
    const auto why = make_error({.path = path::tunnel, .stage = where, .code = endpoint_errc::canceled});
    EXPECT_EQ(is_retryable(why), where == stage::attach) << to_string(where);
  }
}

}  // namespace
}  // namespace flowersec::testing
