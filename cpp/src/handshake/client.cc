#include "flowersec/handshake/client.h"

#include "flowersec/base/json.h"
#include "handshake/messages.h"

namespace flowersec::handshake {
namespace {

e2ee::e2ee_init make_init(const client_options& options, byte_view public_key, const nonce& nonce_c) {
  return {.channel_id = options.channel_id,
          .role = e2ee::role::client,
          .version = init_version,
          .suite = to_wire(options.suite),
          .client_eph_pub_b64u = encode_base64url(public_key),
          .nonce_c_b64u = encode_base64url(nonce_c),
          .client_features = options.features};
}

byte_buffer make_ack_frame(std::string handshake_id, std::uint64_t timestamp_unix_s,
                           const crypto::secret_bytes<32>& tag) {
  return encode_frame(frame_type::ack, encode(e2ee::e2ee_ack{.handshake_id = std::move(handshake_id),
                                                             .timestamp_unix_s = timestamp_unix_s,
                                                             .auth_tag_b64u = encode_base64url(tag.view())}));
}

}  // namespace

result<client_handshake> client_handshake::begin(client_options options, random_source& random) {
  if (!is_valid_channel_id(options.channel_id)) return handshake_errc::bad_channel_id;
  if (const auto valid = validate(options.limits); !valid) return valid.error();

  nonce nonce_c;
  if (!random.fill(nonce_c)) return handshake_errc::random_failed;
  auto key_pair = crypto::dh_key_pair::generate(options.suite, random);
  if (!key_pair) return handshake_errc::random_failed;
  return client_handshake{awaiting_resp{std::move(options), std::move(*key_pair), nonce_c}};
}

client_handshake::client_handshake(awaiting_resp state)
    : state_(std::move(state)),
      init_frame_(encode_frame(frame_type::init,
                               encode(make_init(state_->options, state_->key_pair.public_key(), state_->nonce_c)))) {}

result<client_finished> client_handshake::on_frame(byte_view frame, unix_seconds now) {
  if (!state_) return handshake_errc::unexpected_type;
  auto state = std::move(*state_);
  state_.reset();
  return finish(std::move(state), frame, now);
}

result<client_finished> client_handshake::finish(awaiting_resp state, byte_view frame, unix_seconds now) {
  const auto payload = decode_frame(frame, frame_type::resp, state.options.limits);
  if (!payload) return payload.error();
  auto resp = e2ee::decode_e2ee_resp(*payload);
  if (!resp) return handshake_errc::malformed_message;

  if (resp->handshake_id.empty()) return handshake_errc::empty_handshake_id;
  const auto server_key = decode_base64url(resp->server_eph_pub_b64u);
  if (!server_key) return handshake_errc::malformed_public_key;
  const auto nonce_s = decode_32_bytes(resp->nonce_s_b64u);
  if (!nonce_s) return handshake_errc::malformed_nonce;
  if (server_key->size() != crypto::public_key_bytes(state.options.suite)) return handshake_errc::malformed_public_key;
  const auto shared_secret = state.key_pair.agree(*server_key);
  if (!shared_secret) return handshake_errc::key_agreement_failed;
  if (count(now) < 0 || count(now) > json_max_safe_integer) return handshake_errc::clock_out_of_range;

  const auto transcript_hash = hash_of({.suite = state.options.suite,
                                        .client_features = state.options.features,
                                        .server_features = resp->server_features,
                                        .channel_id = state.options.channel_id,
                                        .nonce_c = state.nonce_c,
                                        .nonce_s = *nonce_s,
                                        .client_public_key = state.key_pair.public_key(),
                                        .server_public_key = *server_key});
  const auto timestamp = static_cast<std::uint64_t>(count(now));
  const auto tag = compute_auth_tag(state.options.psk, transcript_hash, timestamp);
  return client_finished{make_ack_frame(std::move(resp->handshake_id), timestamp, tag),
                         derive_traffic_keys(state.options.psk, *shared_secret, transcript_hash,
                                             state.options.features & resp->server_features)};
}

}  // namespace flowersec::handshake
