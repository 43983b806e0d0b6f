// What a handshake agreed on, as the keys of one direction of records.
// Layer session, private: the only one that knows both. Source: PROTOCOL, "Key schedule".
#pragma once

#include <utility>

#include "flowersec/handshake/key_schedule.h"
#include "flowersec/record/keys.h"

namespace flowersec::session {

[[nodiscard]] inline record::direction_keys record_keys(handshake::direction_secrets secrets, record::direction way,
                                                        const crypto::sha256_digest& transcript_hash) {
  return {.way = way,
          .key = std::move(secrets.key),
          .prefix = secrets.prefix,
          .rekey_base = std::move(secrets.rekey_base),
          .transcript_hash = transcript_hash};
}

}  // namespace flowersec::session
