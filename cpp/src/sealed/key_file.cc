#include "flowersec/sealed/key_file.h"

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <set>

#include "flowersec/base/base64url.h"
#include "flowersec/base/json.h"
#include "flowersec/base/json_scan.h"
#include "flowersec/crypto/private_file.h"

namespace flowersec::sealed {
namespace {

using crypto::existing_file;
using crypto::read_private_file;
using crypto::wipe;
using crypto::write_private_file;

constexpr std::uint64_t file_version = 1;

key_file_error refused(std::string text) { return {sealed_errc::bad_key_file, std::move(text)}; }

std::string place_of(std::size_t index) { return "keys[" + std::to_string(index) + "]: "; }

/// One element of `keys`, as raw JSON. A duplicate name takes its last value, and null is as good as absent.
struct raw_entry {
  std::string_view kid;
  std::string_view private_key;
  std::string_view created_at;
};

bool read_raw(std::string_view json, raw_entry& into) {
  return scan_json_object(json, [&](const json_member& member) {
    if (member.raw_name == "kid") into.kid = member.raw_value;
    if (member.raw_name == "private_key_b64u") into.private_key = member.raw_value;
    if (member.raw_name == "created_at_unix_s") into.created_at = member.raw_value;
  });
}

/// From the file straight into secret memory: escapes, which base64url never needs, are not resolved.
bool decode_private_key(std::string_view raw, crypto::secret_bytes<key_bytes>& into) {
  if (raw.size() < 2 || raw.front() != '"' || raw.back() != '"') return false;
  return decode_base64url_into(raw.substr(1, raw.size() - 2), into.mutable_view());
}

key_file_result<keyring::entry> read_entry(std::string_view json, std::size_t index) {
  raw_entry raw;
  if (!read_raw(json, raw)) return refused(place_of(index) + "not an object");
  crypto::secret_bytes<key_bytes> bytes;
  if (!decode_private_key(raw.private_key, bytes)) {
    return refused(place_of(index) + "private_key_b64u is not base64url of 32 bytes");
  }
  auto key = key_pair::from_private(bytes.view());
  if (decode_json_string(raw.kid) != key.kid()) return refused(place_of(index) + "kid is not that of the key");
  const auto created = decode_json_unsigned(raw.created_at, static_cast<std::uint64_t>(json_max_safe_integer));
  if (!created) return refused(place_of(index) + "created_at_unix_s is not a time");
  return keyring::entry{.key = std::move(key), .created_at = unix_seconds{static_cast<std::int64_t>(*created)}};
}

key_file_result<std::vector<keyring::entry>> read_entries(std::string_view json) {
  std::vector<keyring::entry> entries;
  std::optional<key_file_error> failed;
  std::size_t index = 0;
  const bool is_list = scan_json_array(json, [&](std::string_view element) {
    const auto at = index++;
    if (failed || at >= max_keys) return;
    auto entry = read_entry(element, at);
    if (!entry) {
      failed = entry.error();
      return;
    }
    const auto same = [&](const auto& other) { return other.key.kid() == entry->key.kid(); };
    if (std::ranges::any_of(entries, same)) {
      failed = refused(place_of(at) + "duplicate kid");
      return;
    }
    entries.push_back(std::move(*entry));
  });
  if (!is_list) return refused("keys is not a list");
  if (failed) return *failed;
  if (index > max_keys) return refused("keys: more than " + std::to_string(max_keys));
  if (entries.empty()) return refused("keys: at least one key is needed");
  return entries;
}

std::string format(const keyring& keys) {
  constexpr std::size_t entry_characters = 160;
  std::string text;
  // Never grows, so that no piece of a key stays behind in memory that was given back.
  text.reserve(64 + keys.entries().size() * entry_characters);
  text += "{\"version\":1,\"keys\":[";
  for (const auto& entry : keys.entries()) {
    if (text.back() != '[') text += ',';
    auto secret = encode_base64url(entry.key.private_half());
    json_object_writer{text}
        .field("kid", entry.key.kid())
        .field("private_key_b64u", secret)
        .field("created_at_unix_s", count(entry.created_at))
        .end();
    wipe(secret);
  }
  return text += "]}\n";
}

key_file_error at_path(const std::filesystem::path& path, key_file_error why) {
  why.text = path.string() + ": " + why.text;
  return why;
}

key_file_error at_path(const std::filesystem::path& path, crypto::private_file_error why) {
  if (why.code == crypto::crypto_errc::bad_private_file) why.code = sealed_errc::bad_key_file;
  if (why.code == crypto::crypto_errc::private_file_shared) why.code = sealed_errc::key_file_shared;
  return at_path(path, key_file_error{why.code, std::move(why.text)});
}

}  // namespace

void throw_exception_from_error(const key_file_error& failure, const boost::source_location& /*where*/) {
  throw boost::system::system_error(failure.code, failure.text);
}

std::optional<keyring> keyring::of(std::vector<entry> entries) {
  std::set<std::string_view> kids;
  for (const auto& entry : entries) kids.insert(entry.key.kid());
  if (entries.empty() || entries.size() > max_keys || kids.size() != entries.size()) return std::nullopt;
  keyring made;
  made.entries_ = std::move(entries);
  return made;
}

const key_pair* keyring::find(std::string_view kid) const noexcept {
  const auto found =
      std::ranges::find(entries_, kid, [](const entry& each) { return std::string_view{each.key.kid()}; });
  return found == entries_.end() ? nullptr : &found->key;
}

key_file_result<keyring> parse_key_file(std::string_view text) {
  if (text.size() > max_key_file_bytes) {
    return refused("more than " + std::to_string(max_key_file_bytes) + " bytes");
  }
  std::string_view version;
  std::string_view keys;
  const bool is_object = scan_json_object(text, [&](const json_member& member) {
    if (member.raw_name == "version") version = member.raw_value;
    if (member.raw_name == "keys") keys = member.raw_value;
  });
  if (!is_object) return refused("not one JSON object");
  if (decode_json_unsigned(version, file_version) != file_version) return refused("version is not 1");
  auto entries = read_entries(keys);
  if (!entries) return entries.error();
  return *keyring::of(std::move(*entries));
}

key_file_result<keyring> read_key_file(const std::filesystem::path& path) {
  auto text = read_private_file(path, max_key_file_bytes);
  if (!text) return at_path(path, text.error());
  auto keys = parse_key_file(*text);
  wipe(*text);
  if (!keys) return at_path(path, keys.error());
  return keys;
}

key_file_result<void> write_key_file(const std::filesystem::path& path, const keyring& keys) {
  auto text = format(keys);
  auto written = write_private_file(path, text, existing_file::replace);
  wipe(text);
  if (!written) return at_path(path, written.error());
  return {};
}

key_file_result<void> create_key_file(const std::filesystem::path& path, const keyring& keys) {
  auto text = format(keys);
  auto written = write_private_file(path, text, existing_file::keep);
  wipe(text);
  if (!written) return at_path(path, written.error());
  return {};
}

key_file_result<keyring> create_key_file(const std::filesystem::path& path, random_source& random, unix_seconds now) {
  auto key = key_pair::generate(random);
  if (!key) return at_path(path, key_file_error{key.error(), key.error().message()});
  keyring keys{{.key = std::move(*key), .created_at = now}};
  if (const auto written = create_key_file(path, keys); !written) return written.error();
  return keys;
}

}  // namespace flowersec::sealed
