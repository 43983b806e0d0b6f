// See readiness.h.
#include "tunnel/readiness.h"

#include "flowersec/base/json.h"

namespace flowersec::tunnel {

namespace {

std::string id_list(const std::vector<std::string>& ids) {
  std::string text = "[";
  for (const auto& id : ids) {
    if (text.size() > 1) text += ',';
    append_json_string(text, id);
  }
  return text += ']';
}

}  // namespace

std::string loaded_keys_text(const std::vector<loaded_keys>& tenants) {
  std::string text = "[";
  for (const auto& tenant : tenants) {
    if (text.size() > 1) text += ',';
    json_object_writer line{text};
    if (!tenant.tenant_id.empty()) line.field("id", tenant.tenant_id);
    line.field("aud", tenant.audience).field("iss", tenant.issuer).raw("key_ids", id_list(tenant.key_ids)).end();
  }
  return text += ']';
}

std::string readiness_text(bool ready, std::string_view loaded_keys_text) {
  std::string text;
  json_object_writer{text}.field("ready", ready).raw("tenants", loaded_keys_text).end();
  return text += '\n';
}

}  // namespace flowersec::tunnel
