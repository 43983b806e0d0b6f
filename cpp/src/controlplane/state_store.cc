#include "flowersec/controlplane/state_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "flowersec/base/text.h"
#include "flowersec/controlplane/file.h"
#include "state_contents.h"
#include "state_schema.h"

namespace flowersec::controlplane {
namespace {

failure system_failure(std::string_view action, const std::filesystem::path& path) {
  const error_code code{errno, boost::system::system_category()};
  return {code, std::string{action} + " " + path.string() + ": " + code.message()};
}

bool flush(const std::filesystem::path& path) noexcept {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool flushed = ::fsync(fd) == 0;
  ::close(fd);
  return flushed;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  const auto parent = file.parent_path();
  return parent.empty() ? "." : parent;
}

/// A file under a name of its own until it is whole.
class unfinished_file {
 public:
  explicit unfinished_file(const std::filesystem::path& target)
      : name_((folder_of(target) / ("." + target.filename().string() + ".XXXXXX")).string()) {
    const int fd = ::mkostemp(name_.data(), O_CLOEXEC);  // mode 0600
    made_ = fd >= 0;
    if (made_) ::close(fd);
  }
  unfinished_file(const unfinished_file&) = delete;
  unfinished_file& operator=(const unfinished_file&) = delete;
  ~unfinished_file() {
    if (made_) ::unlink(name_.c_str());
  }
  [[nodiscard]] bool made() const noexcept { return made_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// Never in the place of another file.
  [[nodiscard]] outcome<void> appear_as(const std::filesystem::path& target) const {
    if (!flush(name_)) return system_failure("flush", name_);
    if (::link(name_.c_str(), target.c_str()) != 0) {
      if (errno == EEXIST) return store_failure(store_errc::file_exists, target.string());
      return system_failure("create", target);
    }
    if (!flush(folder_of(target))) return system_failure("flush", folder_of(target));
    return {};
  }

 private:
  std::string name_;
  bool made_ = false;
};

outcome<void> check_file(const std::filesystem::path& file) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0) {
    if (errno == ENOENT) return store_failure(store_errc::no_file, file.string());
    return system_failure("open", file);
  }
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) return store_failure(store_errc::not_private, file.string());
  return {};
}

void add_key(sqlite_database& in, std::string_view kid, const crypto::ed25519_signing_key& key, key_state state,
             unix_seconds now) {
  const auto secret = key.private_key();
  in.query("INSERT INTO keys (kid, public, private, state, since) VALUES (?, ?, ?, ?, ?)")
      .bind(as_bytes(kid))
      .bind(byte_view{key.public_key()})
      .bind(byte_view{secret.view()})
      .bind(static_cast<std::int64_t>(state))
      .bind(count(now))
      .run();
}

/// What a later sqlite file of ours would be taken for: the log of another state file.
bool has_old_log(const std::filesystem::path& file) {
  struct stat about {};
  return ::stat((file.string() + "-wal").c_str(), &about) == 0;
}

}  // namespace

const char* describe(store_errc code) noexcept {
  switch (code) {
    case store_errc::no_file:
      return "there is no such state file";
    case store_errc::file_exists:
      return "the file exists already";
    case store_errc::not_private:
      return "others can read or write the state file";
    case store_errc::not_a_state_file:
      return "the file is not a state file";
    case store_errc::newer_schema:
      return "the state file was written by a newer version";
    case store_errc::storage_failed:
      return "the state file cannot be used";
    case store_errc::limit_reached:
      return "the state file holds as many as it may";
    case store_errc::bad_name:
      return "the id is not 1 to 256 bytes of text";
    case store_errc::key_exists:
      return "the key id is in use";
    case store_errc::unknown_key:
      return "there is no such key";
    case store_errc::key_not_waiting:
      return "the key is not one that waits to sign";
    case store_errc::key_signs:
      return "the key signs";
    case store_errc::key_needed:
      return "tokens of the key may still be under way";
    case store_errc::endpoint_exists:
      return "the endpoint has a credential";
    case store_errc::unknown_endpoint:
      return "there is no such endpoint";
    case store_errc::ticket_refused:
      return "the ticket is not good for this";
    case store_errc::channel_id_in_use:
      return "the channel id was given out";
  }
  return "unknown store error";
}

error_code make_error_code(store_errc code) noexcept {
  static constexpr errc_category<store_errc> category{"flowersec.store"};
  return {static_cast<int>(code), category};
}

failure store_failure(store_errc code) { return {code, describe(code)}; }

failure store_failure(store_errc code, const std::string& about) { return {code, about + ": " + describe(code)}; }

failure storage_failure(const std::filesystem::path& file, const sqlite_error& error) {
  const auto code = error.primary() == SQLITE_NOTADB ? store_errc::not_a_state_file : store_errc::storage_failed;
  return {code, file.string() + ": " + describe(code) + " (" + error.what() + ")"};
}

std::string_view checked_name(std::string_view what, std::string_view name) {
  name = trim(name);
  if (name.empty() || name.size() > max_name_bytes || !is_valid_utf8(name)) {
    throw refusal{store_failure(store_errc::bad_name, std::string{what})};
  }
  return name;
}

state_store::state_store(std::unique_ptr<contents> open) noexcept : contents_(std::move(open)) {}
state_store::state_store(state_store&&) noexcept = default;
state_store& state_store::operator=(state_store&&) noexcept = default;
state_store::~state_store() = default;

outcome<void> state_store::create(const std::filesystem::path& file, std::string_view kid,
                                  const crypto::ed25519_signing_key& key, unix_seconds now, store_options options) {
  if (has_old_log(file)) return store_failure(store_errc::file_exists, file.string() + "-wal");
  const unfinished_file fresh{file};
  if (!fresh.made()) return system_failure("create a file beside", file);
  try {
    contents made{fresh.name(), options};
    const auto filled = in_transaction<void>(made, [&](sqlite_database& in) {
      create_schema(in);
      add_key(in, checked_name("the key id", kid), key, key_state::signing, now);
    });
    if (!filled) return filled;
  } catch (const sqlite_error& error) {
    return storage_failure(file, error);
  }
  return fresh.appear_as(file);
}

outcome<state_store> state_store::open(const std::filesystem::path& file, store_options options) {
  if (auto fine = check_file(file); !fine) return fine.error();
  try {
    auto opened = std::make_unique<contents>(file, options);
    auto& in = opened->database;
    if (pragma(in, "application_id") != state_application_id) {
      return store_failure(store_errc::not_a_state_file, file.string());
    }
    if (pragma(in, "user_version") > state_schema_version) {
      return store_failure(store_errc::newer_schema, file.string());
    }
    configure(in);
    return state_store{std::move(opened)};
  } catch (const sqlite_error& error) {
    return storage_failure(file, error);
  }
}

outcome<state_revision> state_store::revision() {
  return guarded<state_revision>(*contents_, [](sqlite_database& in) {
    auto row = in.query("SELECT keys, endpoints FROM revision");
    if (!row.step()) throw refusal{store_failure(store_errc::storage_failed, "no revision")};
    return state_revision{.keys = row.integer(0), .endpoints = row.integer(1)};
  });
}

outcome<void> state_store::publish_key(std::string_view kid, const crypto::ed25519_signing_key& key, unix_seconds now) {
  return in_transaction<void>(*contents_, [&](sqlite_database& in) {
    const auto name = checked_name("the key id", kid);
    auto same = in.query("SELECT 1 FROM keys WHERE kid = ?");
    if (same.bind(as_bytes(name)).step()) throw refusal{store_failure(store_errc::key_exists, std::string{name})};
    auto all = in.query("SELECT count(*) FROM keys");
    if (all.step() && all.integer(0) >= static_cast<std::int64_t>(contents_->limits.max_keys)) {
      throw refusal{store_failure(store_errc::limit_reached, "keys")};
    }
    add_key(in, name, key, key_state::published, now);
  });
}

outcome<void> state_store::back_up(const std::filesystem::path& to) {
  const unfinished_file copy{to};
  if (!copy.made()) return system_failure("create a file beside", to);
  const auto copied = guarded<void>(*contents_, [&copy](sqlite_database& in) {
    in.query("VACUUM INTO ?").bind(std::string_view{copy.name()}).run();
  });
  if (!copied) return copied;
  return copy.appear_as(to);
}

}  // namespace flowersec::controlplane
