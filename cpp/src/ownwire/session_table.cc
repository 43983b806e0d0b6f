#include "ownwire/session_table.h"

#include <array>
#include <cstring>

#include "flowersec/base/base64url.h"
#include "flowersec/crypto/secret.h"

namespace flowersec::ownwire {

namespace {

/// Version 4, variant 1 of RFC 9562.
std::string format_uuid(std::array<std::byte, 16> bytes) {
  bytes[6] = (bytes[6] & std::byte{0x0F}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3F}) | std::byte{0x80};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits[std::to_integer<std::size_t>(bytes[i] >> 4)];
    text += digits[std::to_integer<std::size_t>(bytes[i] & std::byte{0x0F})];
  }
  return text;
}

std::optional<crypto::sha256_digest> digest_of(std::string_view token) {
  crypto::secret_bytes<resume_token_bytes> bytes;
  if (!decode_base64url_into(token, bytes.mutable_view())) return std::nullopt;
  return crypto::sha256(bytes.view());
}

}  // namespace

std::size_t session_table::digest_hash::operator()(const digest& value) const noexcept {
  std::size_t hash = 0;
  std::memcpy(&hash, value.data(), sizeof hash);  // a digest is spread evenly already
  return hash;
}

chat_session* session_table::create(text_sender sender) {
  auto id = new_id();
  if (!id) return nullptr;
  sender.session_id = std::move(*id);
  auto made = std::make_unique<chat_session>(limits_, std::make_shared<const text_sender>(std::move(sender)));
  auto* session = made.get();
  sessions_.emplace(session->id(), entry{.session = std::move(made)});
  return session;
}

std::optional<std::string> session_table::new_id() {
  std::array<std::byte, 16> bytes{};
  do {
    if (!random_.fill(bytes)) return std::nullopt;
  } while (sessions_.contains(format_uuid(bytes)));
  return format_uuid(bytes);
}

chat_session* session_table::find(std::string_view session_id) noexcept {
  const auto found = sessions_.find(session_id);
  return found == sessions_.end() ? nullptr : found->second.session.get();
}

chat_session* session_table::find_by_token(std::string_view token) {
  const auto wanted = digest_of(token);
  if (!wanted) return nullptr;
  const auto found = by_token_.find(*wanted);
  return found == by_token_.end() ? nullptr : found->second;
}

std::optional<std::string> session_table::renew_token(chat_session& session, std::string_view shown) {
  crypto::secret_bytes<resume_token_bytes> fresh;
  if (!random_.fill(fresh.mutable_view())) return std::nullopt;
  auto& known = entry_of(session);
  const auto used = digest_of(shown);
  if (known.current != used) forget(known.current);
  if (known.shown != used) forget(known.shown);
  known.shown = used;
  known.current = crypto::sha256(fresh.view());
  by_token_.insert_or_assign(*known.current, &session);
  return encode_base64url(fresh.view());
}

void session_table::retire_shown_token(chat_session& session) { forget(entry_of(session).shown); }

void session_table::detach(chat_session& session, mono_time now) {
  auto& known = entry_of(session);
  session.connection.reset();
  if (known.detached) return;
  detached_.push_back({.session = &session, .until = now + limits_.keep_detached});
  known.detached = std::prev(detached_.end());
}

void session_table::attach(chat_session& session) {
  auto& known = entry_of(session);
  if (known.detached) detached_.erase(*known.detached);
  known.detached.reset();
}

void session_table::remove(chat_session& session) {
  attach(session);
  auto& known = entry_of(session);
  forget(known.current);
  forget(known.shown);
  sessions_.erase(sessions_.find(session.id()));
}

chat_session* session_table::oldest_detached() noexcept {
  return detached_.empty() ? nullptr : detached_.front().session;
}

chat_session* session_table::expired(mono_time now) noexcept {
  return detached_.empty() || now < detached_.front().until ? nullptr : detached_.front().session;
}

std::optional<mono_time> session_table::next_deadline() const noexcept {
  if (detached_.empty()) return std::nullopt;
  return detached_.front().until;
}

session_table::entry& session_table::entry_of(const chat_session& session) {
  return sessions_.find(session.id())->second;
}

void session_table::forget(std::optional<digest>& token) {
  if (token) by_token_.erase(*token);
  token.reset();
}

}  // namespace flowersec::ownwire
