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
  std::string_view version, private_key, public_key, contacts;
};

bool scan(std::string_view json, raw_file& into) {
  return scan_json_object(json, [&](const json_member& member) {
    if (member.raw_name == "version") into.version = member.raw_value;
    if (member.raw_name == "private_key_b64u") into.private_key = member.raw_value;
    if (member.raw_name == "public_key") into.public_key = member.raw_value;
    if (member.raw_name == "contacts") into.contacts = member.raw_value;
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

/// From the file straight into secret memory: escapes, which base64url never needs, are not resolved.
bool decode_private_key(std::string_view raw, crypto::secret_bytes<key_bytes>& into) {
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

file_result<stored_identity> read_plain(std::string_view text) {
  raw_file raw;
  if (!scan(text, raw)) return refused("not one JSON object");
  if (decode_json_unsigned(raw.version, file_version) != file_version) return refused("version is not 1");
  crypto::secret_bytes<key_bytes> bytes;
  if (!decode_private_key(raw.private_key, bytes)) return refused("private_key_b64u is not base64url of 32 bytes");
  auto self = identity::from_private(bytes.view());
  if (!self) return failure_of(self.error());
  if (decode_json_string(raw.public_key) != self->key().text()) return refused("public_key is not that of the key");

  auto shared = std::make_shared<identity>(std::move(*self));
  contacts known{shared};
  std::string defect;
  std::size_t index = 0;
  const bool is_list = scan_json_array(raw.contacts, [&](std::string_view element) {
    const auto at = index++;
    if (!defect.empty()) return;
    defect = add_contact(element, known);
    if (!defect.empty()) defect = "contacts[" + std::to_string(at) + "]: " + defect;
  });
  if (!is_list) return refused("contacts is not a list");
  if (!defect.empty()) return refused(std::move(defect));
  return stored_identity{.self = std::move(shared), .known = std::move(known)};
}

std::string format(const crypto::secret_bytes<key_bytes>& private_key, const contacts& of) {
  constexpr std::size_t contact_characters = 120 + 2 * max_name_bytes;
  std::string text;
  // Never grows, so that no piece of the key stays behind in memory that was given back.
  text.reserve(256 + of.size() * contact_characters);
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
  auto secret = encode_base64url(private_key.view());
  json_object_writer{text}
      .field("version", file_version)
      .field("private_key_b64u", secret)
      .field("public_key", of.owner().key().text())
      .raw("contacts", list += ']')
      .end();
  crypto::wipe(secret);
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

result<secret_text> export_identity(const contacts& of, optional_passphrase with, random_source& random,
                                    crypto::password_cost cost) {
  const auto private_key = of.owner().export_private();
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

file_result<void> write_identity_file(const std::filesystem::path& path, const contacts& of, optional_passphrase with,
                                      overwrite old, random_source& random, crypto::password_cost cost) {
  const auto text = export_identity(of, with, random, cost);
  if (!text) return at_path(path, text.error(), text.error().message());
  const auto existing = old == overwrite::yes ? crypto::existing_file::replace : crypto::existing_file::keep;
  const auto written = crypto::write_private_file(path, text->view(), existing);
  if (!written) return at_path(path, written.error().code, written.error().text);
  return {};
}

}  // namespace flowersec::identity
