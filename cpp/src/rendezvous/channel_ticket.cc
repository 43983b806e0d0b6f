#include "flowersec/rendezvous/channel_ticket.h"

#include <algorithm>

#include "flowersec/base/json.h"
#include "rendezvous/ticket_codec.h"

namespace flowersec::rendezvous {
namespace {

/// What stands where a grant has its key.
const std::string no_key(43, 'A');

channel_init_grant without_key(const channel_ticket& ticket) {
  channel_init_grant grant;
  grant.tunnel_url = ticket.tunnel_url;
  grant.channel_id = ticket.channel_id;
  grant.channel_init_expire_at_unix_s = count(ticket.init_expires);
  grant.idle_timeout_seconds = static_cast<decltype(grant.idle_timeout_seconds)>(ticket.idle_timeout.count());
  grant.role = ticket.role;
  grant.token = ticket.token.clone();
  grant.allowed_suites = ticket.allowed_suites;
  grant.default_suite = ticket.default_suite;
  return grant;
}

bool read_suites(const boost::json::value* from, std::vector<ticket_suite>& into) {
  if (from == nullptr || !from->is_array()) return false;
  for (const auto& each : from->get_array()) {
    if (!each.is_int64() || (each.get_int64() != 1 && each.get_int64() != 2)) return false;
    into.push_back(static_cast<ticket_suite>(each.get_int64()));
  }
  return !into.empty();
}

}  // namespace

channel_ticket channel_ticket::clone() const { return to_ticket(without_key(*this)); }

bool operator==(const channel_ticket& a, const channel_ticket& b) {
  return a.tunnel_url == b.tunnel_url && a.channel_id == b.channel_id && a.init_expires == b.init_expires &&
         a.idle_timeout == b.idle_timeout && a.role == b.role && a.token.view() == b.token.view() &&
         a.allowed_suites == b.allowed_suites && a.default_suite == b.default_suite;
}

std::string encode_ticket(const channel_ticket& ticket) {
  auto grant = without_key(ticket);
  grant.e2ee_psk_b64u = messages::sensitive_text{no_key};
  return messages::controlplane::v1::encode(grant);
}

std::optional<channel_ticket> read_ticket(const boost::json::object& object) {
  json_object_reader reader{object};
  channel_ticket ticket;
  std::int64_t expires = 0;
  std::int32_t idle = 0;
  std::uint32_t role = 0;
  std::string token;
  std::uint16_t suite = 0;
  reader.read("tunnel_url", ticket.tunnel_url);
  reader.read("channel_id", ticket.channel_id);
  reader.read("channel_init_expire_at_unix_s", expires);
  reader.read("idle_timeout_seconds", idle);
  reader.read("role", role);
  reader.read("token", token);
  reader.read("default_suite", suite);
  if (!reader.ok() || !read_suites(reader.find("allowed_suites"), ticket.allowed_suites)) return std::nullopt;
  ticket.init_expires = unix_seconds{expires};
  ticket.idle_timeout = std::chrono::seconds{idle};
  ticket.role = static_cast<ticket_role>(role);
  ticket.token = messages::sensitive_text{std::move(token)};
  ticket.default_suite = static_cast<ticket_suite>(suite);
  const bool texts = !ticket.tunnel_url.empty() && !ticket.token.empty() && !ticket.channel_id.empty() &&
                     ticket.channel_id.size() <= identity::max_channel_id_bytes;
  const bool numbers = expires > 0 && idle > 0 && (role == 1 || role == 2);
  const bool suites = std::ranges::find(ticket.allowed_suites, ticket.default_suite) != ticket.allowed_suites.end();
  if (!texts || !numbers || !suites) return std::nullopt;
  return ticket;
}

std::optional<channel_ticket> decode_ticket(std::string_view json) {
  const auto object = parse_json_object(json, messages::max_text_bytes);
  return object ? read_ticket(*object) : std::nullopt;
}

channel_ticket to_ticket(channel_init_grant grant) {
  channel_ticket ticket;
  ticket.tunnel_url = std::move(grant.tunnel_url);
  ticket.channel_id = std::move(grant.channel_id);
  ticket.init_expires = unix_seconds{grant.channel_init_expire_at_unix_s};
  ticket.idle_timeout = std::chrono::seconds{grant.idle_timeout_seconds};
  ticket.role = grant.role;
  ticket.token = std::move(grant.token);
  ticket.allowed_suites = std::move(grant.allowed_suites);
  ticket.default_suite = grant.default_suite;
  return ticket;
}

channel_init_grant make_grant(const channel_ticket& ticket, const identity::call_psk& key) {
  auto grant = without_key(ticket);
  grant.e2ee_psk_b64u = messages::sensitive_text{key.value().to_base64url()};
  return grant;
}

}  // namespace flowersec::rendezvous
