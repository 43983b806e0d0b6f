// The programs that flowersec-bench runs as children of itself.
// Relays print their port on a line of its own and then serve until they are ended.
#pragma once

#include <string>

namespace flowersec::bench {

/// Copies bytes between connections joined in the order of their arrival.
[[noreturn]] void run_byte_relay();
/// The leanest relay that Beast's WebSocket stream allows: whole messages, no deflate, no fragmentation.
void run_beast_relay();
/// Upgrades with Beast, reads one text message, verifies one signature, closes.
void run_beast_attach();

/// Copies between TLS connections joined in the order of their arrival.
void run_tls_relay(const std::string& certificate_file, const std::string& key_file);

/// The two ends of a session through the tunnel. See session_programs.cc.
int run_session_server();
int run_session_client();

}  // namespace flowersec::bench
