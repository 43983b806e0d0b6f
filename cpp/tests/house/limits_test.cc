// Every row of the tables of docs/LIMITS.md says what the code says. A row without an entry here fails, and so does an
// entry without a row. Numbers of the page are compared in order, sizes as bytes and times as milliseconds; a constant
// that no header shows is read out of its source by name.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <concepts>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "flowersec/base/json.h"
#include "flowersec/base/json_scan.h"
#include "flowersec/controlplane/artifact_client.h"
#include "flowersec/controlplane/artifact_endpoint.h"
#include "flowersec/endpoint/direct_listener.h"
#include "flowersec/handshake/response_cache.h"
#include "flowersec/ownwire/client.h"
#include "flowersec/ownwire/edge.h"
#include "flowersec/ownwire/gateway.h"
#include "flowersec/ownwire/limits.h"
#include "flowersec/ownwire/peer_message.h"
#include "flowersec/rendezvous/limits.h"
#include "flowersec/rendezvous/registry_server.h"
#include "flowersec/sealed/key_file.h"
#include "flowersec/sealed/open_message.h"
#include "flowersec/session/options.h"
#include "flowersec/session/outbox.h"
#include "flowersec/tunnel/limits.h"
#include "flowersec/tunnel/replay_journal.h"
#include "flowersec/tunnel/server.h"
#include "flowersec/ws/message_socket.h"
#include "flowersec/ws/request_head.h"

namespace flowersec {
namespace {

using numbers = std::vector<std::int64_t>;

std::string file(const std::string& path) {
  std::ifstream from(FLOWERSEC_SOURCE_DIR "/" + path);
  EXPECT_TRUE(from) << path;
  return {std::istreambuf_iterator<char>(from), {}};
}

/// A size, a count, or a time in milliseconds.
struct value {
  template <std::integral Int>
  value(Int n) : is(static_cast<std::int64_t>(n)) {}  // NOLINT: rows are written as what they are
  template <class Rep, class Period>
  value(std::chrono::duration<Rep, Period> time)  // NOLINT
      : is(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) {}
  template <class T>
  value(const std::optional<T>& some) : value(some.value()) {}  // NOLINT
  std::int64_t is;
};

/// `constexpr type name = 128 * 1024;`, or `constexpr std::chrono::seconds name{10};`, of a source file.
value constant(const std::string& path, const std::string& name) {
  static const std::map<std::string, std::int64_t> units{
      {"hours", 3'600'000}, {"minutes", 60'000}, {"seconds", 1'000}, {"milliseconds", 1}};
  const auto source = file(path);
  std::smatch found;
  const std::regex pattern{"\\bconst(?:expr)?\\b([^;=]*?)\\b" + name + R"((?:\s*=\s*|\{)([\d'_ *]+)[;}])"};
  if (!std::regex_search(source, found, pattern)) {
    ADD_FAILURE() << path << " has no constant " << name;
    return 0;
  }
  std::int64_t product = 1;
  const auto text = std::regex_replace(found.str(2), std::regex{"['_]"}, "");
  const std::regex factor{R"(\d+)"};
  for (auto at = std::sregex_iterator{text.begin(), text.end(), factor}; at != std::sregex_iterator{}; ++at) {
    product *= std::stoll(at->str());
  }
  for (const auto& [unit, ms] : units) {
    if (std::regex_search(found.str(1), std::regex{"::" + unit + "\\b"})) product *= ms;
  }
  return product;
}

/// "10 s for a batch of about 64 KiB" is 10000 and 65536.
numbers numbers_of(const std::string& cell) {
  static const std::map<std::string, double> units{{"", 1}, {"s", 1000}, {"ms", 1}, {"KiB", 1024}, {"MiB", 1048576}};
  static const std::regex number{R"((\d+(?:\.\d+)?)(?: (s|ms|KiB|MiB)\b)?)"};
  numbers all;
  for (auto at = std::sregex_iterator{cell.begin(), cell.end(), number}; at != std::sregex_iterator{}; ++at) {
    all.push_back(std::llround(std::stod(at->str(1)) * units.at(at->str(2))));
  }
  return all;
}

struct row {
  std::string name;  ///< with the heading that it stands below
  numbers says;
};

/// The rows of all tables of limits. Of those of TypeScript that have another value in C++, the latter.
std::vector<row> rows_of(const std::string& page) {
  std::vector<row> all;
  std::string heading, header, line;
  std::istringstream lines{page};
  while (std::getline(lines, line)) {
    if (line.starts_with('#')) heading = line.substr(line.find(' ') + 1);
    if (!line.starts_with("| ")) {
      if (!line.starts_with("|--")) header.clear();
      continue;
    }
    if (header.empty()) {
      header = line;
      continue;
    }
    if (!header.starts_with("| limit |")) continue;
    std::vector<std::string> cells;
    for (std::size_t at = 2, end = 0; (end = line.find(" |", at)) != line.npos; at = end + 3) {
      cells.push_back(at < end ? line.substr(at, end - at) : "");
      if (end + 3 > line.size()) break;
    }
    const bool of_typescript = header.starts_with("| limit | value | in C++ |");
    auto says = numbers_of(cells.at(1));
    if (of_typescript && !cells.at(2).starts_with("both") && cells.at(2) != "for callees") {
      says = numbers_of(cells.at(2));
    }
    all.push_back({heading + ": " + cells.at(0), std::move(says)});
  }
  return all;
}

using entries = std::map<std::string, std::vector<value>>;

entries session_entries() {
  const session::session_options session;
  const handshake::response_cache_limits cache;
  using endpoint::direct_listener;
  return {
      {"`max_handshake_payload`", {session.handshake.max_payload_bytes}},
      {"`max_record_bytes`", {session.record.max_record_bytes}},
      {"`outbound_record_chunk_bytes`", {session.record.outbound_record_chunk_bytes}},
      {"`max_outbound_buffered_bytes`", {session.record.max_outbound_buffered_bytes}},
      {"`max_active_streams`", {session.yamux.max_active_streams}},
      {"`max_inbound_streams`", {session.yamux.max_inbound_streams}},
      {"`max_frame_bytes` (yamux)", {session.yamux.max_frame_bytes}},
      {"`preferred_outbound_frame_bytes`", {session.yamux.preferred_outbound_frame_bytes}},
      {"`max_stream_write_queue_bytes`", {session.yamux.max_stream_write_queue_bytes}},
      {"`max_stream_receive_bytes`", {session.yamux.max_stream_receive_bytes}},
      {"`max_session_receive_bytes`", {session.yamux.max_session_receive_bytes}},
      {"`wide_window_session_bytes`", {session.yamux.wide_window_session_bytes}},
      {"`wide_window_bytes`", {yamux::wide_window_bytes}},
      {"`max_queued_ping_replies`", {yamux::max_queued_ping_replies}},
      {"`max_queued_refusals` (yamux)", {yamux::max_queued_refusals}},
      {"`max_queued_controls`", {session::max_queued_controls}},
      {"`max_stream_hello_bytes`", {session::max_stream_hello_bytes}},
      {"`max_running_requests`", {session.rpc_server.max_running_requests}},
      {"`max_queued_requests`", {session.rpc_server.max_queued_requests}},
      {"`max_queued_notifications`", {session.rpc_server.max_queued_notifications}},
      {"`max_held_payload_bytes`", {session.rpc_server.max_held_payload_bytes}},
      {"`max_queued_refusals`", {session.rpc_server.max_queued_refusals}},
      {"`max_frame_bytes` (rpc)", {session.rpc_server.max_frame_bytes}},
      {"`max_output_bytes`", {session.rpc_client.max_output_bytes}},
      {"nesting of an RPC payload", {json_scan_max_depth}},
      {"nesting of any other JSON", {json_max_depth}},
      {"handshake time-out", {session.handshake_timeout}},
      {"connect time-out", {endpoint::connect_options{}.connect_timeout}},
      {"hello time-out", {session.hello_timeout}},
      {"send time-out", {session.send_timeout, session::gather_bytes}},
      {"handshake cache", {cache.time_to_live, cache.max_entries}},
      {"direct admission", {endpoint::listen_options{}.max_handshakes}},
      {"direct admission of one address", {endpoint::listen_options{}.max_handshakes_per_address}},
      {"direct refusals under way", {direct_listener::max_refusals_under_way, direct_listener::refusal_timeout}},
  };
}

entries tunnel_entries() {
  const tunnel::tunnel_limits relay;
  const http::fetch_options fetching;
  const std::string apps = "cpp/apps/tunneld/";
  const std::string own = "cpp/src/tunnel/";
  const auto group = constant(own + "journal_replay_store.h", "most_records_per_group").is;
  return {
      {"`max_attach_bytes`", {relay.max_attach_bytes}},
      {"`max_record_bytes`", {relay.max_record_bytes}},
      {"`max_pending_bytes`", {relay.max_pending_bytes}},
      {"`max_pending_frames`", {relay.max_pending_frames}},
      {"`max_write_queue_bytes`", {relay.max_write_queue_bytes}},
      {"`max_tenant_queued_bytes`", {relay.max_tenant_queued_bytes}},
      {"`max_total_queued_bytes`", {relay.max_total_queued_bytes}},
      {"`max_stalled_blocks`", {relay.max_stalled_blocks}},
      {"`max_closed_reports`", {relay.max_closed_reports}},
      {"`max_connections`", {relay.max_connections}},
      {"connections of one source", {}},
      {"refusals of connections of one source under way", {constant(own + "source_guard.h", "max_refusals_under_way")}},
      {"upgrades per second of one source", {}},
      {"sources remembered for their rate", {2 * constant(own + "source_guard.h", "most_sources_per_half").is}},
      {"time to drain", {}},
      {"`max_channels`", {relay.max_channels}},
      {"`replay_entries`", {relay.replay_entries()}},
      {"`max_journal_bytes` (on disk)", {tunnel::max_journal_bytes(relay.replay_entries())}},
      {"records per sync of the journal",
       {group, group * constant(own + "journal_format.h", "journal_record_bytes").is}},
      {"wait for the journal", {constant(own + "door.cc", "patience")}},
      {"`max_replacements`", {relay.max_replacements, relay.replacement_window}},
      {"attach calls to an authorizer",
       {constant(apps + "authorizer.h", "most_calls"),
        constant(apps + "authorizer_options.h", "longest_policy_request")}},
      {"answer of an authorizer", {fetching.max_body_bytes, fetching.max_header_bytes}},
      {"kept while a policy thinks", {constant(own + "door.h", "max_early_bytes")}},
      {"clients of `--metrics-listen`, of `--stats-listen`", {constant(apps + "admin_listener.h", "most_clients")}},
      {"attach deadline", {relay.attach_timeout}},
      {"write time-out", {relay.write_timeout}},
      {"token lifetime, init horizon", {relay.max_token_lifetime, relay.max_init_horizon}},
      {"kernel receive buffer, at first", {relay.max_receive_buffer_bytes}},
      // Beside the head there is room for the line of the request.
      {"HTTP head", {ws::max_request_head_bytes - 4096, constant(own + "http_front.h", "head_timeout")}},
      {"`max_refusal_lines_per_second`", {constant(apps + "refusal_queue.h", "max_refusal_lines_per_second")}},
      {"configuration file", {constant("cpp/apps/cli/program.cc", "max_config_file_bytes")}},
  };
}

entries gateway_entries() {
  using namespace ownwire;  // NOLINT: the layer of this table
  const gateway_limits gate;
  const public_port_options port;
  const internal_port_options inside;
  return {
      {"`max_chat_frame_bytes`", {max_chat_frame_bytes}},
      {"`max_content_bytes`", {max_content_bytes}},
      {"`max_metadata_bytes`, `max_auth_bytes`", {max_metadata_bytes, max_auth_bytes}},
      {"`max_internal_frame_bytes`", {max_internal_frame_bytes}},
      {"`max_open_bytes`", {sealed::max_open_bytes}},
      {"`max_sessions`", {gate.max_sessions}},
      {"`max_sessions_per_address`", {gate.max_sessions_per_address}},
      {"`visit_burst`, `visits_per_second`", {gate.visit_burst, gate.visits_per_second}},
      {"`max_requests` (gateway)", {port.max_requests}},
      {"`max_requests_per_address` (gateway)", {port.max_requests_per_address}},
      {"`max_handshakes` (gateway)", {port.max_handshakes}},
      {"`max_handshakes_per_address` (gateway)", {port.max_handshakes_per_address}},
      {"visitors who are told that there is no place",
       {constant("cpp/src/ws/entrance.h", "max_refusals"), ws::socket_options{}.close_timeout}},
      {"`max_requests` (internal port)", {inside.max_requests}},
      {"`max_requests_per_address` (internal port)", {inside.max_requests_per_address}},
      {"`max_visitors`", {gate.max_visitors}},
      {"`message_burst`, `messages_per_second`", {gate.message_burst, gate.messages_per_second}},
      {"`keep_detached`", {gate.keep_detached}},
      {"`max_kept_replies`, `max_kept_reply_bytes`", {gate.max_kept_replies, gate.max_kept_reply_bytes}},
      {"`max_user_queue_bytes`", {gate.max_user_queue_bytes}},
      {"`max_waiting_texts`, `max_waiting_bytes`", {gate.max_waiting_texts, gate.max_waiting_bytes}},
      {"`waiting_time`", {gate.waiting_time}},
      {"`max_internal_clients`", {gate.max_internal_clients}},
      {"`max_internal_queue_bytes`", {gate.max_internal_queue_bytes}},
      {"`internal_stall`", {gate.internal_stall}},
      {"`max_refused_ids`", {gate.max_refused_ids}},
      {"`max_id_gaps`", {gate.max_id_gaps}},
      {"`hello_timeout`, open message, handshake",
       {gate.hello_timeout, endpoint::sealed_credentials{}.open_timeout, session::session_options{}.handshake_timeout}},
      {"`ping_after`, `silence_limit`", {gate.ping_after, gate.silence_limit}},
      {"`fatal_linger`", {gate.fatal_linger}},
      {"`stop_timeout`", {gate.stop_timeout}},
      {"key file", {sealed::max_keys, sealed::max_key_file_bytes}},
  };
}

entries chat_entries() {
  using namespace ownwire;  // NOLINT
  const client_options chat{.url = {}, .server_keys = {}};
  const edge_limits edge;
  const std::string own = "cpp/src/ownwire/";
  return {
      {"`max_queue`", {chat.max_queue}},
      {"a text in its frame", {max_chat_frame_bytes}},
      {"texts to the gateway",
       {constant(own + "pending_texts.h", "pace_burst"), constant(own + "pending_texts.h", "pace")}},
      {"welcome, acknowledgement of a text", {constant(own + "client_machine.h", "welcome_timeout")}},
      {"probe", {probe_interval, probe_timeout}},
      {"`max_resume_token_bytes`", {max_resume_token_bytes}},
      {"streams of the gateway", {}},
      {"attempts", {chat.reconnect.max_attempts, chat.reconnect.initial_delay, chat.reconnect.max_delay}},
      {"what was sent, at the end", {constant(own + "client_connection.h", "leave_time")}},
      {"`max_users`", {edge.max_users}},
      {"`max_users_per_address`, `visit_burst`, `visits_per_second`",
       {edge.max_users_per_address, edge.visit_burst, edge.visits_per_second}},
      {"`max_visitors` (edge)", {edge.max_visitors}},
      {"`max_waiting`", {edge.max_waiting}},
      {"`backend_wait`", {edge.backend_wait, 0}},
      {"held of a user who waits", {constant(own + "edge.cc", "max_held_bytes")}},
      {"`max_requests`", {edge.max_requests}},
      {"`max_requests_per_address`", {edge.max_requests_per_address}},
      {"`max_message_bytes` (edge)", {edge.max_message_bytes}},
      {"`stall`", {edge.stall}},
      {"peer message", {max_peer_message_bytes, max_remote_addr_bytes}},
  };
}

entries registry_entries() {
  using namespace rendezvous;  // NOLINT
  const registry_limits limits;
  const registry_port_options port;
  return {
      {"`max_registry_frame_bytes`", {max_registry_frame_bytes}},
      {"`max_offered_keys`", {max_offered_keys}},
      {"`max_watched_keys`", {max_watched_keys}},
      {"`max_note_bytes`", {max_note_bytes}},
      {"`max_id_bytes`", {max_id_bytes}},
      {"challenge", {challenge_lifetime, challenge_lifetime_with_work}},
      {"`max_keys`", {limits.max_keys}},
      {"`registration_burst`, `registrations_per_second`",
       {limits.registration_burst, limits.registrations_per_second}},
      {"`max_addresses`", {limits.max_addresses}},
      {"`max_unregistered_per_address`", {limits.max_unregistered_per_address}},
      {"`max_unregistered`", {limits.max_unregistered}},
      {"`calls_per_minute`", {limits.calls_per_minute}},
      {"`max_open_calls`", {limits.max_open_calls}},
      {"`max_ringing_calls`", {limits.max_ringing_calls}},
      {"answer for whoever is not available", {limits.unavailable_after}},
      {"silence", {limits.silence}},
      {"`max_queue_bytes` (registry)", {limits.max_queue_bytes}},
      {"`max_record_bytes` (registry)", {constant("cpp/src/rendezvous/registry_desk.cc", "max_record_bytes")}},
      {"`max_streams` (registry)", {constant("cpp/src/rendezvous/registry_desk.cc", "max_streams")}},
      {"`max_handshakes` (registry)", {port.max_handshakes}},
      {"`max_handshakes_per_address` (registry)", {port.max_handshakes_per_address}},
  };
}

entries peer_entries() {
  using namespace rendezvous;  // NOLINT
  const registry_limits registry;
  const client_limits client;
  const auto own = [](const std::string& in, const std::string& name) {
    return constant("cpp/src/rendezvous/" + in, name);
  };
  return {
      {"`max_queue`, `max_queue_bytes`", {client.max_queue, client.max_queue_bytes}},
      {"`max_message_frame_bytes`", {max_message_frame_bytes}},
      {"`max_channel_outbox_frames`", {own("contact_channel.h", "max_channel_outbox_frames")}},
      {"`max_registry_outbox_bytes`", {own("registry_connection.h", "max_registry_outbox_bytes")}},
      {"streams of a registry", {}},
      {"`max_answered_callers`", {own("call_machine.h", "max_answered_callers")}},
      {"`max_asked_calls`", {own("call_machine.h", "max_asked_calls")}},
      {"`maxRegistryFrameBytes`", {max_registry_frame_bytes}},
      {"`maxMessageFrameBytes`", {max_message_frame_bytes}},
      {"`maxRegistryKeys`", {max_offered_keys}},
      {"`maxNoteBytes`", {max_note_bytes}},
      {"`maxWatchedKeys`", {max_watched_keys}},
      {"`maxIdBytes`", {max_id_bytes}},
      {"`instanceBytes`", {instance_bytes}},
      {"`conversationBytes`", {own("channel_frames.h", "conversation_bytes")}},
      {"`registrationTimeoutMs`", {client.registration_timeout}},
      {"`keepAliveMs`", {keepalive_interval}},
      {"`silenceMs`", {silence_limit}},
      {"`challengeLifetimeS`", {challenge_lifetime.count()}},
      {"`challengeLifetimeWithWorkS`", {challenge_lifetime_with_work.count()}},
      {"`defaultWorkBits`", {registry.work_bits}},
      {"`unavailableMs`", {registry.unavailable_after}},
      {"`callTimeoutMs`", {own("call_machine.h", "call_timeout")}},
      {"`channelTimeoutMs`", {own("client_core.h", "callee_handshake_timeout")}},
      {"`channelIdleMs`", {client.channel_idle}},
      {"`helloTimeoutMs`", {own("conversation.h", "channel_hello_timeout")}},
      {"`calleeWaitMs`", {own("peer_machine.h", "callee_patience")}},
      {"`probeIntervalMs`", {ownwire::probe_interval}},
      {"`probeTimeoutMs`", {ownwire::probe_timeout}},
      {"`arrivalWaitMs`", {own("peer_machine.h", "arrival_patience")}},
      {"`settledChannelMs`", {own("peer_machine.h", "settled_channel")}},
      {"`maxEarlyTextBytes`", {}},
      {"`glareWaitMs`", {}},
      {"`ackTimeoutMs`", {own("conversation.h", "channel_ack_timeout")}},
      {"`channelClockSkewMs`", {own("client_core.h", "channel_clock_skew")}},
      {"`maxQueuedMessages`", {client.max_queue}},
      {"`maxQueuedMessageBytes`", {client.max_queue_bytes}},
      {"`maxOpenQuestions`", {own("call_machine.h", "max_asked_calls")}},
      {"`questionMs`", {own("call_machine.h", "answer_window")}},
      {"`maxAttaching`", {own("call_machine.h", "max_answered_callers")}},
      {"`registrationsPerSecond`", {registry.registrations_per_second}},
      {"`registrationBurst`", {registry.registration_burst}},
      {"`maxUnregisteredPerAddress`", {registry.max_unregistered_per_address}},
      {"`maxUnregistered`", {registry.max_unregistered}},
      {"`callsPerMinute`", {registry.calls_per_minute}},
      {"`maxOpenCalls`", {registry.max_open_calls}},
      {"`maxRingingCalls`", {registry.max_ringing_calls}},
      {"`maxKeys`", {registry.max_keys}},
  };
}

entries controlplane_entries() {
  return {
      {"`max_body_bytes` (artifact endpoint)", {controlplane::artifact_endpoint_options{}.max_body_bytes}},
      {"`bodyTimeoutMs` (artifact endpoint in TypeScript)",
       {constant("ts/src/controlplane/artifact_endpoint.ts", "defaultBodyTimeoutMs")}},
      {"`max_artifact_scopes`", {token::max_artifact_scopes}},
      {"`max_scope_payload_bytes`", {token::max_scope_payload_bytes}},
      {"`max_scope_payload_depth`", {token::max_scope_payload_depth}},
      {"`max_correlation_tags`", {token::max_correlation_tags}},
      {"`max_body_bytes` (client)", {controlplane::artifact_client_options{}.fetching.max_body_bytes}},
  };
}

TEST(documents, limits_says_of_every_row_what_the_code_says) {
  entries known;
  const auto add = [&](const std::string& heading, const entries& some) {
    for (const auto& [name, values] : some) known.emplace(heading + ": " + name, values);
  };
  add("Session", session_entries());
  add("Tunnel", tunnel_entries());
  add("OwnWire", gateway_entries());
  add("OwnWire", chat_entries());
  add("Registry", registry_entries());
  add("SecureWebSocket client", peer_entries());
  add("Control plane", controlplane_entries());

  const auto rows = rows_of(file("docs/LIMITS.md"));
  EXPECT_GT(rows.size(), 150U);
  std::set<std::string> seen;
  for (const auto& [name, says] : rows) {
    const auto found = known.find(name);
    if (found == known.end()) {
      ADD_FAILURE() << "nothing here is compared with the row " << name;
      continue;
    }
    numbers is;
    for (const auto& each : found->second) is.push_back(each.is);
    EXPECT_EQ(says, is) << name;
    EXPECT_TRUE(seen.insert(name).second) << "two rows: " << name;
  }
  for (const auto& [name, values] : known) EXPECT_TRUE(seen.contains(name)) << "LIMITS.md has no row " << name;
}

}  // namespace
}  // namespace flowersec
