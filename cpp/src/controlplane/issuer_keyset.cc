#include "flowersec/controlplane/issuer_keyset.h"

#include <mutex>
#include <shared_mutex>

#include "flowersec/base/base64url.h"
#include "flowersec/base/text.h"
#include "flowersec/controlplane/file.h"
#include "flowersec/token/sign.h"

namespace flowersec::controlplane {
namespace {

using messages::sensitive_text;
using messages::token::v1::keyset_file;
using messages::token::v1::private_key_file;

bool is_usable(std::string_view trimmed_kid) noexcept { return !trimmed_kid.empty() && is_valid_utf8(trimmed_kid); }

failure bad_key_file(std::string text) { return {controlplane_errc::bad_key_file, std::move(text)}; }

}  // namespace

struct issuer_keyset::state {
  state(std::string_view active_kid, crypto::ed25519_signing_key active_key)
      : kid(active_kid), key(std::move(active_key)), published{{kid, key.public_key()}} {}

  mutable std::shared_mutex mutex;
  std::string kid;
  crypto::ed25519_signing_key key;
  std::map<std::string, crypto::ed25519_public_key, std::less<>> published;
};

issuer_keyset::issuer_keyset(std::unique_ptr<state> keys) noexcept : state_(std::move(keys)) {}
issuer_keyset::issuer_keyset(issuer_keyset&&) noexcept = default;
issuer_keyset& issuer_keyset::operator=(issuer_keyset&&) noexcept = default;
issuer_keyset::~issuer_keyset() = default;

result<issuer_keyset> issuer_keyset::create(std::string_view kid, crypto::ed25519_signing_key key) {
  kid = trim(kid);
  if (!is_usable(kid)) return controlplane_errc::blank_kid;
  return issuer_keyset{std::make_unique<state>(kid, std::move(key))};
}

result<issuer_keyset> issuer_keyset::generate(std::string_view kid, random_source& random) {
  auto key = crypto::ed25519_signing_key::generate(random);
  if (!key) return controlplane_errc::no_randomness;
  return create(kid, std::move(*key));
}

outcome<issuer_keyset> issuer_keyset::from_private_key_file(std::string_view text) {
  const auto file = messages::token::v1::decode_private_key_file(text);
  if (!file) return bad_key_file(file.error().explanation());
  if (is_blank(file->kid)) return bad_key_file("kid is blank");
  crypto::secret_bytes<crypto::ed25519_private_key_bytes> bytes;
  if (!decode_base64url_into(file->privkey_b64u.view(), bytes.mutable_view())) {
    return bad_key_file("privkey_b64u is not base64url of 64 bytes");
  }
  auto key = crypto::ed25519_signing_key::from_private_key(bytes.view());
  if (!key) return bad_key_file("privkey_b64u: the public half does not belong to the seed");
  auto keys = create(file->kid, std::move(*key));
  if (!keys) return failure{keys.error(), keys.error().message()};
  return std::move(*keys);
}

outcome<issuer_keyset> issuer_keyset::load_private_key_file(const std::filesystem::path& path) {
  auto contents = read_file(path, messages::max_text_bytes);
  if (!contents) return contents.error();
  const sensitive_text text{std::move(*contents)};
  auto keys = from_private_key_file(text.view());
  if (!keys) return failure{keys.error().code, path.string() + ": " + keys.error().text};
  return keys;
}

std::string issuer_keyset::current_kid() const {
  const std::shared_lock lock{state_->mutex};
  return state_->kid;
}

std::map<std::string, crypto::ed25519_public_key> issuer_keyset::public_keys() const {
  const std::shared_lock lock{state_->mutex};
  return {state_->published.begin(), state_->published.end()};
}

result<sensitive_text> issuer_keyset::sign(messages::token::v1::token_payload payload) const {
  const std::shared_lock lock{state_->mutex};
  payload.kid = state_->kid;
  return token::sign_token(std::move(payload), state_->key);
}

error_code issuer_keyset::publish(std::string_view kid, const crypto::ed25519_public_key& key) {
  kid = trim(kid);
  if (!is_usable(kid)) return controlplane_errc::blank_kid;
  const std::unique_lock lock{state_->mutex};
  const auto [entry, added] = state_->published.try_emplace(std::string{kid}, key);
  if (!added && entry->second != key) return controlplane_errc::kid_conflict;
  return {};
}

error_code issuer_keyset::rotate(std::string_view kid, crypto::ed25519_signing_key key) {
  kid = trim(kid);
  if (!is_usable(kid)) return controlplane_errc::blank_kid;
  const std::unique_lock lock{state_->mutex};
  const auto entry = state_->published.find(kid);
  if (entry == state_->published.end()) return controlplane_errc::unknown_kid;
  if (entry->second != key.public_key()) return controlplane_errc::key_mismatch;
  state_->kid = entry->first;
  state_->key = std::move(key);
  return {};
}

error_code issuer_keyset::retire(std::string_view kid) {
  kid = trim(kid);
  if (!is_usable(kid)) return controlplane_errc::blank_kid;
  const std::unique_lock lock{state_->mutex};
  if (kid == state_->kid) return controlplane_errc::active_kid;
  const auto entry = state_->published.find(kid);
  if (entry == state_->published.end()) return controlplane_errc::unknown_kid;
  state_->published.erase(entry);
  return {};
}

std::string issuer_keyset::export_keyset_file() const {
  keyset_file file;
  for (const auto& [kid, key] : public_keys()) file.keys.push_back({kid, encode_base64url(key)});
  return encode(file);
}

sensitive_text issuer_keyset::export_private_key_file() const {
  const std::shared_lock lock{state_->mutex};
  const private_key_file file{state_->kid, sensitive_text{encode_base64url(state_->key.private_key().view())}};
  return sensitive_text{encode(file)};
}

}  // namespace flowersec::controlplane
