#include "flowersec/handshake/server.h"

#include "flowersec/base/json.h"
#include "handshake/messages.h"

namespace flowersec::handshake {
namespace {

constexpr std::size_t handshake_id_bytes = 24;

/// Over the seven known fields only: a retry may carry them in another layout.
init_fingerprint fingerprint_of(const e2ee::e2ee_init& init) { return crypto::sha256(as_bytes(encode(init))); }

byte_buffer make_resp_frame(const response_parameters& response) {
  return encode_frame(frame_type::resp,
                      encode(e2ee::e2ee_resp{.handshake_id = response.handshake_id,
                                             .server_eph_pub_b64u = encode_base64url(response.public_key),
                                             .nonce_s_b64u = encode_base64url(response.nonce_s),
                                             .server_features = response.features}));
}

result<e2ee::e2ee_init> decode_init(std::string_view payload) {
  auto init = e2ee::decode_e2ee_init(payload);
  if (init) return std::move(*init);
  // A suite that no version of the protocol knows is still best reported as what it is.
  if (init.error().field == "suite" && e2ee::decode_e2ee_init_suite(payload)) return handshake_errc::wrong_suite;
  return handshake_errc::malformed_message;
}

result<void> check_init(const e2ee::e2ee_init& init, const server_options& options) {
  if (init.version != init_version) return handshake_errc::unsupported_init_version;
  if (init.role != e2ee::role::client) return handshake_errc::wrong_role;
  if (init.channel_id.empty()) return handshake_errc::empty_channel_id;
  if (init.channel_id.size() > max_transcript_channel_id_bytes) return handshake_errc::malformed_channel_id;
  if (options.channel_id && !crypto::constant_time_equal(as_bytes(init.channel_id), as_bytes(*options.channel_id))) {
    return handshake_errc::wrong_channel_id;
  }
  if (init.suite != to_wire(options.suite)) return handshake_errc::wrong_suite;
  return {};
}

}  // namespace

result<void> validate(const server_options& options) noexcept {
  if (options.channel_id && !is_valid_channel_id(*options.channel_id)) return handshake_errc::bad_channel_id;
  if (count(options.init_exp) <= 0 || count(options.init_exp) > json_max_safe_integer) {
    return handshake_errc::missing_init_exp;
  }
  if (options.clock_skew < std::chrono::milliseconds::zero()) return handshake_errc::negative_skew;
  return validate(options.limits);
}

server_handshake::server_handshake(server_options options, std::shared_ptr<response_cache> cache)
    : options_(std::move(options)), cache_(cache ? std::move(cache) : std::make_shared<response_cache>()) {}

result<server_step> server_handshake::on_frame(byte_view frame, moment now, random_source& random) {
  auto step = dispatch(frame, now, random);
  if (!step) end();
  return step;
}

void server_handshake::end() noexcept {
  state_ = ended{};
  options_.psk = crypto::psk{crypto::secret_bytes<crypto::psk::size>{}};
}

result<server_step> server_handshake::dispatch(byte_view frame, moment now, random_source& random) {
  const auto parts = decode_frame(frame, options_.limits);
  if (!parts) return parts.error();

  const auto type = static_cast<frame_type>(parts->type);
  if (type == frame_type::init && std::holds_alternative<awaiting_init>(state_)) {
    return on_init(parts->payload, now, random);
  }
  if (auto* state = std::get_if<awaiting_ack>(&state_)) {
    if (type == frame_type::init) return on_retried_init(*state, parts->payload, now);
    if (type == frame_type::ack) {
      auto step = on_ack(*state, parts->payload, now.wall);
      end();
      return step;
    }
  }
  return handshake_errc::unexpected_type;
}

result<server_step> server_handshake::on_init(std::string_view payload, moment now, random_source& random) {
  auto init = decode_init(payload);
  if (!init) return init.error();
  if (const auto checked = check_init(*init, options_); !checked) return checked.error();
  auto public_key = decode_base64url(init->client_eph_pub_b64u);
  if (!public_key) return handshake_errc::malformed_public_key;
  const auto nonce_c = decode_32_bytes(init->nonce_c_b64u);
  if (!nonce_c) return handshake_errc::malformed_nonce;
  // Whether it is a point is found out at ACK, behind the tag: nobody makes us multiply without the PSK.
  if (public_key->size() != crypto::public_key_bytes(options_.suite)) return handshake_errc::malformed_public_key;

  const auto fingerprint = fingerprint_of(*init);
  const auto response = find_or_make_response(fingerprint, now.mono, random);
  if (!response) return response.error();
  state_ =
      awaiting_ack{fingerprint, std::move(init->channel_id), std::move(*public_key), *nonce_c, init->client_features};
  return respond{make_resp_frame(*response)};
}

result<server_step> server_handshake::on_retried_init(const awaiting_ack& state, std::string_view payload, moment now) {
  const auto init = decode_init(payload);
  if (!init) return init.error();
  // The same fingerprint has passed every other check before.
  if (fingerprint_of(*init) != state.init) return handshake_errc::different_init;
  const auto response = cache_->find(state.init, now.mono);
  if (!response) return handshake_errc::state_lost;
  return respond{make_resp_frame(*response)};
}

result<server_step> server_handshake::on_ack(const awaiting_ack& state, std::string_view payload, unix_seconds now) {
  // Consumed before anything in the ACK is looked at: one INIT gets one attempt, even a wrong one.
  const auto pending = cache_->take(state.init);
  if (!pending) return handshake_errc::state_lost;
  const auto& response = pending->parameters;

  const auto ack = e2ee::decode_e2ee_ack(payload);
  if (!ack) return handshake_errc::malformed_message;
  if (ack->handshake_id != response.handshake_id) return handshake_errc::wrong_handshake_id;
  if (const auto timely = check_timestamp(ack->timestamp_unix_s, now); !timely) return timely.error();

  const auto tag = decode_32_bytes(ack->auth_tag_b64u);
  if (!tag) return handshake_errc::malformed_auth_tag;
  const auto transcript_hash = hash_of({.suite = options_.suite,
                                        .client_features = state.client_features,
                                        .server_features = response.features,
                                        .channel_id = state.channel_id,
                                        .nonce_c = state.nonce_c,
                                        .nonce_s = response.nonce_s,
                                        .client_public_key = state.client_public_key,
                                        .server_public_key = response.public_key});
  const auto expected_tag = compute_auth_tag(options_.psk, transcript_hash, ack->timestamp_unix_s);
  if (!crypto::constant_time_equal(*tag, expected_tag.view())) return handshake_errc::auth_tag_mismatch;

  const auto shared_secret = pending->key_pair.agree(state.client_public_key);
  if (!shared_secret) return handshake_errc::key_agreement_failed;
  auto keys =
      derive_traffic_keys(options_.psk, *shared_secret, transcript_hash, state.client_features & response.features);
  return server_finished{std::move(keys)};
}

result<void> server_handshake::check_timestamp(std::uint64_t timestamp_unix_s, unix_seconds now) const {
  // Rounded up in the option's own unit: its whole range fits, in nanoseconds it would not.
  const auto skew = std::chrono::ceil<std::chrono::seconds>(options_.clock_skew).count();
  const auto theirs = static_cast<std::int64_t>(timestamp_unix_s);  // at most 2^53 - 1 in JSON
  if (theirs > count(now) + skew || theirs < count(now) - skew) return handshake_errc::timestamp_out_of_skew;
  if (theirs > count(options_.init_exp) + skew) return handshake_errc::timestamp_after_init_exp;
  return {};
}

result<response_parameters> server_handshake::find_or_make_response(const init_fingerprint& init, mono_time now,
                                                                    random_source& random) {
  if (auto known = cache_->find(init, now)) return std::move(*known);
  auto fresh = make_response(random);
  if (!fresh) return fresh.error();
  return cache_->insert(init, std::move(*fresh), now);
}

result<pending_response> server_handshake::make_response(random_source& random) const {
  std::array<std::byte, handshake_id_bytes> id;
  nonce nonce_s;
  if (!random.fill(id) || !random.fill(nonce_s)) return handshake_errc::random_failed;
  auto key_pair = crypto::dh_key_pair::generate(options_.suite, random);
  if (!key_pair) return handshake_errc::random_failed;
  response_parameters parameters{.handshake_id = encode_base64url(id),
                                 .public_key = to_buffer(key_pair->public_key()),
                                 .nonce_s = nonce_s,
                                 .features = options_.features};
  return pending_response{std::move(parameters), std::move(*key_pair)};
}

}  // namespace flowersec::handshake
