// Responses a server has given and no ACK has used yet.
// Layer handshake. One INIT can be answered again, with the identical RESP, and can be authenticated at most once.
// Thread-safe, so that connections may share one; without sharing every connection has its own.
// Source: PROTOCOL, "Retries and the handshake cache".
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "flowersec/base/clock.h"
#include "flowersec/crypto/dh.h"
#include "flowersec/crypto/hash.h"
#include "flowersec/handshake/errc.h"
#include "flowersec/handshake/key_schedule.h"

namespace flowersec::handshake {

/// SHA-256 of an INIT's known fields in their order, so that retries match whatever their JSON layout.
using init_fingerprint = crypto::sha256_digest;

struct response_cache_limits {
  /// Age at which an entry no longer answers a retry. Judged when an INIT is looked up. Nullopt: never.
  std::optional<std::chrono::milliseconds> time_to_live = std::chrono::seconds{60};
  /// Unfinished handshakes held; one more is refused. Range 1..1048576. Unauthenticated peers can make a shared
  /// cache hold this many entries of about 1 KiB. Nullopt: no bound.
  std::optional<std::size_t> max_entries = 4096;
};

/// Errors   handshake_errc::bad_limits.
[[nodiscard]] result<void> validate(const response_cache_limits& limits) noexcept;

/// What RESP tells the client.
struct response_parameters {
  std::string handshake_id;
  byte_buffer public_key;
  nonce nonce_s;
  std::uint32_t features;
};

/// What ACK needs: the same and the private key.
struct pending_response {
  response_parameters parameters;
  crypto::dh_key_pair key_pair;
};

class response_cache {
 public:
  /// `limits` have been validated.
  explicit response_cache(response_cache_limits limits = {}) noexcept : limits_(limits) {}

  /// Removes what expired, then looks for the answer already given to this INIT.
  [[nodiscard]] std::optional<response_parameters> find(const init_fingerprint& init, mono_time now);

  /// Keeps `fresh` unless another connection answered the same INIT meanwhile, and returns what holds.
  /// Errors   handshake_errc::cache_full: the handshake is refused.
  [[nodiscard]] result<response_parameters> insert(const init_fingerprint& init, pending_response fresh, mono_time now);

  /// Consumes the entry, for the first ACK.
  [[nodiscard]] std::optional<pending_response> take(const init_fingerprint& init);

  [[nodiscard]] std::size_t size() const;

 private:
  struct entry {
    init_fingerprint init;
    mono_time created;
    pending_response response;
  };
  using by_age = std::list<entry>;

  void remove_expired(mono_time now);

  const response_cache_limits limits_;
  mutable std::mutex mutex_;
  by_age entries_;  // oldest first: all live equally long, so expiry only looks at the front
  std::map<init_fingerprint, by_age::iterator> index_;
};

}  // namespace flowersec::handshake
