// The error model: the table, the packing, and that nothing outside the table is produced.
#include "flowersec/endpoint/error.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <map>
#include <set>
#include <string>

#include "endpoint/failure.h"
#include "flowersec/handshake/errc.h"
#include "flowersec/record/errc.h"
#include "flowersec/rpc/error.h"
#include "flowersec/session/error.h"
#include "flowersec/ws/error.h"
#include "flowersec/yamux/error.h"
#include "recording_observer.h"
#include "support/link_pair.h"
#include "support/watched_observer.h"

namespace flowersec::endpoint {
namespace {

using enum stage;

const std::map<std::string, std::set<stage>>& published_table() {
  static const std::map<std::string, std::set<stage>> table{
      {"invalid_input", {validate, secure}},
      {"invalid_option", {validate}},
      {"missing_grant", {validate}},
      {"missing_connect_info", {validate}},
      {"missing_conn", {validate}},
      {"role_mismatch", {validate, attach}},
      {"missing_tunnel_url", {validate}},
      {"missing_ws_url", {validate}},
      {"missing_origin", {validate}},
      {"missing_channel_id", {validate}},
      {"missing_token", {validate}},
      {"missing_init_exp", {validate}},
      {"invalid_psk", {validate}},
      {"invalid_suite", {validate, handshake}},
      {"invalid_version", {handshake}},
      {"invalid_endpoint_instance_id", {validate}},
      {"resolve_failed", {validate}},
      {"transport_policy_denied", {validate}},
      {"credential_commit_failed", {handshake}},
      {"random_failed", {validate}},
      {"dial_failed", {stage::connect}},
      {"upgrade_failed", {stage::connect}},
      {"attach_failed", {attach}},
      {"too_many_connections", {attach}},
      {"expected_attach", {attach}},
      {"invalid_attach", {attach}},
      {"invalid_token", {attach}},
      {"channel_mismatch", {attach}},
      {"init_exp_mismatch", {attach}},
      {"idle_timeout_mismatch", {attach}},
      {"token_replay", {attach}},
      {"tenant_mismatch", {attach}},
      {"policy_denied", {attach}},
      {"policy_error", {attach}},
      {"replace_rate_limited", {attach}},
      {"timeout", {stage::connect, attach, handshake, yamux, rpc}},
      {"canceled", {stage::connect, attach, handshake, yamux}},
      {"handshake_failed", {handshake}},
      {"timestamp_after_init_exp", {handshake}},
      {"timestamp_out_of_skew", {handshake}},
      {"auth_tag_mismatch", {handshake}},
      {"open_stream_failed", {yamux}},
      {"accept_stream_failed", {yamux}},
      {"mux_failed", {yamux}},
      {"stream_hello_failed", {rpc}},
      {"rpc_failed", {rpc}},
      {"missing_stream_kind", {rpc}},
      {"missing_handler", {rpc}},
      {"ping_failed", {secure, yamux, stage::close}},
      {"rekey_failed", {secure}},
      {"not_connected", {secure, yamux, rpc, stage::close}},
      {"resource_exhausted", {stage::connect, handshake, secure, yamux, rpc, stage::close}},
      {"invalid_open", {handshake}},
      {"unknown_key", {handshake}},
  };
  return table;
}

constexpr stage all_stages[] = {validate, stage::connect, attach,      handshake, secure, yamux,
                                rpc,      reconnect,      stage::close};

TEST(error_model, lists_exactly_the_published_pairs) {
  ASSERT_EQ(published_table().size(), endpoint_errc_count);
  for (std::size_t i = 1; i <= endpoint_errc_count; ++i) {
    const auto code = static_cast<endpoint_errc>(i);
    const auto row = published_table().find(std::string{to_string(code)});
    ASSERT_NE(row, published_table().end()) << to_string(code);
    for (const auto where : all_stages) {
      EXPECT_EQ(is_legal(where, code), row->second.contains(where)) << to_string(where) << '/' << to_string(code);
    }
    EXPECT_EQ(parse_endpoint_errc(to_string(code)), code);
    EXPECT_STRNE(describe(code), "unknown error");
  }
  EXPECT_EQ(parse_endpoint_errc("no such code"), std::nullopt);
  EXPECT_FALSE(is_legal(validate, endpoint_errc{0}));
  EXPECT_FALSE(is_legal(validate, endpoint_errc{200}));
}

TEST(error_model, terminal_codes_are_those_that_no_fresh_grant_can_cure) {
  const std::set<std::string> terminal{
      "invalid_input",      "invalid_option", "role_mismatch",        "transport_policy_denied", "invalid_psk",
      "invalid_suite",      "missing_grant",  "missing_connect_info", "missing_tunnel_url",      "missing_ws_url",
      "missing_channel_id", "missing_token",  "missing_init_exp"};
  for (std::size_t i = 1; i <= endpoint_errc_count; ++i) {
    const auto code = static_cast<endpoint_errc>(i);
    EXPECT_EQ(is_terminal(code), terminal.contains(std::string{to_string(code)})) << to_string(code);
  }
}

TEST(error_model, a_triple_travels_in_an_error_code) {
  const error_info info{.path = path::tunnel, .stage = attach, .code = endpoint_errc::token_replay};
  const auto ec = make_error(info);
  EXPECT_EQ(describe_error(ec), info);
  EXPECT_EQ(ec, endpoint_errc::token_replay);
  EXPECT_EQ(ec, stage::attach);
  EXPECT_NE(ec, endpoint_errc::invalid_token);
  EXPECT_NE(ec, stage::handshake);
  EXPECT_EQ(to_string(info), "tunnel: attach/token_replay");
  EXPECT_NE(ec.message().find("token_replay"), std::string::npos);
  EXPECT_EQ(describe_error({}), std::nullopt);
  EXPECT_EQ(describe_error(make_error_code(boost::system::errc::timed_out)), std::nullopt);
}

TEST(error_model, the_path_does_not_change_what_a_code_equals) {
  for (const auto on : {path::automatic, path::tunnel, path::direct}) {
    EXPECT_EQ(make_error({.path = on, .stage = rpc, .code = endpoint_errc::rpc_failed}), endpoint_errc::rpc_failed);
  }
  EXPECT_EQ(to_string(path::automatic), "auto");
}

/// Every value of every layer below, and some from outside, mapped in every way: the pair must be legal.
template <class Errc>
void expect_legal(int last) {
  for (int value = 1; value <= last; ++value) {
    const error_code code = make_error_code(static_cast<Errc>(value));
    ::flowersec::session::link_end end;
    end.why = code;
    for (const auto on : {path::tunnel, path::direct}) {
      for (const auto& info : {operation_failure(on, code), end_of_session(on, end), startup_failure(on, end),
                               handshake_failure(on, code)}) {
        EXPECT_TRUE(is_legal(info.stage, info.code)) << code.message() << " became " << to_string(info);
        EXPECT_EQ(info.path, on);
      }
    }
  }
}

TEST(error_model, only_legal_pairs_are_produced) {
  expect_legal<::flowersec::session::session_errc>(29);
  expect_legal<::flowersec::handshake::handshake_errc>(40);
  expect_legal<::flowersec::record::record_errc>(20);
  expect_legal<::flowersec::yamux::yamux_errc>(25);
  expect_legal<::flowersec::rpc::rpc_errc>(16);
  expect_legal<boost::system::errc::errc_t>(133);
}

::flowersec::session::link_end closed_with(std::string reason, std::uint16_t code = 1008) {
  ::flowersec::session::link_end end;
  end.why = make_error_code(::flowersec::session::session_errc::transport_closed);
  end.before_connected = true;
  end.transport.reason = std::move(reason);
  end.transport.close_code = code;
  return end;
}

TEST(interop_traps, trap_20_the_close_reason_decides_and_the_close_code_does_not) {
  for (const std::string reason :
       {"too_many_connections", "expected_attach", "invalid_attach", "invalid_token", "channel_mismatch",
        "init_exp_mismatch", "idle_timeout_mismatch", "role_mismatch", "token_replay", "tenant_mismatch",
        "policy_denied", "policy_error", "replace_rate_limited", "attach_failed", "timeout", "canceled"}) {
    for (const std::uint16_t code : {1000, 1008, 4999}) {
      const auto info = startup_failure(path::tunnel, closed_with(reason, code));
      EXPECT_EQ(info.stage, attach) << reason;
      EXPECT_EQ(to_string(info.code), reason);
      EXPECT_TRUE(is_legal(info.stage, info.code));
    }
    // A direct endpoint attaches nowhere.
    EXPECT_EQ(startup_failure(path::direct, closed_with(reason)).stage, handshake);
  }
}

TEST(interop_traps, trap_20_other_reasons_are_a_failed_handshake) {
  for (const std::string reason :
       {"", "invalid token", "Token_replay", "token_replay ", "dial_failed", "not_connected"}) {
    const auto info = startup_failure(path::tunnel, closed_with(reason));
    EXPECT_EQ(info.stage, handshake) << reason;
    EXPECT_EQ(info.code, endpoint_errc::handshake_failed);
  }
}

TEST(error_model, a_write_beyond_the_budget_is_a_limit_of_the_secure_channel) {
  const auto info = operation_failure(path::direct, make_error_code(record::record_errc::outbound_overflow));
  EXPECT_EQ(to_string(info), "direct: secure/resource_exhausted");
}

TEST(reports, name_streams_by_the_error_model_and_tell_a_silent_peer_to_clients_only) {
  using ::flowersec::session::session_errc;
  struct row {
    bool client;
    session_errc what;
    std::vector<std::string> told;
  };
  for (const auto& row : {row{false, session_errc::hello_invalid, {"tunnel rpc/stream_hello_failed fail"}},
                          row{true, session_errc::hello_timeout, {"tunnel rpc/stream_hello_failed fail"}},
                          row{false, session_errc::no_handler, {"tunnel rpc/missing_handler fail"}},
                          row{true, session_errc::probe_timeout, {"tunnel yamux/liveness_timeout fail"}},
                          row{false, session_errc::probe_timeout, {}}}) {
    boost::asio::io_context context;
    const auto seen = std::make_shared<testing::recording_observer>();
    reporter_for(path::tunnel, row.client, teller{context.get_executor(), path::tunnel, {.events = seen}})(row.what);
    context.run();
    EXPECT_EQ(seen->take(), row.told);
  }
  EXPECT_FALSE(reporter_for(path::tunnel, true, teller{}));
}

/// What an observer hears of `what`, as JSON from the stage on.
std::vector<std::string> events_of(const ::flowersec::session::incident& what) {
  struct listener final : testing_support::watched_observer {
    void hear(const event& happened) override {
      const auto json = to_json(happened);
      lines.push_back(json.substr(json.find("\"stage\"")));
    }
    std::vector<std::string> lines;
  };
  boost::asio::io_context context;
  const auto seen = std::make_shared<listener>();
  common_options options{.events = seen};
  reporter_for(path::tunnel, true, teller{context.get_executor(), path::tunnel, options})(what);
  context.run();
  for (auto& line : seen->lines) {
    const auto from = line.find(",\"elapsed_ms\"");
    const auto to = line.find(",\"attempt_seq\"");
    line.erase(from, to - from);
  }
  return seen->lines;
}

TEST(reports, name_the_limit_that_a_stream_was_refused_by) {
  using yamux::refusal;
  const std::string rejected =
      R"("stage":"yamux","code_domain":"event","code":"stream_rejected","result":"fail","attempt_seq":1)";
  EXPECT_EQ(events_of(yamux::streams_refused{.why = refusal::inbound_streams, .count = 3, .limit = 32}),
            std::vector{rejected + R"(,"resource":"inbound_streams","current":32,"limit":32})"});
  EXPECT_EQ(events_of(yamux::streams_refused{.why = refusal::active_streams, .count = 1, .limit = 64}),
            std::vector{rejected + R"(,"resource":"active_streams","current":64,"limit":64})"});
  EXPECT_EQ(events_of(yamux::streams_refused{.why = refusal::wrong_parity, .count = 1, .limit = {}}),
            std::vector{rejected + "}"});
}

TEST(reports, say_how_much_waits_for_a_network_that_takes_nothing) {
  EXPECT_EQ(events_of(::flowersec::session::send_stalled{.bytes = 70000}),
            std::vector<std::string>{
                R"("stage":"transport","code_domain":"event","code":"queue_pressure","result":"fail","attempt_seq":1,)"
                R"("resource":"websocket_outbound_bytes","current":70000})"});
}

TEST(ends, of_a_websocket_are_told_apart_from_its_failures) {
  using ::flowersec::session::link_end;
  using ::flowersec::session::session_errc;
  using ws::ws_errc;
  const auto ended_by = [](const error_code& cause) {
    link_end end;
    end.why = make_error_code(session_errc::transport_closed);
    end.transport.cause = cause;
    return end;
  };
  for (const auto quiet : {ws_errc::closed_by_peer, ws_errc::abrupt_end, ws_errc::closed_locally}) {
    EXPECT_FALSE(is_broken(ended_by(make_error_code(quiet)))) << describe(quiet);
  }
  for (const auto loud : {ws_errc::reserved_bits, ws_errc::mask_unexpected, ws_errc::message_too_big,
                          ws_errc::peer_silent, ws_errc::tls_failed}) {
    EXPECT_TRUE(is_broken(ended_by(make_error_code(loud)))) << describe(loud);
  }
  EXPECT_TRUE(is_broken(ended_by(make_error_code(boost::system::errc::connection_reset))));
  const auto ended_here = [](const error_code& why) {
    link_end end;
    end.why = why;
    return end;
  };
  EXPECT_TRUE(is_broken(ended_here(make_error_code(session_errc::wrong_message))));
  EXPECT_TRUE(is_broken(ended_here(make_error_code(session_errc::send_timeout))));
  for (const auto why : {session_errc::closed_here, session_errc::probe_timeout}) {
    EXPECT_FALSE(is_broken(ended_here(make_error_code(why)))) << describe(why);
  }
  EXPECT_FALSE(is_broken(ended_here(make_error_code(yamux::yamux_errc::go_away))));
}

TEST(ends, tell_a_failure_of_the_websocket_before_its_close) {
  testing::link_pair pair;
  const auto seen = std::make_shared<testing::recording_observer>();
  tell_end(*pair.client.link, teller{pair.context.get_executor(), path::direct, {.events = seen}});
  pair.poll();
  pair.client.pipe->cut();
  pair.poll();
  EXPECT_EQ(seen->take(),
            (std::vector<std::string>{"direct close/ws_error skip", "direct close/ws_close_peer_or_error skip"}));
}

TEST(error_model, a_session_whose_network_stalls_has_timed_out) {
  using ::flowersec::session::session_errc;
  ::flowersec::session::link_end end;
  end.why = make_error_code(session_errc::send_timeout);
  EXPECT_EQ(to_string(end_of_session(path::tunnel, end)), "tunnel: yamux/timeout");
  end.before_connected = true;
  EXPECT_EQ(to_string(startup_failure(path::tunnel, end)), "tunnel: handshake/timeout");
}

TEST(error_model, handshake_failures_keep_their_name_on_both_roles) {
  using handshake::handshake_errc;
  const auto mapped = [](handshake_errc why) {
    ::flowersec::session::link_end end;
    end.why = make_error_code(why);
    return startup_failure(path::direct, end);
  };
  EXPECT_EQ(mapped(handshake_errc::wrong_suite).code, endpoint_errc::invalid_suite);
  EXPECT_EQ(mapped(handshake_errc::timestamp_out_of_skew).code, endpoint_errc::timestamp_out_of_skew);
  EXPECT_EQ(mapped(handshake_errc::timestamp_after_init_exp).code, endpoint_errc::timestamp_after_init_exp);
  EXPECT_EQ(mapped(handshake_errc::auth_tag_mismatch).code, endpoint_errc::auth_tag_mismatch);
  EXPECT_EQ(mapped(handshake_errc::wrong_channel_id).code, endpoint_errc::handshake_failed);
}

}  // namespace
}  // namespace flowersec::endpoint
