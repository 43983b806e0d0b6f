#include "plan.h"

#include <algorithm>

#include "failure.h"
#include "flowersec/base/base64url.h"
#include "flowersec/base/text.h"
#include "flowersec/messages/tunnel_v1.h"
#include "flowersec/sealed/box.h"
#include "flowersec/sealed/open_message.h"

namespace flowersec::endpoint {
namespace {

using ::flowersec::session::default_liveness;
using ::flowersec::session::machine_options;
using ::flowersec::session::server_side;

constexpr std::size_t instance_id_bytes = 24;
constexpr std::size_t channel_id_bytes = 24;  // of a channel that we make ourselves
constexpr std::size_t min_queued_items = 4;

error_code invalid(path on, endpoint_errc what) { return failure(on, stage::validate, what); }

/// What grant and info have in common, checked.
struct channel {
  std::string id;
  crypto::psk psk;
  crypto::suite suite;
  unix_seconds init_exp;
};

result<std::string> check_channel_id(path on, std::string_view text) {
  const auto id = trim(text);
  if (id.empty()) return invalid(on, endpoint_errc::missing_channel_id);
  if (id.size() > messages::tunnel::v1::max_channel_id_bytes || !is_valid_utf8(id)) {
    return invalid(on, endpoint_errc::invalid_input);
  }
  return std::string{id};
}

template <class Suite>
std::optional<crypto::suite> known_suite(Suite named) {
  const auto suite = static_cast<crypto::suite>(named);
  return crypto::is_known(suite) ? std::optional{suite} : std::nullopt;
}

result<crypto::psk> check_psk(path on, const messages::sensitive_text& text) {
  auto psk = crypto::psk::from_base64url(trim(text.view()));
  if (!psk) return invalid(on, endpoint_errc::invalid_psk);
  return std::move(*psk);
}

result<crypto::suite> check_suites(const channel_init_grant& grant) {
  const auto suite = known_suite(grant.default_suite);
  const bool all_known =
      std::ranges::all_of(grant.allowed_suites, [](auto allowed) { return known_suite(allowed).has_value(); });
  const bool allowed = std::ranges::find(grant.allowed_suites, grant.default_suite) != grant.allowed_suites.end();
  if (!suite || !all_known || !allowed) return invalid(path::tunnel, endpoint_errc::invalid_suite);
  return *suite;
}

result<std::optional<liveness>> check_liveness(path on, const liveness_choice& choice, std::chrono::seconds idle) {
  if (std::holds_alternative<liveness_off>(choice)) return std::optional<liveness>{};
  if (const auto* chosen = std::get_if<liveness>(&choice)) {
    if (chosen->interval.count() <= 0 || chosen->timeout.count() <= 0) {
      return invalid(on, endpoint_errc::invalid_option);
    }
    return std::optional{*chosen};
  }
  return on == path::tunnel ? default_liveness(idle) : std::optional<liveness>{};
}

result<std::string> check_instance_id(const connect_options& options) {
  if (options.endpoint_instance_id) {
    const auto id = trim(*options.endpoint_instance_id);
    if (!messages::tunnel::v1::is_valid_endpoint_instance_id(id)) {
      return invalid(path::tunnel, endpoint_errc::invalid_endpoint_instance_id);
    }
    return std::string{id};
  }
  std::array<std::byte, instance_id_bytes> fresh;
  if (!options.common.random->fill(fresh)) return invalid(path::tunnel, endpoint_errc::random_failed);
  return encode_base64url(fresh);
}

result<std::optional<ws::tls_context>> load_trust(path on, bool secure, const tls_trust& trust) {
  if (!secure) return std::optional<ws::tls_context>{};
  if (trust.ca_file && trust.ca_pem) return invalid(on, endpoint_errc::invalid_option);
  auto context =
      trust.ca_file ? ws::tls_context::client_from_file(*trust.ca_file) : ws::tls_context::client(trust.ca_pem);
  if (!context) return invalid(on, endpoint_errc::invalid_option);
  return std::optional{std::move(*context)};
}

/// Options, origin, policy, trust: what does not depend on the channel.
result<void> plan_socket(connect_plan& plan, const std::string& url_text, const connect_options& options) {
  const auto parsed = ws::parse_url(url_text);
  if (!parsed ||
      !options.policy.allows({.url = url_text, .path = plan.path, .tls = parsed->secure, .host = parsed->host})) {
    return invalid(plan.path, endpoint_errc::transport_policy_denied);
  }
  plan.url = *parsed;
  auto trust = load_trust(plan.path, parsed->secure, options.trust);
  if (!trust) return trust.error();
  plan.socket.tls = std::move(*trust);
  plan.socket.origin = std::string{trim(options.origin)};
  plan.socket.socket.limits.max_message_bytes = max_message_bytes(options.common.session);
  return {};
}

result<void> check_connect_options(path on, const connect_options& options) {
  if (auto ok = check(on, options.common); !ok) return ok;
  if (options.connect_timeout.count() <= 0) return invalid(on, endpoint_errc::invalid_option);
  if (trim(options.origin).empty()) return invalid(on, endpoint_errc::missing_origin);
  return {};
}

/// What the handshake offers.
std::uint32_t features_of(const common_options& options) noexcept {
  const bool wide = options.session.yamux.wide_window_session_bytes > 0;
  return options.features | (wide ? handshake::wide_windows_feature : 0);
}

::flowersec::session::handshake_side client_side(channel of, const common_options& options) {
  return handshake::client_options{.channel_id = std::move(of.id),
                                   .suite = of.suite,
                                   .psk = std::move(of.psk),
                                   .features = features_of(options),
                                   .limits = options.session.handshake};
}

::flowersec::session::handshake_side make_server_side(std::optional<std::string> channel_id, crypto::psk psk,
                                                      unix_seconds init_exp, crypto::suite suite,
                                                      const common_options& options) {
  return server_side{.options = {.channel_id = std::move(channel_id),
                                 .suite = suite,
                                 .psk = std::move(psk),
                                 .init_exp = init_exp,
                                 .clock_skew = options.clock_skew,
                                 .features = features_of(options),
                                 .limits = options.session.handshake},
                     .cache = options.handshake_cache};
}

result<channel> check_grant(const channel_init_grant& grant) {
  auto id = check_channel_id(path::tunnel, grant.channel_id);
  if (!id) return id.error();
  if (is_blank(grant.token.view())) return invalid(path::tunnel, endpoint_errc::missing_token);
  if (trim(grant.token.view()).size() > messages::tunnel::v1::max_token_bytes) {
    return invalid(path::tunnel, endpoint_errc::invalid_input);
  }
  if (grant.channel_init_expire_at_unix_s <= 0) return invalid(path::tunnel, endpoint_errc::missing_init_exp);
  const auto suite = check_suites(grant);
  if (!suite) return suite.error();
  auto psk = check_psk(path::tunnel, grant.e2ee_psk_b64u);
  if (!psk) return psk.error();
  return channel{.id = std::move(*id),
                 .psk = std::move(*psk),
                 .suite = *suite,
                 .init_exp = unix_seconds{grant.channel_init_expire_at_unix_s}};
}

result<channel> check_info(const direct_connect_info& info) {
  auto id = check_channel_id(path::direct, info.channel_id);
  if (!id) return id.error();
  if (info.channel_init_expire_at_unix_s <= 0) return invalid(path::direct, endpoint_errc::missing_init_exp);
  const auto suite = known_suite(info.default_suite);
  if (!suite) return invalid(path::direct, endpoint_errc::invalid_suite);
  auto psk = check_psk(path::direct, info.e2ee_psk_b64u);
  if (!psk) return psk.error();
  return channel{.id = std::move(*id),
                 .psk = std::move(*psk),
                 .suite = *suite,
                 .init_exp = unix_seconds{info.channel_init_expire_at_unix_s}};
}

std::string attach_text(const channel_init_grant& grant, role as, const std::string& channel_id, std::string instance) {
  messages::tunnel::v1::attach message;
  message.v = messages::tunnel::v1::attach_version;
  message.channel_id = channel_id;
  message.role = static_cast<messages::tunnel::v1::role>(as);
  message.token = messages::sensitive_text{trim(grant.token.view())};
  message.endpoint_instance_id = std::move(instance);
  return encode(message);
}

result<std::string> make_channel_id(random_source& random) {
  std::array<std::byte, channel_id_bytes> fresh;
  if (!random.fill(fresh)) return invalid(path::direct, endpoint_errc::random_failed);
  return encode_base64url(fresh);
}

result<connect_plan> plan_direct_channel(channel of, const std::string& url_text, const connect_options& options) {
  if (options.endpoint_instance_id) return invalid(path::direct, endpoint_errc::invalid_option);
  if (auto ok = check_connect_options(path::direct, options); !ok) return ok.error();
  const auto probes = check_liveness(path::direct, options.common.liveness, std::chrono::seconds{0});
  auto channel_id = of.id;
  connect_plan plan{.path = path::direct,
                    .role = role::client,
                    .channel_id = std::move(channel_id),
                    .url = {},
                    .socket = {},
                    .first_text = {},
                    .machine = {.side = client_side(std::move(of), options.common),
                                .session = options.common.session,
                                .probes = probes.value()}};
  if (auto ok = plan_socket(plan, url_text, options); !ok) return ok.error();
  return plan;
}

}  // namespace

std::size_t max_message_bytes(const session_options& options) noexcept {
  return std::max(handshake::header_bytes + options.handshake.max_payload_bytes, options.record.max_record_bytes);
}

result<void> check(path on, const common_options& options) {
  if (!options.session.validate()) return invalid(on, endpoint_errc::invalid_option);
  if (options.clock_skew.count() < 0) return invalid(on, endpoint_errc::invalid_option);
  if (options.clocks == nullptr || options.random == nullptr) return invalid(on, endpoint_errc::invalid_option);
  if (options.context.max_queued_items < min_queued_items || options.context.attempt_seq == 0) {
    return invalid(on, endpoint_errc::invalid_option);
  }
  if (auto ok = check_liveness(on, options.liveness, std::chrono::seconds{0}); !ok) return ok.error();
  return {};
}

machine_options plan_server(const common_options& options, std::optional<std::string> channel_id,
                            const crypto::psk& psk, unix_seconds init_exp, crypto::suite suite) {
  machine_options machine{.side = make_server_side(std::move(channel_id), psk.clone(), init_exp, suite, options),
                          .session = options.session};
  machine.probes = check_liveness(path::direct, options.liveness, std::chrono::seconds{0}).value();
  return machine;
}

result<connect_plan> plan_tunnel(const channel_init_grant& grant, role as, const connect_options& options) {
  if (static_cast<role>(grant.role) != as) return invalid(path::tunnel, endpoint_errc::role_mismatch);
  const auto url_text = std::string{trim(grant.tunnel_url)};
  if (url_text.empty()) return invalid(path::tunnel, endpoint_errc::missing_tunnel_url);
  auto of = check_grant(grant);
  if (!of) return of.error();
  if (auto ok = check_connect_options(path::tunnel, options); !ok) return ok.error();
  const auto probes =
      check_liveness(path::tunnel, options.common.liveness, std::chrono::seconds{grant.idle_timeout_seconds});
  auto instance = check_instance_id(options);
  if (!instance) return instance.error();
  auto attach = attach_text(grant, as, of->id, std::move(*instance));
  const auto channel_id = of->id;
  auto side = as == role::client
                  ? client_side(std::move(*of), options.common)
                  : make_server_side(channel_id, std::move(of->psk), of->init_exp, of->suite, options.common);
  connect_plan plan{.path = path::tunnel,
                    .role = as,
                    .channel_id = channel_id,
                    .url = {},
                    .socket = {},
                    .first_text = messages::sensitive_text{std::move(attach)},
                    .machine = {.side = std::move(side), .session = options.common.session, .probes = probes.value()}};
  if (auto ok = plan_socket(plan, url_text, options); !ok) return ok.error();
  return plan;
}

result<connect_plan> plan_direct(const direct_connect_info& info, const connect_options& options) {
  const auto url_text = std::string{trim(info.ws_url)};
  if (url_text.empty()) return invalid(path::direct, endpoint_errc::missing_ws_url);
  auto of = check_info(info);
  if (!of) return of.error();
  return plan_direct_channel(std::move(*of), url_text, options);
}

result<connect_plan> plan_sealed(const sealed_connect_info& info, const connect_options& options) {
  const auto url_text = std::string{trim(info.ws_url)};
  if (url_text.empty()) return invalid(path::direct, endpoint_errc::missing_ws_url);
  if (info.server_keys.empty()) return invalid(path::direct, endpoint_errc::invalid_option);
  if (!crypto::is_known(info.default_suite)) return invalid(path::direct, endpoint_errc::invalid_suite);
  if (options.common.random == nullptr) return invalid(path::direct, endpoint_errc::invalid_option);
  auto& random = *options.common.random;
  auto id = make_channel_id(random);
  if (!id) return id.error();
  auto psk = crypto::psk::generate(random);
  if (!psk) return invalid(path::direct, endpoint_errc::random_failed);
  const auto& key = info.server_keys.front();
  const auto box = sealed::seal(key, *id, *psk, random);
  if (!box) {
    const bool dry = box.error() == make_error_code(sealed::sealed_errc::random_failed);
    return invalid(path::direct, dry ? endpoint_errc::random_failed : endpoint_errc::invalid_input);
  }
  auto text = sealed::encode({.channel_id = *id, .kid = key.kid(), .suite = info.default_suite, .sealed = *box});
  channel of{.id = std::move(*id), .psk = std::move(*psk), .suite = info.default_suite, .init_exp = {}};
  auto plan = plan_direct_channel(std::move(of), url_text, options);
  if (plan) plan->first_text = messages::sensitive_text{std::move(text)};
  return plan;
}

result<fixed_credential> fixed_credential::from(const direct_connect_info& info) {
  auto of = check_info(info);
  if (!of) return of.error();
  return fixed_credential{
      .channel_id = std::move(of->id), .psk = std::move(of->psk), .init_exp = of->init_exp, .suite = of->suite};
}

}  // namespace flowersec::endpoint
