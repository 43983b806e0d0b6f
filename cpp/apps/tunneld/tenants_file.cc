#include "tunneld/tenants_file.h"

#include "flowersec/base/json.h"
#include "flowersec/base/text.h"
#include "flowersec/messages/token_v1.h"

namespace flowersec::apps {
namespace {

std::string trimmed(std::string_view text) { return std::string{trim(text)}; }

/// Quoted like JSON, so that a line break in a name stays one line of the log.
std::string quoted(std::string_view text) {
  std::string quoted;
  append_json_string(quoted, text);
  return quoted;
}

problem refused(const tunnel::tenants_defect& defect, const std::vector<tunnel::tenant>& tenants) {
  if (!defect.index) return {defect.text};
  return {place_of(*defect.index, tenants[*defect.index]) + ": " + defect.text};
}

}  // namespace

std::string place_of(std::size_t index, const tunnel::tenant& tenant) {
  return "tenants[" + std::to_string(index) + "] (aud " + quoted(tenant.audience) + ", iss " + quoted(tenant.issuer) +
         ')';
}

or_problem<std::vector<tenant_entry>> parse_tenants(std::string_view text) {
  const auto file = messages::token::v1::decode_tenants_file(text);
  if (!file) {
    const auto& why = file.error();
    return problem{why.place.empty() ? why.text() : why.place + ": " + why.text()};
  }
  std::vector<tunnel::tenant> tenants;
  tenants.reserve(file->tenants.size());
  for (const auto& one : file->tenants) {
    tenants.push_back({trimmed(one.id.value_or("")), trimmed(one.aud), trimmed(one.iss), {}});
  }
  if (const auto defect = tunnel::find_defect(tenants)) return refused(*defect, tenants);

  std::vector<tenant_entry> entries;
  entries.reserve(tenants.size());
  for (std::size_t i = 0; i < tenants.size(); ++i) {
    auto path = trimmed(file->tenants[i].issuer_keys_file);
    if (path.empty()) return problem{place_of(i, tenants[i]) + ": issuer_keys_file is empty"};
    entries.push_back({std::move(tenants[i]), std::move(path)});
  }
  return or_problem<std::vector<tenant_entry>>{boost::system::in_place_value, std::move(entries)};
}

}  // namespace flowersec::apps
