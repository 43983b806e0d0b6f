#include "flowersec/identity/invitation.h"

#include <algorithm>
#include <utility>

#include "flowersec/base/base64url.h"
#include "flowersec/base/json.h"
#include "flowersec/base/json_scan.h"
#include "flowersec/crypto/hash.h"
#include "flowersec/crypto/private_file.h"
#include "flowersec/identity/address.h"

namespace flowersec::identity {
namespace {

constexpr std::string_view name = "#fsi1=";
constexpr std::string_view note_prefix = "inv:";

struct raw_invitation {
  std::string_view registry_url;
  std::string_view registry_key;
  std::string_view host_key;
  std::string_view secret;
};

/// The last of duplicate members counts.
bool scan(std::string_view json, raw_invitation& into) {
  return scan_json_object(json, [&](const json_member& member) {
    if (member.raw_name == "registry_url") into.registry_url = member.raw_value;
    if (member.raw_name == "registry_key") into.registry_key = member.raw_value;
    if (member.raw_name == "host_key") into.host_key = member.raw_value;
    if (member.raw_name == "secret") into.secret = member.raw_value;
  });
}

std::optional<public_key> read_key(std::string_view raw) {
  const auto text = decode_json_string(raw);
  if (!text) return std::nullopt;
  const auto key = public_key::parse(*text);
  return key ? std::optional{*key} : std::nullopt;
}

/// From the text straight into secret memory: escapes, which base64url never needs, are not resolved.
bool read_secret(std::string_view raw, invitation_secret& into) {
  if (raw.size() < 2 || raw.front() != '"') return false;
  return decode_base64url_into(raw.substr(1, raw.size() - 2), into.mutable_view());
}

result<invitation> read(std::string_view json) {
  raw_invitation raw;
  if (!scan(json, raw)) return identity_errc::bad_invitation;
  const auto written_url = decode_json_string(raw.registry_url);
  const auto url = written_url ? parse_registry_url(*written_url) : std::nullopt;
  const auto registry = read_key(raw.registry_key);
  const auto host = read_key(raw.host_key);
  invitation_secret secret;
  if (!url || !registry || !host || *registry == *host || !read_secret(raw.secret, secret)) {
    return identity_errc::bad_invitation;
  }
  return invitation{.registry_url = *url, .registry_key = *registry, .host_key = *host, .secret = std::move(secret)};
}

bool has_lapsed(unix_seconds given, unix_seconds now) noexcept {
  constexpr auto lifetime = std::chrono::duration_cast<std::chrono::seconds>(invitation_lifetime).count();
  return count(now) - count(given) >= lifetime || count(given) - count(now) >= lifetime;
}

}  // namespace

result<invitation> invitation::make(std::string_view registry_url, const public_key& registry_key,
                                    const public_key& host_key, random_source& random) {
  const auto url = parse_registry_url(registry_url);
  if (!url || registry_key == host_key) return identity_errc::bad_invitation;
  invitation_secret secret;
  if (!random.fill(secret.mutable_view())) return identity_errc::no_randomness;
  return invitation{
      .registry_url = *url, .registry_key = registry_key, .host_key = host_key, .secret = std::move(secret)};
}

result<invitation> invitation::parse(std::string_view link) {
  if (link.size() > max_link_bytes) return identity_errc::bad_invitation;
  const auto fragment = link.substr(std::min(link.find('#'), link.size()));
  if (!fragment.starts_with(name)) return identity_errc::bad_invitation;
  auto json = decode_base64url(fragment.substr(name.size()));
  if (!json) return identity_errc::bad_invitation;
  auto decoded = read(as_text(*json));
  crypto::wipe(mutable_byte_view{*json});
  return decoded;
}

std::string invitation::fragment() const {
  auto secret_text = encode_base64url(secret.view());
  std::string json;
  json.reserve(2 * max_registry_url_bytes);  // never grows, so that no copy of the secret stays behind
  json_object_writer{json}
      .field("registry_url", registry_url)
      .field("registry_key", registry_key.text())
      .field("host_key", host_key.text())
      .field("secret", secret_text)
      .end();
  auto text = std::string{name} + encode_base64url(as_bytes(json));
  crypto::wipe(secret_text);
  crypto::wipe(json);
  return text;
}

std::string invitation::note() const { return invitation_note(secret); }

std::string invitation_note(const invitation_secret& secret) {
  const auto digest = crypto::sha256(secret.view());
  return std::string{note_prefix} + encode_base64url(byte_view{digest}.first(invitation_id_bytes));
}

result<void> open_invitations::add(const invitation& given, unix_seconds now, std::string guest_name) {
  std::erase_if(open_, [&](const entry& each) { return has_lapsed(each.given, now); });
  if (open_.size() >= max_open_invitations) return identity_errc::too_many;
  open_.push_back(
      {.note = given.note(), .secret = given.secret.clone(), .given = now, .guest_name = std::move(guest_name)});
  return {};
}

const invitation_secret* open_invitations::find(std::string_view note, unix_seconds now) const noexcept {
  const auto found = std::ranges::find(open_, note, [](const entry& each) { return std::string_view{each.note}; });
  return found == open_.end() || has_lapsed(found->given, now) ? nullptr : &found->secret;
}

result<void> open_invitations::restore(const invitation_secret& secret, unix_seconds given, std::string guest_name) {
  auto note = invitation_note(secret);
  if (std::ranges::find(open_, note, &entry::note) != open_.end()) return identity_errc::bad_invitation;
  if (open_.size() >= max_open_invitations) return identity_errc::too_many;
  open_.push_back(
      {.note = std::move(note), .secret = secret.clone(), .given = given, .guest_name = std::move(guest_name)});
  return {};
}

bool open_invitations::consume(std::string_view note) noexcept {
  return std::erase_if(open_, [&](const entry& each) { return each.note == note; }) > 0;
}

}  // namespace flowersec::identity
