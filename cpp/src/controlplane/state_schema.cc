#include "state_schema.h"

namespace flowersec::controlplane {
namespace {

// Ids are blobs: compared byte by byte, and a zero byte in one is a byte like any other.
// keys.state   key_state; at most one row signs. private: the seed; NULL once the key is replaced.
constexpr const char* tables = R"sql(
CREATE TABLE keys (
  kid BLOB PRIMARY KEY,
  public BLOB NOT NULL CHECK (length(public) = 32),
  private BLOB CHECK (length(private) = 64),
  state INTEGER NOT NULL CHECK (state IN (1, 2, 3)),
  since INTEGER NOT NULL,
  CHECK ((private IS NULL) = (state = 3))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_key_signs ON keys (state) WHERE state = 2;

CREATE TABLE endpoints (
  endpoint_id BLOB PRIMARY KEY,
  channel_id BLOB NOT NULL UNIQUE,
  psk BLOB NOT NULL CHECK (length(psk) = 32),
  init_exp INTEGER NOT NULL,
  suite INTEGER NOT NULL,
  added_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tickets (
  hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
  endpoint_id BLOB NOT NULL REFERENCES endpoints ON DELETE CASCADE,
  uses INTEGER NOT NULL CHECK (uses > 0),
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_of_endpoint ON tickets (endpoint_id);
CREATE INDEX tickets_by_expiry ON tickets (expires_at);

CREATE TABLE channels (
  channel_id BLOB PRIMARY KEY,
  endpoint_id BLOB NOT NULL,
  issued_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX channels_by_expiry ON channels (expires_at);

CREATE TABLE revision (keys INTEGER NOT NULL, endpoints INTEGER NOT NULL) STRICT;
INSERT INTO revision VALUES (0, 0);
CREATE TRIGGER key_added AFTER INSERT ON keys BEGIN UPDATE revision SET keys = keys + 1; END;
CREATE TRIGGER key_changed AFTER UPDATE ON keys BEGIN UPDATE revision SET keys = keys + 1; END;
CREATE TRIGGER key_gone AFTER DELETE ON keys BEGIN UPDATE revision SET keys = keys + 1; END;
CREATE TRIGGER endpoint_added AFTER INSERT ON endpoints BEGIN UPDATE revision SET endpoints = endpoints + 1; END;
CREATE TRIGGER endpoint_gone AFTER DELETE ON endpoints BEGIN UPDATE revision SET endpoints = endpoints + 1; END;

PRAGMA application_id = 0x46534350;
PRAGMA user_version = 1;
)sql";

}  // namespace

void create_schema(sqlite_database& in) { in.execute(tables); }

void configure(sqlite_database& in) {
  // A write-ahead log, so that readers do not wait for writers; FULL, so that its end reaches the disk at each commit.
  in.execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;"
      "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
}

std::int64_t pragma(sqlite_database& in, std::string_view name) {
  auto asked = in.query("PRAGMA " + std::string{name});
  return asked.step() ? asked.integer(0) : 0;
}

}  // namespace flowersec::controlplane
