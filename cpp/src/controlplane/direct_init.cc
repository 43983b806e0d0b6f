#include "flowersec/controlplane/direct_init.h"

#include <array>

#include "flowersec/base/json.h"
#include "flowersec/base/text.h"
#include "flowersec/controlplane/channel_init.h"

namespace flowersec::controlplane {
namespace {

result<std::string> channel_id_of(const direct_init_options& options, random_source& random) {
  if (!options.channel_id) return random_channel_id(random);
  if (!is_valid_utf8(*options.channel_id)) return controlplane_errc::bad_channel_id;
  return *options.channel_id;
}

result<crypto::psk> psk_of(const direct_init_options& options, random_source& random) {
  if (options.psk) return options.psk->clone();
  auto generated = crypto::psk::generate(random);
  if (!generated) return controlplane_errc::no_randomness;
  return std::move(*generated);
}

struct suite_name {
  std::string_view text;
  crypto::suite id;
};

constexpr std::array suite_names{
    suite_name{"", crypto::suite::x25519},
    suite_name{"1", crypto::suite::x25519},
    suite_name{"x25519", crypto::suite::x25519},
    suite_name{"x25519_hkdf_sha256_aes_256_gcm", crypto::suite::x25519},
    suite_name{"suite_x25519_hkdf_sha256_aes_256_gcm", crypto::suite::x25519},
    suite_name{"2", crypto::suite::p256},
    suite_name{"p256", crypto::suite::p256},
    suite_name{"p-256", crypto::suite::p256},
    suite_name{"p_256", crypto::suite::p256},
    suite_name{"p256_hkdf_sha256_aes_256_gcm", crypto::suite::p256},
    suite_name{"suite_p256_hkdf_sha256_aes_256_gcm", crypto::suite::p256},
};

}  // namespace

result<messages::direct::v1::direct_connect_info> issue_direct(const direct_init_options& options,
                                                               random_source& random, unix_seconds now) {
  if (options.ws_url.empty() || !is_valid_utf8(options.ws_url)) return controlplane_errc::missing_ws_url;
  if (!crypto::is_known(options.suite)) return controlplane_errc::bad_suite;
  // Compared this way round, so that no sum can overflow.
  if (options.init_window.count() <= 0 || options.init_window.count() > json_max_safe_integer - count(now)) {
    return controlplane_errc::bad_init_window;
  }
  auto channel_id = channel_id_of(options, random);
  if (!channel_id) return channel_id.error();
  const auto psk = psk_of(options, random);
  if (!psk) return psk.error();
  return messages::direct::v1::direct_connect_info{
      .ws_url = options.ws_url,
      .channel_id = std::move(*channel_id),
      .e2ee_psk_b64u = messages::sensitive_text{psk->to_base64url()},
      .channel_init_expire_at_unix_s = count(now) + options.init_window.count(),
      .default_suite = static_cast<messages::direct::v1::suite>(options.suite)};
}

std::optional<crypto::suite> parse_suite_name(std::string_view text) {
  const auto word = ascii_lower(trim(text));
  for (const auto& name : suite_names) {
    if (word == name.text) return name.id;
  }
  return std::nullopt;
}

}  // namespace flowersec::controlplane
