// The compatible mode: what the original's clients say, with its defects repaired.
// Source: REGISTRY, "Compatible mode".
#include <ctime>

#include "flowersec/base/base64url.h"
#include "flowersec/base/json.h"
#include "flowersec/identity/legacy.h"
#include "flowersec/ws/close.h"
#include "rendezvous/registry_machine.h"

namespace flowersec::rendezvous {
namespace {

constexpr auto policy_violation = static_cast<std::uint16_t>(ws::close_code::policy_violation);

std::string greeting(wall_time now) {
  const auto seconds = std::chrono::system_clock::to_time_t(now);
  std::tm date{};
  ::gmtime_r(&seconds, &date);
  std::array<char, 32> text{};
  const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &date);
  return "welcome " + std::string{text.data(), length};
}

/// Empty when it is absent or no text.
std::string_view text_of(const boost::json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string_view{found->get_string()} : std::string_view{};
}

}  // namespace

std::string legacy_failure(std::string_view why) {
  std::string out;
  json_object_writer{out}.field("type", "REGISTER_FAILURE").field("error", why).end();
  return out;
}

void registry_machine::on_open_legacy(socket_id who, const std::optional<public_key>& path_key, mono_time now,
                                      wall_time wall) {
  auto* of = find(who);
  if (of == nullptr || of->at != phase::admitted) return;
  of->legacy = std::make_unique<legacy_part>();
  // The original knows no work: what others have to work for is refused.
  if (of->asks_work) return fail_legacy(who, legacy_too_often, now);
  auto& legacy = *of->legacy;
  if (!fill(legacy.nonce)) return drop(who, "no randomness", now);
  legacy.path_key = path_key;
  legacy.challenge_text = greeting(wall);
  legacy.keys = setup_.keys;
  of->at = phase::challenged;
  of->deadline = now + challenge_lifetime;
  wake_at(*of, of->deadline, who);
  std::string out;
  json_object_writer{out}
      .field("type", "CHALLENGE")
      .field("from", legacy.keys->current().key().text())
      .field("nonce", encode_base64url(legacy.nonce))
      .field("challengeText", legacy.challenge_text)
      .end();
  send_text_to(who, std::move(out));
}

void registry_machine::on_legacy_frame(socket_id who, socket& of, std::string_view text, mono_time now) {
  if (of.at == phase::registered) return route_legacy(who, text);
  on_legacy_response(who, of, text, now);
}

void registry_machine::on_legacy_response(socket_id who, socket& of, std::string_view text, mono_time now) {
  const auto object = parse_json_object(text, max_registry_frame_bytes);
  if (!object || text_of(*object, "type") != "CHALLENGE_RESPONSE") {
    return fail_legacy(who, "a CHALLENGE_RESPONSE is expected", now);
  }
  if (now >= of.deadline) return fail_legacy(who, "time-out", now);
  const auto& legacy = *of.legacy;
  const auto& registry = legacy.keys->current();
  const auto from = public_key::parse(text_of(*object, "from"));
  if (!from) return fail_legacy(who, "from is no public key", now);
  if (legacy.path_key && *legacy.path_key != *from) return fail_legacy(who, "from is not the key of the path", now);
  if (text_of(*object, "to") != registry.key().text()) return fail_legacy(who, "to is not the key of the server", now);
  if (text_of(*object, "nonce") != encode_base64url(legacy.nonce)) return fail_legacy(who, "another nonce", now);
  const auto secret = identity::legacy_secret_of(registry, *from);
  const auto opened =
      secret ? identity::legacy_open(*secret, legacy.nonce, text_of(*object, "message")) : std::optional<std::string>{};
  if (opened != legacy.challenge_text) return fail_legacy(who, "the response does not fit the challenge", now);
  if (legacy_keys_.contains(*from)) return fail_legacy(who, "SOCKET_ALREADY_REGISTERED", now);
  if (registered_ + legacy_keys_.size() >= limits_.max_keys) return fail_legacy(who, "too many keys", now);
  leave_waiting(of);
  of.at = phase::registered;
  of.key = *from;
  legacy_keys_.emplace(*from, who);
  ++counts_.registrations;
  report({.kind = registry_event_kind::registered, .key = from->short_text(), .detail = "compatible mode"});
  send_text_to(who, R"({"type":"REGISTER_SUCCESS"})");
}

void registry_machine::route_legacy(socket_id who, std::string_view text) {
  const auto envelope = parse_json_object(text, max_registry_frame_bytes);
  if (!envelope || text_of(*envelope, "type") != "MESSAGE") return;
  const auto socket_of = [this](std::string_view key) -> socket_id {
    const auto parsed = public_key::parse(key);
    if (!parsed) return 0;
    const auto found = legacy_keys_.find(*parsed);
    return found == legacy_keys_.end() ? 0 : found->second;
  };
  const auto from = socket_of(text_of(*envelope, "from"));
  const auto to = socket_of(text_of(*envelope, "to"));
  const char* wrong = nullptr;
  if (from == 0) {
    wrong = "SOCKET_NOT_REGISTERED";
  } else if (from != who) {
    wrong = "MISMATCHED_SOCKET_PUBLIC_KEY";
  } else if (text_of(*envelope, "message").empty()) {
    wrong = "MISSING_CONTENT_FIELD";
  } else if (to == 0 || (setup_.has_room && !setup_.has_room(to))) {
    // Whoever says more than the recipient reads hears of it; the recipient stays.
    wrong = "RECIPIENT_NOT_AVAILABLE";
  }
  if (wrong != nullptr) {
    // Their own text and one member more: nothing of it is written anew.
    std::string answer{text.substr(0, text.rfind('}'))};
    answer.append(R"(,"error":")").append(wrong).append("\"}");
    return send_text_to(who, std::move(answer));
  }
  ++counts_.legacy_messages;
  send_text_to(to, std::string{text});
  std::string out;
  json_object_writer{out}
      .field("type", "MESSAGE_DELIVERED")
      .field("to", text_of(*envelope, "to"))
      .field("nonce", text_of(*envelope, "nonce"))
      .end();
  send_text_to(who, std::move(out));
}

void registry_machine::fail_legacy(socket_id who, std::string_view why, mono_time now) {
  report({.kind = registry_event_kind::refused,
          .remote_addr = find(who)->from.shown,
          .detail = "compatible mode: " + std::string{why}});
  send_text_to(who, legacy_failure(why));
  end(who, policy_violation, why, now);
}

}  // namespace flowersec::rendezvous
