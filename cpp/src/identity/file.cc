#include "flowersec/identity/file.h"

#include <boost/system/system_error.hpp>
#include <utility>

#include "flowersec/base/base64url.h"
#include "flowersec/base/json.h"
#include "flowersec/base/json_scan.h"
#include "flowersec/crypto/private_file.h"
#include "identity/sealed_text.h"

namespace flowersec::identity {
namespace {

constexpr std::uint64_t file_version = 1;

file_error refused(std::string text) { return {identity_errc::bad_file, std::move(text)}; }

file_error failure_of(error_code code) { return {code, code.message()}; }

struct raw_file {
  std::string_view version, private_key, public_key, contacts, invitations;
};

bool scan(std::string_view json, raw_file& into) {
  return scan_json_object(json, [&](const json_member& member) {
    if (member.raw_name == "version") into.version = member.raw_value;
    if (member.raw_name == "private_key_b64u") into.private_key = member.raw_value;
    if (member.raw_name == "public_key") into.public_key = member.raw_value;
    if (member.raw_name == "contacts") into.contacts = member.raw_value;
    if (member.raw_name == "invitations") into.invitations = member.raw_value;
  });
}

struct raw_contact {
  std::string_view key, name, policy, verified;
};

bool scan(std::string_view json, raw_contact& into) {
  return scan_json_object(json, [&](const json_member& member) {
    if (member.raw_name == "public_key") into.key = member.raw_value;
    if (member.raw_name == "name") into.name = member.raw_value;
    if (member.raw_name == "policy") into.policy = member.raw_value;
    if (member.raw_name == "verified") into.verified = member.raw_value;
  });
}

struct raw_given {
  std::string_view secret, given, name;
};

bool scan(std::string_view json, raw_given& into) {
  return scan_json_object(json, [&](const json_member& member) {
    if (member.raw_name == "secret_b64u") into.secret = member.raw_value;
    if (member.raw_name == "given") into.given = member.raw_value;
    if (member.raw_name == "name") into.name = member.raw_value;
  });
}

/// From the file straight into secret memory: escapes, which base64url never needs, are not resolved.
template <std::size_t Size>
bool decode_secret(std::string_view raw, crypto::secret_bytes<Size>& into) {
  if (raw.size() < 2 || raw.front() != '"') return false;
  return decode_base64url_into(raw.substr(1, raw.size() - 2), into.mutable_view());
}

std::optional<contact_policy> policy_of(std::string_view raw) {
  if (raw == "\"allow\"") return contact_policy::allow;
  if (raw == "\"block\"") return contact_policy::block;
  return std::nullopt;
}

/// Empty when the contact was added, and what is wrong with it otherwise.
std::string add_contact(std::string_view json, contacts& to) {
  raw_contact raw;
  if (!scan(json, raw)) return "not an object";
  const auto text = decode_json_string(raw.key);
  if (!text) return "public_key is not a text";
  const auto key = public_key::parse(*text);
  if (!key) return "public_key: " + key.error().message();
  const auto name = decode_json_string(raw.name);
  if (!name) return "name is not a text";
  const auto policy = policy_of(raw.policy);
  if (!policy) return "policy is neither allow nor block";
  if (raw.verified != "true" && raw.verified != "false") return "verified is neither true nor false";
  const auto added = to.add(*key, *name, *policy, raw.verified == "true");
  return added ? std::string{} : added.error().message();
}

std::string add_invitation(std::string_view json, open_invitations& to) {
  raw_given raw;
  if (!scan(json, raw)) return "not an object";
  invitation_secret secret;
  if (!decode_secret(raw.secret, secret)) return "secret_b64u is not base64url of 16 bytes";
  const auto given = decode_json_unsigned(raw.given, static_cast<std::uint64_t>(json_max_safe_integer));
  if (!given) return "given is no time";
  const auto name = raw.name.empty() ? std::optional<std::string>{""} : decode_json_string(raw.name);
  if (!name || (!raw.name.empty() && !is_valid_name(*name))) return "name is none";
  const auto added = to.restore(secret, unix_seconds{static_cast<std::int64_t>(*given)}, *name);
  return added ? std::string{} : added.error().message();
}

/// Empty when each element was taken, and what is wrong with the first that was not otherwise.
template <class Add>
std::string read_list(std::string_view raw, const std::string& name, Add add) {
  std::string defect;
  std::size_t index = 0;
  const bool is_list = scan_json_array(raw, [&](std::string_view element) {
    const auto at = index++;
    if (!defect.empty()) return;
    defect = add(element);
    if (!defect.empty()) defect = name + '[' + std::to_string(at) + "]: " + defect;
  });
  return is_list ? defect : name + " is not a list";
}

file_result<stored_identity> read_plain(std::string_view text) {
  raw_file raw;
  if (!scan(text, raw)) return refused("not one JSON object");
  if (decode_json_unsigned(raw.version, file_version) != file_version) return refused("version is not 1");
  crypto::secret_bytes<key_bytes> bytes;
  if (!decode_secret(raw.private_key, bytes)) return refused("private_key_b64u is not base64url of 32 bytes");
  auto self = identity::from_private(bytes.view());
  if (!self) return failure_of(self.error());
  if (decode_json_string(raw.public_key) != self->key().text()) return refused("public_key is not that of the key");

  auto shared = std::make_shared<identity>(std::move(*self));
  stored_identity stored{.self = shared, .known = contacts{shared}};
  auto defect = read_list(raw.contacts, "contacts", [&](auto element) { return add_contact(element, stored.known); });
  if (defect.empty() && !raw.invitations.empty()) {
    defect = read_list(raw.invitations, "invitations", [&](auto each) { return add_invitation(each, stored.open); });
  }
  if (!defect.empty()) return refused(std::move(defect));
  return stored;
}

std::string format_contacts(const contacts& of) {
  std::string list = "[";
  for (const auto* each : of.list()) {
    if (list.size() > 1) list += ',';
    json_object_writer{list}
        .field("public_key", each->key.text())
        .field("name", each->name)
        .field("policy", each->policy == contact_policy::allow ? "allow" : "block")
        .field("verified", each->verified)
        .end();
  }
  return list += ']';
}

constexpr std::size_t invitation_characters = 96 + 2 * max_name_bytes;

/// Never grows, as below.
std::string format_invitations(std::span<const open_invitations::entry> given) {
  std::string list;
  list.reserve(2 + given.size() * invitation_characters);
  list += '[';
  for (const auto& each : given) {
    if (list.size() > 1) list += ',';
    auto secret = encode_base64url(each.secret.view());
    json_object_writer writer{list};
    writer.field("secret_b64u", secret).field("given", count(each.given));
    if (!each.guest_name.empty()) writer.field("name", each.guest_name);
    writer.end();
    crypto::wipe(secret);
  }
  return list += ']';
}

std::string format(const crypto::secret_bytes<key_bytes>& private_key, const identity_contents& of) {
  constexpr std::size_t contact_characters = 120 + 2 * max_name_bytes;
  std::string text;
  // Never grows, so that no piece of the key stays behind in memory that was given back.
  text.reserve(256 + of.known.size() * contact_characters + of.open.size() * invitation_characters);
  auto secret = encode_base64url(private_key.view());
  json_object_writer writer{text};
  writer.field("version", file_version)
      .field("private_key_b64u", secret)
      .field("public_key", of.known.owner().key().text())
      .raw("contacts", format_contacts(of.known));
  crypto::wipe(secret);
  if (!of.open.empty()) {
    auto given = format_invitations(of.open);
    writer.raw("invitations", given);
    crypto::wipe(given);
  }
  writer.end();
  return text += '\n';
}

file_error at_path(const std::filesystem::path& path, error_code code, const std::string& text) {
  if (code == crypto::crypto_errc::bad_private_file) code = identity_errc::bad_file;
  if (code == crypto::crypto_errc::private_file_shared) code = identity_errc::file_shared;
  return {code, path.string() + ": " + text};
}

}  // namespace

void throw_exception_from_error(const file_error& failure, const boost::source_location& /*where*/) {
  throw boost::system::system_error(failure.code, failure.text);
}

secret_text::secret_text(secret_text&& other) noexcept : text_(std::move(other.text_)) { crypto::wipe(other.text_); }

secret_text& secret_text::operator=(secret_text&& other) noexcept {
  if (this != &other) {
    crypto::wipe(text_);
    text_ = std::move(other.text_);
    crypto::wipe(other.text_);
  }
  return *this;
}

secret_text::~secret_text() { crypto::wipe(text_); }

result<secret_text> export_identity(identity_contents of, optional_passphrase with, random_source& random,
                                    crypto::password_cost cost) {
  const auto private_key = of.known.owner().export_private();
  if (!private_key) return private_key.error();
  secret_text plain{format(*private_key, of)};
  if (!with) return plain;
  auto sealed = seal_text(plain.view(), *with, random, cost);
  if (!sealed) return sealed.error();
  return secret_text{std::move(*sealed)};
}

file_result<stored_identity> import_identity(std::string_view text, optional_passphrase with) {
  if (text.size() > max_identity_file_bytes) {
    return refused("more than " + std::to_string(max_identity_file_bytes) + " bytes");
  }
  if (!is_sealed(text)) return with ? failure_of(identity_errc::not_sealed) : read_plain(text);
  if (!with) return failure_of(identity_errc::passphrase_needed);
  const auto plain = open_text(text, *with);
  if (!plain) return plain.error();
  if (is_sealed(plain->view())) return refused("sealed twice");
  return read_plain(plain->view());
}

file_result<stored_identity> read_identity_file(const std::filesystem::path& path, optional_passphrase with) {
  auto text = crypto::read_private_file(path, max_identity_file_bytes);
  if (!text) return at_path(path, text.error().code, text.error().text);
  const secret_text kept{std::move(*text)};
  auto stored = import_identity(kept.view(), with);
  if (!stored) return at_path(path, stored.error().code, stored.error().text);
  return stored;
}

file_result<void> write_identity_file(const std::filesystem::path& path, identity_contents of, optional_passphrase with,
                                      overwrite old, random_source& random, crypto::password_cost cost) {
  const auto text = export_identity(of, with, random, cost);
  if (!text) return at_path(path, text.error(), text.error().message());
  const auto existing = old == overwrite::yes ? crypto::existing_file::replace : crypto::existing_file::keep;
  const auto written = crypto::write_private_file(path, text->view(), existing);
  if (!written) return at_path(path, written.error().code, written.error().text);
  return {};
}

}  // namespace flowersec::identity
