#include "token/artifact_rules.h"

#include <algorithm>
#include <set>

#include "flowersec/base/json_scan.h"
#include "flowersec/base/text.h"
#include "token/json_size.h"

namespace flowersec::token {
namespace {

namespace wire = messages::controlplane::v1;
using messages::decode_error;
using messages::messages_errc;
using failure = std::optional<decode_error>;

bool is_lower(char character) noexcept { return character >= 'a' && character <= 'z'; }
bool is_upper(char character) noexcept { return character >= 'A' && character <= 'Z'; }
bool is_digit(char character) noexcept { return character >= '0' && character <= '9'; }
bool is_one_of(char character, std::string_view set) noexcept { return set.find(character) != std::string_view::npos; }

/// Names of scopes and keys of tags: a lower-case letter, then letters, digits, '.', '_' and '-'.
bool is_label(std::string_view text, std::size_t max_bytes) noexcept {
  if (text.empty() || text.size() > max_bytes || !is_lower(text.front())) return false;
  return std::ranges::all_of(text, [](char c) { return is_lower(c) || is_digit(c) || is_one_of(c, "._-"); });
}

failure in_list(std::string_view list, std::size_t index, decode_error defect) {
  defect.place = std::string{list} + '[' + std::to_string(index) + ']';
  return defect;
}

bool is_sound_payload(std::string_view payload) {
  // The depth comes first: measuring recurses.
  const auto trimmed = trim(payload);
  return trimmed.starts_with('{') && is_valid_json(trimmed, max_scope_payload_depth) &&
         normal_json_bytes(trimmed) <= max_scope_payload_bytes;
}

std::optional<std::string_view> bad_field_of(const wire::scope_metadata_entry& entry) {
  if (!is_label(entry.scope, max_scope_name_bytes)) return "scope";
  if (entry.scope_version == 0) return "scope_version";
  if (!is_sound_payload(entry.payload)) return "payload";
  return std::nullopt;
}

std::optional<std::string> fitting_id(const std::optional<std::string>& given) {
  if (!given) return std::nullopt;
  const auto id = trim(*given);
  return is_correlation_id(id) ? std::optional{std::string{id}} : std::nullopt;
}

}  // namespace

bool is_correlation_id(std::string_view text) noexcept {
  if (text.size() < min_correlation_id_bytes || text.size() > max_correlation_id_bytes) return false;
  return std::ranges::all_of(text,
                             [](char c) { return is_lower(c) || is_upper(c) || is_digit(c) || is_one_of(c, "._~-"); });
}

decode_error bad_artifact(std::string_view message, std::string_view field) {
  return {messages_errc::bad_field, std::string{message}, std::string{field}};
}

decode_error bad_body(const artifact_kind& kind, const decode_error& defect) {
  std::string field{kind.body_key};
  if (!defect.field.empty()) field += '.' + defect.field;
  return {defect.code, std::string{kind.message}, std::move(field), defect.place};
}

failure check_body(const wire::channel_init_grant& grant) {
  if (grant.role != wire::role::client) {
    return bad_body(tunnel_kind, {messages_errc::wrong_role, {}, "role"});
  }
  if (grant.allowed_suites.empty()) return bad_body(tunnel_kind, {messages_errc::bad_field, {}, "allowed_suites"});
  return std::nullopt;
}

failure check_scopes(const std::vector<wire::scope_metadata_entry>& scoped) {
  if (scoped.size() > max_artifact_scopes) return bad_artifact(artifact_name, "scoped");
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < scoped.size(); ++i) {
    if (const auto field = bad_field_of(scoped[i])) {
      return in_list("scoped", i, bad_artifact("ScopeMetadataEntry", *field));
    }
    if (!names.insert(scoped[i].scope).second) return in_list("scoped", i, bad_artifact(artifact_name, "scoped"));
  }
  return std::nullopt;
}

failure check_correlation(const wire::correlation_context& correlation) {
  if (correlation.v != 1) return bad_artifact("CorrelationContext", "v");
  if (!correlation.tags) return std::nullopt;
  const auto& tags = *correlation.tags;
  if (tags.size() > max_correlation_tags) return bad_artifact("CorrelationContext", "tags");
  std::set<std::string_view> keys;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (!is_label(tags[i].key, max_correlation_key_bytes)) {
      return in_list("tags", i, bad_artifact("CorrelationKV", "key"));
    }
    if (tags[i].value.size() > max_correlation_value_bytes) {
      return in_list("tags", i, bad_artifact("CorrelationKV", "value"));
    }
    if (!keys.insert(tags[i].key).second) return in_list("tags", i, bad_artifact("CorrelationContext", "tags"));
  }
  return std::nullopt;
}

wire::correlation_context normalized(wire::correlation_context correlation) {
  correlation.trace_id = fitting_id(correlation.trace_id);
  correlation.session_id = fitting_id(correlation.session_id);
  if (!correlation.tags) correlation.tags.emplace();
  return correlation;
}

}  // namespace flowersec::token
