// The programs that flowersec-bench runs as children of itself, to compare the product with.
// Each prints its port on a line of its own and then serves until it is ended.
#pragma once

namespace flowersec::bench {

/// Copies bytes between connections joined in the order of their arrival.
[[noreturn]] void run_byte_relay();
/// The leanest relay that Beast's WebSocket stream allows: whole messages, no deflate, no fragmentation.
void run_beast_relay();
/// Upgrades with Beast, reads one text message, verifies one signature, closes.
void run_beast_attach();

}  // namespace flowersec::bench
