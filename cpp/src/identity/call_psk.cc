#include "flowersec/identity/call_psk.h"

#include "flowersec/crypto/kdf.h"
#include "identity/psk_parts.h"

namespace flowersec::identity {
namespace {

constexpr std::string_view call_label = "flowersec-rv-psk-v2";
constexpr std::string_view invitation_label = "flowersec-rv-psk-v2:invitation";

}  // namespace

byte_buffer psk_info(std::string_view label, std::string_view channel_id,
                     std::initializer_list<const public_key*> keys) {
  byte_buffer info;
  append(info, label);
  append_be(info, static_cast<std::uint16_t>(channel_id.size()));
  append(info, channel_id);
  for (const auto* key : keys) append(info, key->view());
  return info;
}

crypto::psk derive_psk(std::string_view label, std::initializer_list<byte_view> ikm, byte_view info) {
  const auto salt = std::string{label} + ":salt";
  auto extracted = crypto::hkdf_sha256::extract(as_bytes(salt), ikm);
  return crypto::psk{extracted.expand<crypto::psk::size>(as_text(info))};
}

result<call_psk> call_derivation::derive(call_role role) const {
  if (channel_id.empty() || channel_id.size() > max_channel_id_bytes) return identity_errc::bad_channel_id;
  const auto ours = own_ephemeral.agree(peer.key);
  if (!ours) return ours.error();
  const auto theirs = own.agree(peer_ephemeral);
  if (!theirs) return theirs.error();

  const bool calls = role == call_role::caller;
  // DH(x, B) is what the caller computes with its ephemeral key, and the callee with its lasting one.
  const auto& of_caller_ephemeral = calls ? *ours : *theirs;
  const auto& of_callee_ephemeral = calls ? *theirs : *ours;
  const auto info =
      psk_info(call_label, channel_id,
               {calls ? &own.key() : &peer.key, calls ? &peer.key : &own.key(),
                calls ? &own_ephemeral.key() : &peer_ephemeral, calls ? &peer_ephemeral : &own_ephemeral.key()});
  const auto invitation_part = invitation == nullptr ? std::string_view{} : invitation_label;
  const auto invitation_bytes = invitation == nullptr ? byte_view{} : byte_view{invitation->view()};
  return call_psk{derive_psk(call_label,
                             {peer.dh.view(), of_caller_ephemeral.view(), of_callee_ephemeral.view(),
                              as_bytes(invitation_part), invitation_bytes},
                             info)};
}

}  // namespace flowersec::identity
