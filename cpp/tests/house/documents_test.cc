// The tables of docs/ERRORS.md and docs/LIMITS.md say what the code says.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "flowersec/controlplane/artifact_client.h"
#include "flowersec/controlplane/artifact_endpoint.h"
#include "flowersec/endpoint/error.h"
#include "flowersec/handshake/frame.h"
#include "flowersec/ownwire/client.h"
#include "flowersec/ownwire/edge.h"
#include "flowersec/ownwire/gateway.h"
#include "flowersec/ownwire/limits.h"
#include "flowersec/rendezvous/error.h"
#include "flowersec/rendezvous/limits.h"
#include "flowersec/rendezvous/registry_server.h"
#include "flowersec/sealed/open_message.h"
#include "flowersec/session/options.h"
#include "flowersec/tunnel/limits.h"
#include "flowersec/tunnel/replay_journal.h"

namespace flowersec {
namespace {

std::string document(const std::string& name) {
  std::ifstream file(std::string{FLOWERSEC_SOURCE_DIR "/docs/"} + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(documents, errors_lists_every_code_with_its_stages_and_whether_it_is_terminal) {
  const auto page = document("ERRORS.md");
  for (std::size_t value = 1; value <= endpoint::endpoint_errc_count; ++value) {
    const auto code = static_cast<endpoint::endpoint_errc>(value);
    std::string stages;
    for (int where = 1; where <= static_cast<int>(endpoint::stage::close); ++where) {
      const auto stage = static_cast<endpoint::stage>(where);
      if (!is_legal(stage, code)) continue;
      if (!stages.empty()) stages += ", ";
      stages += to_string(stage);
    }
    const auto row =
        "| `" + std::string(to_string(code)) + "` | " + stages + " | " + (is_terminal(code) ? "yes" : "no") + " |";
    EXPECT_NE(page.find(row), std::string::npos) << "ERRORS.md has no row: " << row;
  }
}

TEST(documents, errors_lists_every_code_of_the_chat_client) {
  const auto page = document("ERRORS.md");
  int listed = 0;
  for (int value = 1; ownwire::to_string(static_cast<ownwire::client_errc>(value)) != "unknown"; ++value, ++listed) {
    const auto row = "| `" + std::string(ownwire::to_string(static_cast<ownwire::client_errc>(value))) + "` | ";
    EXPECT_NE(page.find(row, page.find("## OwnWire client")), std::string::npos) << "ERRORS.md has no row: " << row;
  }
  EXPECT_EQ(listed, static_cast<int>(ownwire::client_errc::refused));
}

TEST(documents, errors_lists_every_code_of_registries_and_their_clients) {
  const auto page = document("ERRORS.md");
  int listed = 0;
  for (int value = 1; rendezvous::to_string(static_cast<rendezvous::rendezvous_errc>(value)) != "unknown";
       ++value, ++listed) {
    const auto row =
        "| `" + std::string(rendezvous::to_string(static_cast<rendezvous::rendezvous_errc>(value))) + "` | ";
    EXPECT_NE(page.find(row, page.find("## SecureWebSocket")), std::string::npos) << "ERRORS.md has no row: " << row;
  }
  EXPECT_EQ(listed, static_cast<int>(rendezvous::rendezvous_errc::not_handed_over));
}

TEST(documents, limits_lists_every_default) {
  const auto page = document("LIMITS.md");
  const session::session_options session;
  const tunnel::tunnel_limits relay;
  const std::vector<std::pair<std::string, std::size_t>> rows = {
      {"`max_handshake_payload`", session.handshake.max_payload_bytes},
      {"`max_record_bytes`", session.record.max_record_bytes},
      {"`outbound_record_chunk_bytes`", session.record.outbound_record_chunk_bytes},
      {"`max_outbound_buffered_bytes`", session.record.max_outbound_buffered_bytes},
      {"`max_active_streams`", session.yamux.max_active_streams},
      {"`max_inbound_streams`", session.yamux.max_inbound_streams},
      {"`max_frame_bytes` (yamux)", session.yamux.max_frame_bytes},
      {"`preferred_outbound_frame_bytes`", session.yamux.preferred_outbound_frame_bytes},
      {"`max_stream_write_queue_bytes`", session.yamux.max_stream_write_queue_bytes},
      {"`max_stream_receive_bytes`", session.yamux.max_stream_receive_bytes},
      {"`max_session_receive_bytes`", session.yamux.max_session_receive_bytes},
      {"`wide_window_session_bytes`", session.yamux.wide_window_session_bytes},
      {"`wide_window_bytes`", yamux::wide_window_bytes},
      {"`max_queued_ping_replies`", yamux::max_queued_ping_replies},
      {"`max_queued_refusals` (yamux)", yamux::max_queued_refusals},
      {"`max_queued_controls`", session::max_queued_controls},
      {"`max_stream_hello_bytes`", session::max_stream_hello_bytes},
      {"`max_running_requests`", session.rpc_server.max_running_requests},
      {"`max_queued_requests`", session.rpc_server.max_queued_requests},
      {"`max_queued_notifications`", session.rpc_server.max_queued_notifications},
      {"`max_held_payload_bytes`", session.rpc_server.max_held_payload_bytes},
      {"`max_queued_refusals`", session.rpc_server.max_queued_refusals},
      {"`max_frame_bytes` (rpc)", session.rpc_server.max_frame_bytes},
      {"`max_body_bytes` (artifact endpoint)", controlplane::artifact_endpoint_options{}.max_body_bytes},
      {"`max_artifact_scopes`", token::max_artifact_scopes},
      {"`max_scope_payload_bytes`", token::max_scope_payload_bytes},
      {"`max_scope_payload_depth`", token::max_scope_payload_depth},
      {"`max_correlation_tags`", token::max_correlation_tags},
      {"`max_body_bytes` (client)", controlplane::artifact_client_options{}.fetching.max_body_bytes},
      {"`max_output_bytes`", session.rpc_client.max_output_bytes},
      {"`max_attach_bytes`", relay.max_attach_bytes},
      {"`max_record_bytes`", relay.max_record_bytes},
      {"`max_pending_bytes`", relay.max_pending_bytes},
      {"`max_pending_frames`", relay.max_pending_frames},
      {"`max_write_queue_bytes`", relay.max_write_queue_bytes},
      {"`max_tenant_queued_bytes`", *relay.max_tenant_queued_bytes},
      {"`max_total_queued_bytes`", *relay.max_total_queued_bytes},
      {"`max_stalled_blocks`", relay.max_stalled_blocks},
      {"`max_closed_reports`", relay.max_closed_reports},
      {"`max_connections`", relay.max_connections},
      {"`max_channels`", relay.max_channels},
      {"`replay_entries`", relay.replay_entries()},
      {"`max_open_bytes`", sealed::max_open_bytes},
      {"`max_queue`", ownwire::client_options{.url = {}, .server_keys = {}}.max_queue},
      {"`max_chat_frame_bytes`", ownwire::max_chat_frame_bytes},
      {"`max_content_bytes`", ownwire::max_content_bytes},
      {"`max_internal_frame_bytes`", ownwire::max_internal_frame_bytes},
      {"`max_sessions`", ownwire::gateway_limits{}.max_sessions},
      {"`max_sessions_per_address`", ownwire::gateway_limits{}.max_sessions_per_address},
      {"`max_user_queue_bytes`", ownwire::gateway_limits{}.max_user_queue_bytes},
      {"`max_internal_clients`", ownwire::gateway_limits{}.max_internal_clients},
      {"`max_registry_frame_bytes`", rendezvous::max_registry_frame_bytes},
      {"`max_offered_keys`", rendezvous::max_offered_keys},
      {"`max_watched_keys`", rendezvous::max_watched_keys},
      {"`max_note_bytes`", rendezvous::max_note_bytes},
      {"`max_id_bytes`", rendezvous::max_id_bytes},
      {"`max_keys`", rendezvous::registry_limits{}.max_keys},
      {"`max_addresses`", rendezvous::registry_limits{}.max_addresses},
      {"`max_unregistered_per_address`", rendezvous::registry_limits{}.max_unregistered_per_address},
      {"`max_unregistered`", rendezvous::registry_limits{}.max_unregistered},
      {"`calls_per_minute`", rendezvous::registry_limits{}.calls_per_minute},
      {"`max_open_calls`", rendezvous::registry_limits{}.max_open_calls},
      {"`max_ringing_calls`", rendezvous::registry_limits{}.max_ringing_calls},
      {"`max_queue_bytes` (registry)", rendezvous::registry_limits{}.max_queue_bytes},
      {"`max_handshakes` (registry)", rendezvous::registry_port_options{}.max_handshakes},
      {"`max_handshakes_per_address` (registry)", rendezvous::registry_port_options{}.max_handshakes_per_address},
      {"`max_requests` (gateway)", ownwire::public_port_options{}.max_requests},
      {"`max_requests_per_address` (gateway)", ownwire::public_port_options{}.max_requests_per_address},
      {"`max_handshakes` (gateway)", ownwire::public_port_options{}.max_handshakes},
      {"`max_handshakes_per_address` (gateway)", ownwire::public_port_options{}.max_handshakes_per_address},
      {"`max_requests` (internal port)", ownwire::internal_port_options{}.max_requests},
      {"`max_requests_per_address` (internal port)", ownwire::internal_port_options{}.max_requests_per_address},
      {"`max_users`", ownwire::edge_limits{}.max_users},
      {"`max_visitors` (edge)", ownwire::edge_limits{}.max_visitors},
      {"`max_waiting`", ownwire::edge_limits{}.max_waiting},
      {"`max_requests`", ownwire::edge_limits{}.max_requests},
      {"`max_message_bytes` (edge)", ownwire::edge_limits{}.max_message_bytes},
      {"`max_journal_bytes` (on disk)", tunnel::max_journal_bytes(relay.replay_entries())},
  };
  for (const auto& [name, value] : rows) {
    const auto row = "| " + name + " | " + std::to_string(value) + " |";
    EXPECT_NE(page.find(row), std::string::npos) << "LIMITS.md has no row: " << row;
  }
}

}  // namespace
}  // namespace flowersec
