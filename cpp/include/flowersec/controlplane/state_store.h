// What a control plane must not forget: its keys, the endpoints that may register, tickets, and the channel ids it has
// given out. One SQLite file that only its owner can read.
// Layer controlplane, part `store`. Knows neither sockets nor who is connected. Every call is one transaction: what it
// says is done is on the disk, and what it refuses has changed nothing, wherever the process or the power ends.
// Several processes may have the file open, for example a service and an administrator's command.
// Threading: one thread at a time; calls wait for the disk, and for other processes up to store_limits::busy_timeout.
// Source: CONTROLPLANE, "State file".
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flowersec/base/clock.h"
#include "flowersec/controlplane/error.h"
#include "flowersec/controlplane/issuer_keyset.h"
#include "flowersec/crypto/hash.h"
#include "flowersec/crypto/secret.h"
#include "flowersec/crypto/sign.h"
#include "flowersec/crypto/suite.h"

namespace flowersec::controlplane {

/// Each refuses one call and leaves the file as it was.
enum class store_errc {
  no_file = 1,        ///< there is no state file of that name
  file_exists,        ///< there is one already, and none may be made in its place
  not_private,        ///< others than its owner can read or write the file
  not_a_state_file,   ///< another kind of file
  newer_schema,       ///< written by a newer version of this program
  storage_failed,     ///< SQLite or the disk: full, read-only, damaged, held by another process for too long
  limit_reached,      ///< one more than store_limits allows
  bad_name,           ///< an id is blank, too long, or not valid UTF-8
  key_exists,         ///< the key id is in use
  unknown_key,        ///< no such key
  key_not_waiting,    ///< only a published key that never signed can become the signing key
  key_signs,          ///< the signing key cannot be retired
  key_needed,         ///< tokens of the key may still be on their way
  endpoint_exists,    ///< the endpoint id has a credential
  unknown_endpoint,   ///< the endpoint id has none: never added, or revoked
  ticket_refused,     ///< unknown, used up, expired, or for another endpoint
  channel_id_in_use,  ///< the channel id was given out and can still be used
};

[[nodiscard]] const char* describe(store_errc code) noexcept;
[[nodiscard]] error_code make_error_code(store_errc code) noexcept;

/// What one file may hold. One more is refused: limit_reached.
struct store_limits {
  std::size_t max_keys = 16;            ///< published at once
  std::size_t max_endpoints = 100'000;  ///< one credential each
  std::size_t max_tickets = 1'000'000;  ///< that have not expired
  /// How long a call waits for another process that is writing.
  std::chrono::milliseconds busy_timeout{5000};
};

/// Of every id here, after trimming.
inline constexpr std::size_t max_name_bytes = 256;
/// How long a key that signs no more must stay published: the longest token that a tunnel accepts by default, and a
/// minute for clocks and for requests that were under way.
inline constexpr std::chrono::seconds retired_key_wait{180};

struct store_options {
  store_limits limits{};
  /// For tests: called before each statement runs. Empty: nothing is called.
  std::function<void()> before_step{};
};

enum class key_state : std::uint8_t {
  published = 1,  ///< verifiers may know it; it has not signed yet
  signing = 2,    ///< the one that signs
  replaced = 3,   ///< signed earlier; its private half is gone
};

struct key_record {
  std::string kid;
  crypto::ed25519_public_key public_key{};
  key_state state = key_state::published;
  unix_seconds since{};  ///< when it came to this state
};

/// What an endpoint proves itself with on its control connection.
struct endpoint_credential {
  std::string endpoint_id;
  std::string channel_id;
  crypto::psk psk;
  unix_seconds init_exp{};
  crypto::suite suite = crypto::suite::x25519;
};

/// The same without the secret.
struct endpoint_record {
  std::string endpoint_id;
  std::string channel_id;
  unix_seconds added_at{};
  unix_seconds expires_at{};
};

/// Right of whoever shows a text to ask for one endpoint. The text itself is not kept.
struct ticket_record {
  crypto::sha256_digest hash{};  ///< of the ticket's text
  std::string endpoint_id;
  std::uint32_t uses = 1;
  unix_seconds expires_at{};
};

/// One pair of grants that is about to be made.
struct issue_record {
  std::string endpoint_id;
  std::string channel_id;
  unix_seconds expires_at{};                      ///< from then on the grants are worthless and the id may come again
  std::optional<crypto::sha256_digest> ticket{};  ///< one use of it is spent
};

/// Two that are equal mean that nothing changed between them.
struct state_revision {
  std::int64_t keys = 0;
  std::int64_t endpoints = 0;
  friend bool operator==(const state_revision&, const state_revision&) = default;
};

class state_store {
 public:
  /// Makes a state file, mode 0600, with this key as the signing key. The file appears whole or not at all.
  /// Errors   file_exists, bad_name, storage_failed, or the system's.
  [[nodiscard]] static outcome<void> create(const std::filesystem::path& file, std::string_view kid,
                                            const crypto::ed25519_signing_key& key, unix_seconds now,
                                            store_options options = {});
  /// Opens one; an older schema is brought up to date.
  /// Errors   no_file, not_private, not_a_state_file, newer_schema, storage_failed.
  [[nodiscard]] static outcome<state_store> open(const std::filesystem::path& file, store_options options = {});

  state_store(state_store&&) noexcept;
  state_store& operator=(state_store&&) noexcept;
  ~state_store();

  /// How often the keys and the endpoints have changed, by whichever process. One row; cheap enough to ask often.
  [[nodiscard]] outcome<state_revision> revision();

  // ---- Keys. Errors of each: bad_name, storage_failed. ----

  /// In byte order of their ids. Exactly one of them signs.
  [[nodiscard]] outcome<std::vector<key_record>> keys();
  /// The signing key with every published one.
  [[nodiscard]] outcome<issuer_keyset> load_issuer();
  /// Adds a key for verifiers to learn. Errors   key_exists, limit_reached.
  [[nodiscard]] outcome<void> publish_key(std::string_view kid, const crypto::ed25519_signing_key& key,
                                          unix_seconds now);
  /// Makes a published key sign. The private half of the one before is overwritten.
  /// Errors   unknown_key, key_not_waiting.
  [[nodiscard]] outcome<void> rotate_key(std::string_view kid, unix_seconds now);
  /// Takes a key away from verifiers: a replaced one `wait` after it was replaced, a published one at any time.
  /// Errors   unknown_key, key_signs, key_needed.
  [[nodiscard]] outcome<void> retire_key(std::string_view kid, unix_seconds now,
                                         std::chrono::seconds wait = retired_key_wait);
  /// Writes the public keyset file as it is now. Nobody else changes keys meanwhile, so that of two writers the later
  /// one never brings back an older set. Errors   the system's.
  [[nodiscard]] outcome<void> write_keyset_file(const std::filesystem::path& file);

  // ---- Endpoints. Errors of each: bad_name, storage_failed. ----

  /// Errors   endpoint_exists, channel_id_in_use (by another endpoint), limit_reached.
  [[nodiscard]] outcome<void> add_endpoint(const endpoint_credential& credential, unix_seconds now);
  /// Forgets the credential and every ticket for it. Errors   unknown_endpoint.
  [[nodiscard]] outcome<void> revoke_endpoint(std::string_view endpoint_id);
  /// In byte order of their ids.
  [[nodiscard]] outcome<std::vector<endpoint_record>> endpoints();
  [[nodiscard]] outcome<bool> has_endpoint(std::string_view endpoint_id);
  /// The credential whose channel id this is. Errors   unknown_endpoint.
  [[nodiscard]] outcome<endpoint_credential> find_credential(std::string_view channel_id);

  // ---- Tickets and channels. ----

  /// Also forgets tickets that expired. Errors   unknown_endpoint, limit_reached, storage_failed.
  [[nodiscard]] outcome<void> add_ticket(const ticket_record& ticket, unix_seconds now);
  /// Whether it would be taken now; nothing is spent. Errors   ticket_refused, storage_failed.
  [[nodiscard]] outcome<void> check_ticket(const crypto::sha256_digest& hash, std::string_view endpoint_id,
                                           unix_seconds now);
  /// Notes a channel id as given out, spends the ticket if there is one, and says which key signs: to be called before
  /// any grant leaves, so that no channel id is given out twice while it is good for anything. Also forgets some
  /// channels that are not. Errors   unknown_endpoint, ticket_refused, channel_id_in_use, bad_name, storage_failed.
  [[nodiscard]] outcome<crypto::ed25519_public_key> record_issue(const issue_record& issued, unix_seconds now);
  /// The same for many that wait together for the disk once. Each is refused or noted by itself, in their order.
  [[nodiscard]] std::vector<outcome<crypto::ed25519_public_key>> record_issues(std::span<const issue_record> issued,
                                                                               unix_seconds now);

  /// Copies the whole state, secrets included, into a new file with mode 0600, while others go on working.
  /// Errors   file_exists, storage_failed, or the system's.
  [[nodiscard]] outcome<void> back_up(const std::filesystem::path& to);

 private:
  struct contents;
  explicit state_store(std::unique_ptr<contents> open) noexcept;

  std::unique_ptr<contents> contents_;
};

}  // namespace flowersec::controlplane

FLOWERSEC_REGISTER_ERRC(flowersec::controlplane::store_errc)
