// See relay_machine.h.
#include "tunnel/relay_machine.h"

#include <algorithm>

#include "flowersec/ws/close.h"

namespace flowersec::tunnel {

relay_stop relay_machine::run(relay_cursor& cursor, const relay_gate& gate) {
  for (;;) {
    switch (phase_) {
      case phase::header:
        if (!read_header(cursor)) return relay_stop::starved;
        if (!check_header(gate)) return relay_stop::refused;
        phase_ = phase::admission;
        [[fallthrough]];
      case phase::admission:
        if (const auto stop = admit(gate)) return *stop;
        begin_body(cursor);
        phase_ = phase::body;
        [[fallthrough]];
      case phase::body:
        if (body_ == body::cut_through) {
          cut_through(cursor, gate);
        } else if (body_ == body::assembling) {
          if (assemble(cursor, gate)) return relay_stop::assembled;
        } else if (const auto stop = read_control(cursor)) {
          return *stop;
        }
        if (phase_ == phase::body) return relay_stop::starved;
    }
  }
}

byte_view relay_machine::control_payload() const noexcept { return byte_view{control_->payload}.first(control_->size); }

bool relay_machine::read_header(relay_cursor& cursor) noexcept {
  using outcome = ws::header_decoding::outcome;
  ws::header_decoding decoded;
  if (carried_ == 0) {
    decoded = ws::decode_frame_header({cursor.in, cursor.in_end}, ws::role::client);
    if (decoded.result == outcome::complete) cursor.in += decoded.header_bytes;
  }
  while (decoded.result == outcome::need_more && cursor.in != cursor.in_end) {
    carry_[carried_++] = *cursor.in++;
    decoded = ws::decode_frame_header(byte_view{carry_}.first(carried_), ws::role::client);
  }
  if (decoded.result == outcome::need_more) return false;
  carried_ = 0;
  malformed_ = decoded.result == outcome::violation;
  if (malformed_) return true;
  opcode_ = decoded.header.op;
  fin_ = decoded.header.fin;
  key_ = *decoded.header.mask;
  announced_ = decoded.header.payload_bytes;
  return true;
}

bool relay_machine::check_header(const relay_gate& gate) noexcept {
  if (malformed_) return refuse(relay_refusal::bad_framing);
  if (ws::is_control(opcode_)) {
    body_ = body::control;
    return true;
  }
  // The size is judged first: an over-long message is over-long, whatever else is wrong with it.
  if (announced_ > gate.limits->max_record_bytes - assembling_bytes_) return refuse(relay_refusal::message_too_big);
  const bool continues = opcode_ == ws::opcode::continuation;
  if (continues != fragmented_) return refuse(relay_refusal::bad_framing);
  if (opcode_ == ws::opcode::text) return refuse(relay_refusal::not_binary);
  body_ = fin_ && !fragmented_ ? body::cut_through : body::assembling;
  return true;
}

std::optional<relay_stop> relay_machine::admit(const relay_gate& gate) noexcept {
  if (body_ == body::control) return std::nullopt;
  const auto& limits = *gate.limits;
  const bool new_message = !fragmented_;
  if (!gate.paired) {
    const bool too_many = new_message && held_messages_ >= limits.max_pending_frames;
    if (too_many || held_bytes_ + announced_ > limits.max_pending_bytes) {
      (void)refuse(relay_refusal::pending_overflow);
      return relay_stop::refused;
    }
  } else if (new_message && held_messages_ >= limits.max_pending_frames) {
    return relay_stop::flush;
  }
  gate.tenant->note_use();
  if (announced_ == 0) return std::nullopt;
  // Output of this batch that was not handed on yet may only wait for its send; judge again after it.
  const auto uncharged = held_bytes_ - charged_bytes_;
  const bool tenant_full = !gate.tenant->admits(uncharged + announced_);
  if (tenant_full || !gate.total->admits(uncharged + announced_)) {
    if (uncharged != 0) return relay_stop::flush;
    (void)refuse(tenant_full ? relay_refusal::tenant_budget : relay_refusal::total_budget);
    return relay_stop::refused;
  }
  return std::nullopt;
}

void relay_machine::begin_body(relay_cursor& cursor) {
  left_ = static_cast<std::uint32_t>(announced_);
  body_bytes_ = left_;
  if (body_ == body::control) {
    if (!control_) control_ = std::make_unique<control_frame>();
    control_->size = 0;
    return;
  }
  looking_ = looking_ && !saw_record_;
  held_bytes_ += announced_;
  if (!fragmented_) {
    ++held_messages_;
    ++messages_begun_;
  }
  if (body_ == body::assembling) {
    if (!fragmented_) assembly_.resize(ws::max_frame_header_bytes);
    fragmented_ = true;
    assembling_bytes_ += left_;
    return;
  }
  cursor.out += ws::encode_frame_header(cursor.out, {.mask = std::nullopt, .payload_bytes = announced_});
  if (looking_) probe_.begin();
}

std::size_t relay_machine::move_payload(relay_cursor& cursor, std::byte* to, std::size_t available) noexcept {
  ws::move_down_masked(to, {cursor.in, available}, key_, body_bytes_ - left_);
  cursor.in += available;
  left_ -= static_cast<std::uint32_t>(available);
  return available;
}

void relay_machine::cut_through(relay_cursor& cursor, const relay_gate& gate) noexcept {
  const auto piece = move_payload(cursor, cursor.out, here(cursor));
  if (looking_) probe_.feed({cursor.out, piece});
  cursor.out += piece;
  if (left_ == 0) finish_message(looking_ && probe_.matches(body_bytes_, gate.limits->max_record_bytes));
}

void relay_machine::finish_message(bool is_record) noexcept {
  phase_ = phase::header;
  activity_ = true;
  saw_record_ |= is_record;
}

bool relay_machine::assemble(relay_cursor& cursor, const relay_gate& gate) {
  const auto piece = here(cursor);
  const auto at = assembly_.size();
  // Grows with what arrived, never with what was announced.
  assembly_.resize(at + piece);
  move_payload(cursor, assembly_.data() + at, piece);
  if (left_ != 0) return false;
  phase_ = phase::header;
  if (!fin_) return false;
  // Room for the longest header was kept in front; the header of this length goes to its end.
  const auto payload = byte_view{assembly_}.subspan(ws::max_frame_header_bytes);
  finish_message(looking_ && looks_like_record(payload, payload.size(), gate.limits->max_record_bytes));
  assembly_begin_ = ws::max_frame_header_bytes - ws::frame_header_bytes(payload.size(), false);
  ws::encode_frame_header(assembly_.data() + assembly_begin_, {.mask = std::nullopt, .payload_bytes = payload.size()});
  fragmented_ = false;
  assembling_bytes_ = 0;
  return true;
}

std::optional<relay_stop> relay_machine::read_control(relay_cursor& cursor) {
  const auto piece = here(cursor);
  move_payload(cursor, control_->payload.data() + control_->size, piece);
  control_->size = static_cast<std::uint8_t>(control_->size + piece);
  if (left_ != 0) return std::nullopt;
  phase_ = phase::header;
  if (opcode_ == ws::opcode::ping) return relay_stop::ping;
  if (opcode_ == ws::opcode::pong) {
    control_.reset();
    return std::nullopt;
  }
  if (ws::parse_close_payload(control_payload())) return relay_stop::close;
  (void)refuse(relay_refusal::bad_framing);
  return relay_stop::refused;
}

}  // namespace flowersec::tunnel
