// The keys of a state file. See state_store.h.
#include "flowersec/controlplane/file.h"
#include "state_contents.h"

namespace flowersec::controlplane {
namespace {

crypto::ed25519_public_key public_key_of(byte_view stored) {
  crypto::ed25519_public_key key{};
  std::copy(stored.begin(), stored.end(), key.begin());
  return key;
}

std::vector<key_record> read_keys(sqlite_database& in) {
  std::vector<key_record> all;
  auto rows = in.query("SELECT kid, public, state, since FROM keys ORDER BY kid");
  while (rows.step()) {
    all.push_back({.kid = std::string{rows.text(0)},
                   .public_key = public_key_of(rows.blob(1)),
                   .state = static_cast<key_state>(rows.integer(2)),
                   .since = unix_seconds{rows.integer(3)}});
  }
  return all;
}

/// One statement, so that what is read belongs together: the signing key first, then the others.
issuer_keyset read_issuer(sqlite_database& in) {
  auto rows = in.query("SELECT kid, public, private FROM keys ORDER BY state <> 2");
  if (!rows.step()) throw refusal{store_failure(store_errc::storage_failed, "there are no keys")};
  auto key = crypto::ed25519_signing_key::from_private_key(rows.blob(2));
  if (!key) throw refusal{store_failure(store_errc::storage_failed, "the signing key is damaged")};
  auto issuer = issuer_keyset::create(rows.text(0), std::move(*key));
  while (issuer && rows.step()) {
    if (const auto failed = issuer->publish(rows.text(0), public_key_of(rows.blob(1)))) issuer = failed;
  }
  if (!issuer) throw refusal{store_failure(store_errc::storage_failed, issuer.error().message())};
  return std::move(*issuer);
}

key_record find_key(sqlite_database& in, std::string_view kid) {
  const auto name = checked_name("the key id", kid);
  for (auto& key : read_keys(in)) {
    if (key.kid == name) return std::move(key);
  }
  throw refusal{store_failure(store_errc::unknown_key, std::string{name})};
}

/// What was deleted leaves the write-ahead log as well, unless another process is reading just now: then it leaves
/// later.
void forget_deleted(sqlite_database& in) { in.execute("PRAGMA wal_checkpoint(TRUNCATE)"); }

}  // namespace

outcome<std::vector<key_record>> state_store::keys() { return guarded<std::vector<key_record>>(*contents_, read_keys); }

outcome<issuer_keyset> state_store::load_issuer() { return guarded<issuer_keyset>(*contents_, read_issuer); }

outcome<void> state_store::rotate_key(std::string_view kid, unix_seconds now) {
  auto rotated = in_transaction<void>(*contents_, [&](sqlite_database& in) {
    const auto next = find_key(in, kid);
    if (next.state != key_state::published) throw refusal{store_failure(store_errc::key_not_waiting, next.kid)};
    in.query("UPDATE keys SET state = 3, private = NULL, since = ? WHERE state = 2").bind(count(now)).run();
    in.query("UPDATE keys SET state = 2, since = ? WHERE kid = ?").bind(count(now)).bind(as_bytes(next.kid)).run();
  });
  if (!rotated) return rotated;
  return guarded<void>(*contents_, forget_deleted);
}

outcome<void> state_store::retire_key(std::string_view kid, unix_seconds now, std::chrono::seconds wait) {
  auto retired = in_transaction<void>(*contents_, [&](sqlite_database& in) {
    const auto key = find_key(in, kid);
    if (key.state == key_state::signing) throw refusal{store_failure(store_errc::key_signs, key.kid)};
    if (key.state == key_state::replaced && count(now) - count(key.since) < wait.count()) {
      throw refusal{store_failure(store_errc::key_needed, key.kid)};
    }
    in.query("DELETE FROM keys WHERE kid = ?").bind(as_bytes(key.kid)).run();
  });
  if (!retired) return retired;
  return guarded<void>(*contents_, forget_deleted);
}

outcome<void> state_store::write_keyset_file(const std::filesystem::path& file) {
  return in_transaction<void>(*contents_, [&file](sqlite_database& in) {
    const auto text = read_issuer(in).export_keyset_file();
    if (auto written = write_file_atomically(file, text, public_file_mode); !written) throw refusal{written.error()};
  });
}

}  // namespace flowersec::controlplane
