// The parties of PROTOCOL, "Handshake" and "Records", as machines over terms.
// Left out: sizes, time, and whatever is not authenticated (the handshake id). The nonce prefix of a direction is left
// out as well: four bytes may fall together, so nothing may rest on them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/knowledge.h"
#include "model/term.h"

namespace flowersec::model {

/// A part of the protocol that is taken away, to see whether the search finds what it was for.
enum class flaw : std::uint8_t {
  none,
  one_key_for_both_directions,
  transcript_not_bound,
  no_server_finished,
  psk_not_in_keys,
  shared_secret_not_in_keys,
  ack_leaves_the_state,
};

/// What both sides must agree on. All of it is in the transcript.
enum field : std::uint8_t {
  /// INIT says it.
  used_suite,
  client_features,
  server_features,
  client_nonce,
  server_nonce,
  client_key,
  server_key,
  field_count,
};
using view = std::array<term, field_count>;

struct protocol {
  flaw without = flaw::none;
  /// One field that the transcript leaves out.
  std::optional<field> not_in_transcript{};
  /// Servers take whatever suite INIT says, as with a sealed open. With a grant they have the one that the client has.
  bool servers_take_any_suite = true;
};

enum class role : std::uint8_t { client, server };
enum class progress : std::uint8_t {
  waiting,    ///< for RESP, or for INIT
  half,       ///< sent ACK, or RESP
  connected,  ///< sent its first application records
};

/// One end of one connection.
struct party {
  role is = role::client;
  progress at = progress::waiting;
  /// Whose nonce and ephemeral key it uses. A server may go on with what another connection of it began.
  std::uint8_t entry = 0;
  view agreed{};
  /// The record it expects next.
  std::uint8_t next_record = 0;

  friend bool operator==(const party&, const party&) = default;
};

/// What can be asked of a state. Every one holds in every state of the protocol as it is.
enum class property : std::uint8_t {
  client_agrees_with_a_server,
  server_agrees_with_a_client,
  one_server_for_one_client,
  secrets_without_the_psk,
  secrets_when_the_psk_leaks_later,
  secrets_when_the_ephemeral_keys_leak,
  records_are_the_peers_own,
  one_key_for_one_direction,
};

struct state {
  std::vector<party> parties;
  knowledge attacker;
};

/// The fixed things of a run: who takes part, with which secrets, and what they send.
class scene {
 public:
  /// Parties of one channel and one PSK.
  scene(protocol how, std::size_t clients, std::size_t servers);

  [[nodiscard]] state start();

  struct step {
    state after;
    std::size_t who = 0;
    /// With the terms that it was about.
    std::string_view what;
    std::vector<term> about{};
    /// Content of the record that was read.
    std::optional<term> got{};
  };
  /// Every step that the attacker can bring about.
  [[nodiscard]] std::vector<step> steps(const state& from);

  [[nodiscard]] std::string text(const step& of) const;

  /// The properties that this step broke.
  [[nodiscard]] std::vector<property> broken(const step& last);

 private:
  struct own_values {
    term secret, public_key, nonce, features;
  };
  struct key_pair {
    term to_server, to_client;
  };
  /// What the attacker can put into an INIT or a RESP, beside the suite of an INIT.
  struct choice {
    term features, nonce, key;
  };

  void accept_init(const state& from, std::size_t who, std::vector<step>& out);
  void accept_ack(const state& from, std::size_t who, std::vector<step>& out);
  void accept_resp(const state& from, std::size_t who, std::vector<step>& out);
  void accept_finished(const state& from, std::size_t who, std::vector<step>& out);
  void read_record(const state& from, std::size_t who, std::vector<step>& out);
  void connect(state& now, std::size_t who);

  [[nodiscard]] std::vector<choice> choices(const state& from) const;
  [[nodiscard]] bool is_taken(const state& now, std::uint8_t entry) const;

  [[nodiscard]] term transcript(const view& of);
  [[nodiscard]] term tag(const view& of);
  [[nodiscard]] key_pair keys(const party& of);
  [[nodiscard]] term sending_key(const party& of);
  [[nodiscard]] term record(term key, std::size_t number, term flag, term content);
  [[nodiscard]] term content(std::size_t who, std::size_t number);

  [[nodiscard]] std::vector<std::size_t> peers(const state& now, std::size_t who, progress at_least) const;
  [[nodiscard]] bool tells_a_secret(const state& now, const knowledge& attacker);
  [[nodiscard]] bool is_the_peers_own(const step& last);
  [[nodiscard]] bool shares_a_key(const state& now, std::size_t who);

  protocol how_;
  std::size_t clients_;
  term_table terms_;
  /// Of each party, and of the attacker at the end.
  std::vector<own_values> own_;
  term psk_, ping_, app_, empty_, forged_, constant_;
  std::array<term, 2> features_;
  /// The one that clients use, and the one that the attacker would like better.
  std::array<term, 2> suites_;
};

/// The first and last numbers of the application records that a party sends.
struct record_numbers {
  std::uint8_t first, last;
};
[[nodiscard]] record_numbers sent_by(role who);

}  // namespace flowersec::model
