// What users say.
#include "ownwire/hub.h"

namespace flowersec::ownwire {

void hub::on_frame(connection_id who, std::string_view text, mono_time now) {
  auto* from = find(who);
  if (from == nullptr) return;
  auto read = decode_user_frame(text);
  if (!read) {
    const error_frame& error = read.error();
    if (error.fatal || from->session == nullptr) {
      fail(who, *from, {.code = error.fatal ? error.code : chat_error::invalid_frame, .fatal = true});
    } else {
      heard(*from);
      refuse_text(who, *from, *error.id, error.code);
    }
    return settle();
  }
  if (auto* hello = std::get_if<hello_frame>(&*read)) {
    if (from->session != nullptr) {
      fail(who, *from, {.code = chat_error::invalid_frame, .fatal = true});
    } else {
      on_hello(who, *from, std::move(*hello), now);
    }
    return settle();
  }
  if (from->session == nullptr) {
    fail(who, *from, {.code = chat_error::invalid_frame, .fatal = true});
    return;
  }
  heard(*from);
  if (auto* message = std::get_if<text_frame>(&*read)) {
    on_text(who, *from, std::move(*message), now);
  } else if (const auto* received = std::get_if<received_frame>(&*read)) {
    on_received(*from, *received);
  } else if (const auto* typing = std::get_if<typing_frame>(&*read)) {
    on_typing(*from, *typing, now);
  } else if (std::holds_alternative<bye_frame>(*read)) {
    on_bye(who, *from);
  }
  settle();
}

void hub::on_bad_frame(connection_id who) {
  if (auto* from = find(who)) fail(who, *from, {.code = chat_error::invalid_frame, .fatal = true});
}

void hub::heard(user& from) {
  if (from.welcomed_now) table_.retire_shown_token(*from.session);
  from.welcomed_now = false;
}

void hub::on_hello(connection_id who, user& from, hello_frame hello, mono_time now) {
  forget_hello_deadline(from);
  auto* session = hello.resume ? resume(who, from, hello) : nullptr;
  const bool resumed = session != nullptr;
  if (!resumed) session = start_session(from, hello);
  auto token =
      session == nullptr ? std::nullopt : table_.renew_token(*session, resumed ? *hello.resume : std::string{});
  if (!token) {  // no randomness: nothing can go on
    if (session != nullptr) end_session(*session, end_reason::disconnected);
    return end(who, from, end_user::how::at_once);
  }
  from.session = session;
  from.welcomed_now = true;
  session->connection = who;
  send(who, from,
       welcome_frame{.session_id = session->id(),
                     .resume_token = std::move(*token),
                     .resumed = resumed,
                     .last_id = session->last_id()});
  ++(resumed ? counts_.sessions_resumed : counts_.sessions_started);
  tell(resumed ? gateway_event_kind::session_resumed : gateway_event_kind::session_started, session, &from);
  if (!resumed) texts_.announce(session->way(), now);
}

chat_session* hub::resume(connection_id who, user& from, const hello_frame& hello) {
  auto* session = table_.find_by_token(*hello.resume);
  if (session == nullptr) {
    ++counts_.resumes_failed;
    send(who, from, error_frame{.code = chat_error::session_unknown, .fatal = false});
    return nullptr;
  }
  if (session->connection) {
    displace(*session);
  } else {
    table_.attach(*session);
  }
  // What the new page does not say stays as it was.
  const auto& before = *session->way()->sender;
  session->describe({.metadata = hello.metadata ? hello.metadata : before.metadata,
                     .auth = hello.auth ? hello.auth : before.auth,
                     .remote_addr = from.address.shown});
  return session;
}

void hub::displace(chat_session& session) {
  const auto older = *session.connection;
  auto& loser = users_.at(older);
  ++counts_.sessions_taken;
  tell(gateway_event_kind::session_taken, &session, &loser);
  fail(older, loser, {.code = chat_error::session_taken, .fatal = true});
  loser.session = nullptr;
  loser.displaced = true;
  session.connection.reset();
  lose_connection(session);
}

chat_session* hub::start_session(const user& from, const hello_frame& hello) {
  // admit() counts sockets, so that somebody is detached whenever the table is full.
  if (auto* oldest = table_.full() ? table_.oldest_detached() : nullptr) {
    ++counts_.sessions_evicted;
    end_session(*oldest, end_reason::evicted);
  }
  return table_.create({.metadata = hello.metadata, .auth = hello.auth, .remote_addr = from.address.shown});
}

void hub::on_text(connection_id who, user& from, text_frame text, mono_time now) {
  auto& session = *from.session;
  if (text.id <= session.last_id()) return repeat_answer(who, from, text.id);
  if (!session.take_rate(now)) return refuse_text(who, from, text.id, chat_error::rate_limited);
  if (!session.take_id(text.id)) return;
  // There is nothing to hand over, and an internal client must not be given a text without content.
  if (text.content.empty()) return send(who, from, ack_frame{.id = text.id});
  session.set_has_message();
  session.begin(text.id);
  ++counts_.texts_taken;
  tell(gateway_event_kind::text_taken, &session, nullptr, {}, text.content.size());
  texts_.offer(session.way(), text.id, std::move(text.content), now);
}

void hub::repeat_answer(connection_id who, user& to, std::uint64_t id) {
  // An answer would say that a text was handed over which nobody has seen.
  if (to.session->was_skipped(id)) return fail(who, to, {.code = chat_error::invalid_frame, .fatal = true});
  ++counts_.texts_repeated;
  if (const auto answer = to.session->answer_to(id)) send(who, to, *answer);
}

void hub::refuse_text(connection_id who, user& from, std::uint64_t id, chat_error why) {
  if (!from.session->take_id(id)) return repeat_answer(who, from, id);
  ++counts_.texts_refused;
  tell(gateway_event_kind::frame_refused, from.session, &from, std::string{to_string(why)});
  from.session->refuse(id, why);
  send(who, from, error_frame{.code = why, .id = id, .fatal = false});
}

void hub::on_received(user& from, const received_frame& received) {
  for (const auto& reply : from.session->confirm(received.seq)) {
    if (reply.message_id) texts_.tell(reply.from, encode_delivered(from.session->id(), *reply.message_id));
  }
}

void hub::on_typing(user& from, const typing_frame& typing, mono_time now) {
  if (!from.session->take_typing_rate(now)) return;
  texts_.tell_bound(*from.session->way(), encode_client_typing(from.session->id(), typing.on));
}

void hub::on_bye(connection_id who, user& from) {
  end_session(*from.session, end_reason::bye);
  from.said_bye = true;
  end(who, from, end_user::how::at_once);
}

}  // namespace flowersec::ownwire
