// See door.h.
#include "tunnel/door.h"

#include <algorithm>
#include <utility>

namespace flowersec::tunnel {

door::door(shard& home, link_ptr pipe, connection_ticket ticket, std::string origin, std::string remote_addr)
    : connection(home, std::move(pipe)),
      ticket_(std::move(ticket)),
      origin_(std::move(origin)),
      remote_addr_(std::move(remote_addr)),
      reader_(ws::role::server, {.max_message_bytes = home.limits().max_attach_bytes, .max_block_bytes = read_bytes}),
      bell_(std::make_shared<doorbell>(doorbell{this})) {}

door::~door() {
  bell_->owner = nullptr;
  policy_call_.request_stop();
}

void door::open(byte_view early) {
  home().watch(*this);
  home().arm(*this, home().now() + home().limits().attach_timeout);
  outbound_.pipe = &pipe();
  while (!early.empty()) {
    const auto room = reader_.prepare();
    const auto piece = early.first(std::min(room.size(), early.size()));
    std::ranges::copy(piece, room.begin());
    reader_.commit(piece.size());
    early = early.subspan(piece.size());
  }
  if (!read_messages()) home().run_later(*this);
}

void door::on_ready(readiness ready) {
  if (retired()) return;
  if (ready.writable) outbound_.writable = true;
  if (outbound_.control && send_control(outbound_) == handing::failed) return refuse(attach_reason::expected_attach);
  if (has_message_) return read_early();
  advance();
}

/// One turn: looks at what is here, then reads more; until something must be waited for or others had to wait enough.
void door::advance() {
  auto now = link_transfer::state::open;
  for (int reads = 0;; ++reads) {
    if (!read_messages()) return home().run_later(*this);
    if (retired()) return;
    if (has_message_) return read_early();
    if (now == link_transfer::state::paused) return;
    if (now != link_transfer::state::open) return refuse(attach_reason::expected_attach);
    if (reads == most_reads_per_turn) return home().run_later(*this);
    const auto got = pipe().read(reader_.prepare());
    reader_.commit(got.bytes);
    now = got.now;
  }
}

/// Whether nothing is left to look at; otherwise the rest is for another turn.
bool door::read_messages() {
  for (int events = 0; !retired() && !has_message_; ++events) {
    if (events == most_events_per_turn) return false;
    const auto event = reader_.next();
    if (std::holds_alternative<ws::message_reader::need_more>(event)) return true;
    if (const auto* message = std::get_if<ws::message_reader::message>(&event)) {
      on_message(*message);
    } else if (const auto* control = std::get_if<ws::message_reader::control>(&event)) {
      on_control(*control);
    } else {
      on_violation(std::get<ws::ws_errc>(event));
    }
  }
  return true;
}

void door::on_message(const ws::message_reader::message& message) {
  has_message_ = true;
  auto& shared = home().shared();
  const auto step = machine_.on_message(message.kind, as_text(message.payload), *shared.verifier(), shared.limits,
                                        shared.policy != nullptr, shared.clocks.wall_now());
  early_ = reader_.take_rest();
  proceed(step);
}

void door::on_control(const ws::message_reader::control& control) {
  if (control.op == ws::opcode::close) {
    if (!ws::parse_close_payload(control.payload)) return on_violation(ws::ws_errc::close_payload_invalid);
    const auto code = control.payload.first(std::min<std::size_t>(control.payload.size(), 2));
    return refuse_with(attach_reason::expected_attach, ws::make_frame(ws::opcode::close, code, std::nullopt));
  }
  if (control.op != ws::opcode::ping) return;
  auto& place = outbound_.control && outbound_.control->begun() ? outbound_.next : outbound_.control;
  place = make_control(ws::opcode::pong, control.payload);
  if (send_control(outbound_) == handing::failed) refuse(attach_reason::expected_attach);
}

void door::on_violation(ws::ws_errc error) {
  const bool too_big = error == ws::ws_errc::message_too_big;
  refuse_with(attach_reason::expected_attach,
              too_big ? make_close_frame(1009, {}) : make_close_frame(1002, describe(error)));
}

/// While others decide: keeps what comes, within bounds, and notices a peer that gives up.
void door::read_early() {
  keep_reading_early();
  if (retired() || !waits_for_policy_) return;
  if (auto code = goodbyes_.look(early_)) {
    return refuse_with(attach_reason::policy_error, ws::make_frame(ws::opcode::close, *code, std::nullopt));
  }
  if (early_.size() == max_early_bytes && pipe().at_end()) refuse(attach_reason::policy_error);
}

void door::keep_reading_early() {
  while (early_.size() < max_early_bytes) {
    const auto used = early_.size();
    early_.resize(std::min(used + read_bytes, max_early_bytes));
    const auto got = pipe().read(mutable_byte_view{early_}.subspan(used));
    early_.resize(used + got.bytes);
    if (got.now == link_transfer::state::paused) return;
    if (got.now == link_transfer::state::open) continue;
    // Without a policy the answer is a moment away, and the relay will find the same end.
    if (waits_for_policy_) refuse(attach_reason::policy_error);
    return;
  }
}

void door::proceed(attach_step step) {
  switch (step.what) {
    case attach_step::kind::refuse:
      return refuse(step.reason);
    case attach_step::kind::ask_policy:
      home().disarm(*this);
      return ask_policy();
    case attach_step::kind::ask_replay:
      home().disarm(*this);
      return ask_replay();
    case attach_step::kind::admit:
      return hand_over();
  }
}

void door::ask_policy() {
  waits_for_policy_ = true;
  policy_call_ = std::stop_source{};
  attach_query query{machine_.token(), machine_.endpoint_instance_id(), origin_, remote_addr_};
  home().shared().policy->decide(std::move(query), policy_call_.get_token(),
                                 [&home = home(), bell = bell_](std::optional<attach_decision> decision) {
                                   home.post([bell, decision] {
                                     if (bell->owner != nullptr && !bell->owner->retired()) {
                                       bell->owner->proceed(bell->owner->machine_.on_policy(decision));
                                     }
                                   });
                                 });
}

void door::ask_replay() {
  waits_for_policy_ = false;
  auto& shared = home().shared();
  constexpr std::chrono::seconds patience{3};
  shared.replay->try_use(machine_.replay(), shared.clocks.wall_now(), home().now(), home().now() + patience,
                         [&home = home(), bell = bell_](replay_answer answer) {
                           home.post([bell, answer] {
                             if (bell->owner != nullptr && !bell->owner->retired()) {
                               bell->owner->proceed(bell->owner->machine_.on_replay(answer));
                             }
                           });
                         });
}

void door::hand_over() {
  auto ticket = std::move(ticket_);
  auto pipe = leave();
  home().unwatch(*pipe);
  home().deliver(
      std::make_shared<newcomer>(newcomer{std::move(pipe), std::move(ticket), machine_.token(),
                                          machine_.lease_expires(), std::move(early_), std::move(remote_addr_)}));
}

void door::refuse(attach_reason why) { refuse_with(why, make_close_frame(close_code(why), to_text(why))); }

void door::refuse_with(attach_reason counted, byte_buffer farewell) {
  home().shared().refused(counted, {remote_addr_, machine_.tenant()});
  if (outbound_.control && outbound_.control->begun()) {
    const auto rest = outbound_.control->rest();
    farewell.insert(farewell.begin(), rest.begin(), rest.end());
  }
  home().depart(leave(), std::move(farewell));
}

link_ptr door::leave() {
  ticket_.give_back();
  home().retire(*this);
  return give_link();
}

void door::on_deadline() { refuse(attach_reason::timeout); }

}  // namespace flowersec::tunnel
