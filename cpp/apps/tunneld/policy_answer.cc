#include "tunneld/policy_answer.h"

#include <chrono>

#include "flowersec/base/json_scan.h"
#include "flowersec/base/text.h"
#include "flowersec/policy/v1/types.gen.h"

namespace flowersec::apps {
namespace {

namespace wire = messages::policy::v1;

/// The result that every field is absent from.
constexpr std::string_view nothing = "{}";

std::string name_of(const json_member& member) {
  const std::string_view quoted{member.raw_name.data() - 1, member.raw_name.size() + 2};
  return decode_json_string(quoted).value_or(std::string{});
}

bool is_text_or_null(std::string_view raw) { return raw == "null" || raw.starts_with('"'); }

bool is_error_object(std::string_view raw) {
  bool fits = true;
  const bool is_object = scan_json_object(raw, [&](const json_member& member) {
    const auto name = name_of(member);
    if (name == "code" || name == "message") fits = fits && is_text_or_null(member.raw_value);
  });
  return is_object && fits;
}

struct envelope {
  std::string_view success = "null";
  std::string_view error = "null";
  std::string_view data = "null";

  /// Otherwise these are members of a result that happen to have such names.
  [[nodiscard]] bool is_one() const {
    const bool typed =
        (success == "true" || success == "false" || success == "null") && (error == "null" || is_error_object(error));
    return typed && (success == "true" || error != "null");
  }
};

/// The text of the result object inside the body. nullopt: a failure.
std::optional<std::string_view> find_result(std::string_view body) {
  body = trim(body);
  if (body.empty() || body == "null") return nothing;
  envelope found;
  const bool is_object = scan_json_object(body, [&](const json_member& member) {
    const auto name = name_of(member);
    if (name == "success") found.success = member.raw_value;
    if (name == "error") found.error = member.raw_value;
    if (name == "data") found.data = member.raw_value;
  });
  if (!is_object) return std::nullopt;
  if (!found.is_one()) return body;
  if (found.success != "true") return std::nullopt;
  return found.data == "null" ? nothing : found.data;
}

std::optional<wall_time> lease_of(const std::optional<std::int64_t>& unix_ms) {
  using std::chrono::milliseconds;
  if (unix_ms.value_or(0) <= 0) return std::nullopt;
  constexpr auto latest = std::chrono::floor<milliseconds>(wall_time::max().time_since_epoch());
  return wall_time{std::min(milliseconds{*unix_ms}, latest)};
}

}  // namespace

std::optional<tunnel::attach_decision> read_attach_answer(std::string_view body) {
  const auto text = find_result(body);
  if (!text) return std::nullopt;
  const auto said = wire::decode_attach_decision(*text);
  if (!said) return std::nullopt;
  return tunnel::attach_decision{said->allowed.value_or(false), lease_of(said->lease_expires_at_unix_ms)};
}

std::optional<std::vector<tunnel::channel_decision>> read_observe_answer(std::string_view body) {
  const auto text = find_result(body);
  if (!text) return std::nullopt;
  auto said = wire::decode_observe_decisions(*text);
  if (!said) return std::nullopt;
  std::vector<tunnel::channel_decision> decisions;
  if (!said->decisions) return decisions;
  decisions.reserve(said->decisions->size());
  for (auto& one : *said->decisions) {
    decisions.push_back({.audience = std::move(one.audience),
                         .issuer = std::move(one.issuer),
                         .channel_id = std::move(one.channel_id),
                         .tenant_id = std::move(one.tenant_id).value_or(std::string{}),
                         .allowed = one.allowed.value_or(false),
                         .lease_expires = lease_of(one.lease_expires_at_unix_ms)});
  }
  return decisions;
}

}  // namespace flowersec::apps
