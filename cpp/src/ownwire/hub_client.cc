// What internal clients say, and what becomes of the texts for them.
#include "flowersec/base/json.h"
#include "ownwire/hub.h"

namespace flowersec::ownwire {

std::optional<client_id> hub::connect_client(dialect how, mono_time now) {
  if (stopped_ || texts_.clients() >= limits_.max_internal_clients) return std::nullopt;
  const auto who = texts_.connect(how, now);
  settle();
  return who;
}

void hub::on_client_text(client_id who, std::string_view text, mono_time /*now*/) {
  const auto how = texts_.dialect_of(who);
  if (!how) return;
  auto message = decode_client_message(*how, text);
  if (auto* reply = std::get_if<client_reply>(&message)) {
    on_reply(who, std::move(*reply));
  } else if (const auto* typing = std::get_if<client_typing>(&message)) {
    on_client_typing(who, *typing);
  } else if (const auto* refusal = std::get_if<client_refusal>(&message)) {
    on_client_refusal(who, *refusal);
  }
  settle();
}

void hub::on_client_gone(client_id who, mono_time now) {
  texts_.disconnect(who, now);
  settle();
}

void hub::on_batch_written(client_id who, mono_time now) {
  texts_.on_batch_written(who, now);
  settle();
}

void hub::on_reply(client_id who, client_reply reply) {
  auto* session = table_.find(reply.session_id);
  if (session == nullptr) {
    return on_client_refusal(who, {.code = client_error::session_unknown,
                                   .session_id = std::move(reply.session_id),
                                   .message_id = reply.message_id});
  }
  kept_reply kept{.frame = {.content = std::move(reply.content), .metadata = std::move(reply.metadata)},
                  .from = who,
                  .message_id = reply.message_id};
  // Control characters are written with six characters each.
  kept.frame.seq = static_cast<std::uint64_t>(json_max_safe_integer);
  if (encode(gateway_frame{kept.frame}).size() > max_chat_frame_bytes) {
    return on_client_refusal(who, {.code = client_error::content_too_large,
                                   .session_id = std::move(reply.session_id),
                                   .message_id = reply.message_id});
  }
  ++counts_.replies_taken;
  tell(gateway_event_kind::reply_sent, session, nullptr, {}, kept.frame.content.size());
  tell_dropped(*session, session->keep(std::move(kept)));
  if (!session->connection) return;
  const auto to = *session->connection;
  auto& reader = users_.at(to);
  if (reader.over) return tell_dropped(*session, session->lose_connection());
  actions_.emplace_back(user_ready{to});
  check_queue(to, reader);
}

void hub::on_client_typing(client_id who, const client_typing& typing) {
  auto* session = table_.find(typing.session_id);
  if (session == nullptr) {
    return on_client_refusal(
        who, {.code = client_error::session_unknown, .session_id = typing.session_id, .message_id = std::nullopt});
  }
  if (session->connection) send(*session->connection, users_.at(*session->connection), typing_frame{.on = typing.on});
}

void hub::on_client_refusal(client_id who, const client_refusal& refusal) {
  const auto* session = refusal.session_id ? table_.find(*refusal.session_id) : nullptr;
  ++(refusal.code == client_error::session_unknown ? counts_.replies_unknown_session : counts_.replies_ignored);
  tell(gateway_event_kind::reply_ignored, session, nullptr, std::string{to_string(refusal.code)});
  texts_.tell(who, encode_client_error(refusal.code, refusal.session_id, refusal.message_id));
}

void hub::settle() {
  for (const auto& outcome : texts_.take_outcomes()) {
    ++(outcome.handed_over ? counts_.texts_handed_over : counts_.texts_dropped);
    auto* session = outcome.who->closed ? nullptr : table_.find(outcome.who->sender->session_id);
    if (session == nullptr) continue;
    session->finish(outcome.id);
    gateway_frame answer = ack_frame{.id = outcome.id};
    if (!outcome.handed_over) {
      answer = error_frame{.code = chat_error::backend_unavailable, .id = outcome.id, .fatal = false};
      session->refuse(outcome.id, chat_error::backend_unavailable);
      tell(gateway_event_kind::texts_dropped, session, nullptr);
    }
    if (!session->connection) continue;
    send(*session->connection, users_.at(*session->connection), answer);
  }
  for (const auto client : texts_.take_ready()) actions_.emplace_back(client_ready{client});
}

}  // namespace flowersec::ownwire
