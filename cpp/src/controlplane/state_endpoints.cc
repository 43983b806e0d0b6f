// The endpoints, tickets and channels of a state file. See state_store.h.
#include "state_contents.h"

namespace flowersec::controlplane {
namespace {

using issue_outcome = outcome<crypto::ed25519_public_key>;

bool knows_endpoint(sqlite_database& in, std::string_view endpoint_id) {
  return in.query("SELECT 1 FROM endpoints WHERE endpoint_id = ?").bind(as_bytes(endpoint_id)).step();
}

/// The trimmed id of an endpoint that has a credential.
std::string_view known_endpoint(sqlite_database& in, std::string_view endpoint_id) {
  const auto name = checked_name("the endpoint id", endpoint_id);
  if (!knows_endpoint(in, name)) throw refusal{store_failure(store_errc::unknown_endpoint, std::string{name})};
  return name;
}

std::int64_t rows_of(sqlite_database& in, std::string_view counting) {
  auto row = in.query(counting);
  return row.step() ? row.integer(0) : 0;
}

void spend_ticket(sqlite_database& in, const crypto::sha256_digest& hash, std::string_view endpoint_id,
                  unix_seconds now) {
  in.query("UPDATE tickets SET uses = uses - 1 WHERE hash = ? AND endpoint_id = ? AND expires_at > ? AND uses > 1")
      .bind(byte_view{hash})
      .bind(as_bytes(endpoint_id))
      .bind(count(now))
      .run();
  if (in.changes() == 1) return;
  in.query("DELETE FROM tickets WHERE hash = ? AND endpoint_id = ? AND expires_at > ?")
      .bind(byte_view{hash})
      .bind(as_bytes(endpoint_id))
      .bind(count(now))
      .run();
  if (in.changes() != 1) throw refusal{store_failure(store_errc::ticket_refused)};
}

/// A few for each that is added: a call must not take long because none came for a while.
void forget_channels(sqlite_database& in, unix_seconds now, std::size_t added) {
  constexpr std::int64_t for_each = 16;
  in.query("DELETE FROM channels WHERE channel_id IN (SELECT channel_id FROM channels WHERE expires_at <= ? LIMIT ?)")
      .bind(count(now))
      .bind(for_each * static_cast<std::int64_t>(added))
      .run();
}

void add_channel(sqlite_database& in, std::string_view channel_id, std::string_view endpoint_id, unix_seconds expires,
                 unix_seconds now) {
  in.query(
        "INSERT INTO channels (channel_id, endpoint_id, issued_at, expires_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (channel_id) DO UPDATE SET endpoint_id = excluded.endpoint_id, issued_at = excluded.issued_at,"
        " expires_at = excluded.expires_at WHERE channels.expires_at <= excluded.issued_at")
      .bind(as_bytes(channel_id))
      .bind(as_bytes(endpoint_id))
      .bind(count(now))
      .bind(count(expires))
      .run();
  if (in.changes() == 0) throw refusal{store_failure(store_errc::channel_id_in_use)};
}

crypto::ed25519_public_key signing_key(sqlite_database& in) {
  auto row = in.query("SELECT public FROM keys WHERE state = 2");
  if (!row.step()) throw refusal{store_failure(store_errc::storage_failed, "no key signs")};
  crypto::ed25519_public_key key{};
  const auto stored = row.blob(0);
  std::copy(stored.begin(), stored.end(), key.begin());
  return key;
}

/// Noted as a whole or not at all, whatever becomes of the others.
issue_outcome note_issue(sqlite_database& in, const issue_record& issued, const crypto::ed25519_public_key& key,
                         unix_seconds now) {
  in.execute("SAVEPOINT one_issue");
  try {
    const auto channel_id = checked_name("the channel id", issued.channel_id);
    const auto endpoint_id = known_endpoint(in, issued.endpoint_id);
    if (issued.ticket) spend_ticket(in, *issued.ticket, endpoint_id, now);
    add_channel(in, channel_id, endpoint_id, issued.expires_at, now);
  } catch (const refusal& refused) {
    in.execute("ROLLBACK TO one_issue; RELEASE one_issue");
    return refused.what;
  }
  in.execute("RELEASE one_issue");
  return key;
}

endpoint_credential credential_of(const statement& row) {
  crypto::secret_bytes<crypto::psk::size> secret;
  const auto stored = row.blob(2);
  std::copy(stored.begin(), stored.end(), secret.mutable_view().begin());
  return {.endpoint_id = std::string{row.text(0)},
          .channel_id = std::string{row.text(1)},
          .psk = crypto::psk{std::move(secret)},
          .init_exp = unix_seconds{row.integer(3)},
          .suite = static_cast<crypto::suite>(row.integer(4))};
}

}  // namespace

outcome<void> state_store::add_endpoint(const endpoint_credential& credential, unix_seconds now) {
  return in_transaction<void>(*contents_, [&](sqlite_database& in) {
    const auto endpoint_id = checked_name("the endpoint id", credential.endpoint_id);
    const auto channel_id = checked_name("the channel id", credential.channel_id);
    if (knows_endpoint(in, endpoint_id)) {
      throw refusal{store_failure(store_errc::endpoint_exists, std::string{endpoint_id})};
    }
    if (in.query("SELECT 1 FROM endpoints WHERE channel_id = ?").bind(as_bytes(channel_id)).step()) {
      throw refusal{store_failure(store_errc::channel_id_in_use)};
    }
    const auto most = static_cast<std::int64_t>(contents_->limits.max_endpoints);
    if (rows_of(in, "SELECT count(*) FROM endpoints") >= most) {
      throw refusal{store_failure(store_errc::limit_reached, "endpoints")};
    }
    in.query(
          "INSERT INTO endpoints (endpoint_id, channel_id, psk, init_exp, suite, added_at) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(as_bytes(endpoint_id))
        .bind(as_bytes(channel_id))
        .bind(byte_view{credential.psk.view()})
        .bind(count(credential.init_exp))
        .bind(static_cast<std::int64_t>(credential.suite))
        .bind(count(now))
        .run();
  });
}

outcome<void> state_store::revoke_endpoint(std::string_view endpoint_id) {
  auto revoked = in_transaction<void>(*contents_, [&](sqlite_database& in) {
    const auto name = known_endpoint(in, endpoint_id);
    in.query("DELETE FROM endpoints WHERE endpoint_id = ?").bind(as_bytes(name)).run();
  });
  if (!revoked) return revoked;
  return guarded<void>(*contents_, [](sqlite_database& in) { in.execute("PRAGMA wal_checkpoint(TRUNCATE)"); });
}

outcome<std::vector<endpoint_record>> state_store::endpoints() {
  return guarded<std::vector<endpoint_record>>(*contents_, [](sqlite_database& in) {
    std::vector<endpoint_record> all;
    auto rows = in.query("SELECT endpoint_id, channel_id, added_at, init_exp FROM endpoints ORDER BY endpoint_id");
    while (rows.step()) {
      all.push_back({.endpoint_id = std::string{rows.text(0)},
                     .channel_id = std::string{rows.text(1)},
                     .added_at = unix_seconds{rows.integer(2)},
                     .expires_at = unix_seconds{rows.integer(3)}});
    }
    return all;
  });
}

outcome<bool> state_store::has_endpoint(std::string_view endpoint_id) {
  return guarded<bool>(*contents_, [&](sqlite_database& in) { return knows_endpoint(in, endpoint_id); });
}

outcome<endpoint_credential> state_store::find_credential(std::string_view channel_id) {
  return guarded<endpoint_credential>(*contents_, [&](sqlite_database& in) {
    auto row = in.query("SELECT endpoint_id, channel_id, psk, init_exp, suite FROM endpoints WHERE channel_id = ?");
    if (!row.bind(as_bytes(channel_id)).step()) throw refusal{store_failure(store_errc::unknown_endpoint)};
    return credential_of(row);
  });
}

outcome<void> state_store::add_ticket(const ticket_record& ticket, unix_seconds now) {
  return in_transaction<void>(*contents_, [&](sqlite_database& in) {
    const auto endpoint_id = known_endpoint(in, ticket.endpoint_id);
    in.query("DELETE FROM tickets WHERE expires_at <= ?").bind(count(now)).run();
    const auto most = static_cast<std::int64_t>(contents_->limits.max_tickets);
    if (rows_of(in, "SELECT count(*) FROM tickets") >= most) {
      throw refusal{store_failure(store_errc::limit_reached, "tickets")};
    }
    in.query("INSERT INTO tickets (hash, endpoint_id, uses, expires_at) VALUES (?, ?, ?, ?)")
        .bind(byte_view{ticket.hash})
        .bind(as_bytes(endpoint_id))
        .bind(std::int64_t{ticket.uses})
        .bind(count(ticket.expires_at))
        .run();
  });
}

outcome<void> state_store::check_ticket(const crypto::sha256_digest& hash, std::string_view endpoint_id,
                                        unix_seconds now) {
  return guarded<void>(*contents_, [&](sqlite_database& in) {
    auto row = in.query("SELECT 1 FROM tickets WHERE hash = ? AND endpoint_id = ? AND expires_at > ?");
    if (row.bind(byte_view{hash}).bind(as_bytes(endpoint_id)).bind(count(now)).step()) return;
    throw refusal{store_failure(store_errc::ticket_refused)};
  });
}

outcome<crypto::ed25519_public_key> state_store::record_issue(const issue_record& issued, unix_seconds now) {
  return std::move(record_issues({&issued, 1}, now).front());
}

std::vector<issue_outcome> state_store::record_issues(std::span<const issue_record> issued, unix_seconds now) {
  auto noted = in_transaction<std::vector<issue_outcome>>(*contents_, [&](sqlite_database& in) {
    forget_channels(in, now, issued.size());
    const auto key = signing_key(in);
    std::vector<issue_outcome> all;
    all.reserve(issued.size());
    for (const auto& one : issued) all.push_back(note_issue(in, one, key, now));
    return all;
  });
  if (noted) return std::move(*noted);
  return {issued.size(), issue_outcome{noted.error()}};
}

}  // namespace flowersec::controlplane
