#include "ownwire/psk_file.h"

#include "cli/file.h"
#include "flowersec/base/json.h"
#include "flowersec/base/text.h"
#include "flowersec/messages/sensitive_text.h"
#include "serving/token_file.h"

namespace flowersec::apps {
namespace {

constexpr const char* flag = "--internal-psk-file";
constexpr std::size_t max_channel_id_bytes = 256;  // PROTOCOL, "Endpoint, direct"

}  // namespace

or_problem<link_secret> read_psk_file(const std::string& path) {
  const auto invalid = "invalid " + std::string{flag} + ": ";
  if (auto exposed = secret_file_problem(flag, path)) return *std::move(exposed);
  auto read = read_text_file(path, max_psk_file_bytes);
  if (!read) return problem{invalid + read.error().text};
  const messages::sensitive_text text{std::move(*read)};
  const auto object = parse_json_object(text.view(), max_psk_file_bytes);
  if (!object) return problem{invalid + path + " is not a JSON object"};
  json_object_reader reader{*object};
  std::string channel_id;
  std::string encoded;
  reader.read("channel_id", channel_id);
  reader.read("e2ee_psk_b64u", encoded);
  const messages::sensitive_text secret{std::move(encoded)};
  if (!reader.ok()) return problem{invalid + path + ": " + reader.bad_field() + " is missing or no string"};
  if (channel_id.empty() || channel_id.size() > max_channel_id_bytes || trim(channel_id) != channel_id) {
    return problem{invalid + path + ": channel_id must have 1 to 256 bytes, and no white space at its ends"};
  }
  auto psk = crypto::psk::from_base64url(secret.view());
  if (!psk) return problem{invalid + path + ": e2ee_psk_b64u is not base64url of 32 bytes"};
  return or_problem<link_secret>{boost::system::in_place_value,
                                 link_secret{.channel_id = std::move(channel_id), .psk = std::move(*psk)}};
}

}  // namespace flowersec::apps
