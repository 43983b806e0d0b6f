// See flow.h.
#include "tunnel/flow.h"

#include <algorithm>
#include <utility>

namespace flowersec::tunnel {

void fill_control(control_out& control, ws::opcode op, byte_view payload) noexcept {
  const auto header =
      ws::encode_frame_header(control.frame.data(), {.op = op, .mask = std::nullopt, .payload_bytes = payload.size()});
  std::copy(payload.begin(), payload.end(), control.frame.begin() + static_cast<std::ptrdiff_t>(header));
  control.size = static_cast<std::uint8_t>(header + payload.size());
  control.sent = 0;
  control.farewell = op == ws::opcode::close;
  control.committed = false;
  control.deadline.reset();
}

std::unique_ptr<control_out> make_control(ws::opcode op, byte_view payload) {
  auto control = std::make_unique<control_out>();
  fill_control(*control, op, payload);
  return control;
}

handing send_control(flow_sink& sink) {
  while (sink.control) {
    if (!sink.writable) return handing::paused;
    const auto rest = sink.control->rest();
    const auto written = sink.pipe->write(rest);
    if (written.now == link_transfer::state::failed) return handing::failed;
    sink.control->sent = static_cast<std::uint8_t>(sink.control->sent + written.bytes);
    sink.control->committed = written.committed != 0;
    if (written.now == link_transfer::state::paused) sink.writable = false;
    if (written.bytes < rest.size()) continue;
    sink.said_farewell |= sink.control->farewell;
    sink.control = std::exchange(sink.next, nullptr);
  }
  return handing::done;
}

relay_stop flow::digest(const relay_gate& gate) {
  relay_cursor cursor{.in = in_, .in_end = in_end_, .out = block_begin()};
  const auto stop = machine.run(cursor, gate);
  in_ = in_end_ - (cursor.in_end - cursor.in);
  out_ = block_begin();
  out_end_ = cursor.out;
  if (stop == relay_stop::assembled) assembled_ready_ = true;
  return stop;
}

byte_view flow::front_output() const noexcept {
  if (pending_sent_ != pending_.size()) return byte_view{pending_}.subspan(pending_sent_);
  if (out_ != out_end_) return {out_, out_end_};
  if (assembled_ready_) return machine.assembled().subspan(assembled_sent_);
  return {};
}

handing flow::hand_to(flow_sink& sink) {
  for (;;) {
    const bool control_may_go = sink.control && sink.committed == 0;
    if (control_may_go && ledger_.at_boundary()) {
      if (const auto sent = send_control(sink); sent != handing::done) return sent;
    }
    const auto front = front_output();
    if (front.empty()) return handing::done;
    if (!sink.writable) return handing::paused;
    const auto portion = control_may_go ? front.first(ledger_.to_boundary(front)) : front;
    const auto written = sink.pipe->write(portion);
    if (written.now == link_transfer::state::failed) return handing::failed;
    if (written.now == link_transfer::state::paused) sink.writable = false;
    sink.committed = written.committed;
    took(front, written.bytes);
  }
}

void flow::took(byte_view front, std::size_t bytes) noexcept {
  const bool in_pending = pending_sent_ != pending_.size();
  const bool in_block = !in_pending && out_ != out_end_;
  const bool nothing_behind = (!in_pending || out_ == out_end_) && (!assembled_ready_ || !(in_pending || in_block));
  if (bytes == front.size() && nothing_behind) {
    // The usual case: a whole batch left in one send, and nobody needs to know where its frames ended.
    bytes_delivered_ += machine.release_output();
    ledger_.settle(machine.messages_completed(), machine.frame_bytes_to_come(), machine.frame_bytes());
  } else {
    const auto finished = ledger_.advance(front, bytes);
    machine.release(finished.bytes, finished.messages);
    bytes_delivered_ += finished.bytes;
  }
  if (in_block) {
    out_ += bytes;
  } else if (in_pending) {
    pending_sent_ += bytes;
    if (pending_sent_ != pending_.size()) return;
    pending_ = {};
    pending_sent_ = 0;
  } else {
    assembled_sent_ += bytes;
    if (bytes != front.size()) return;
    machine.drop_assembled();
    assembled_ready_ = false;
    assembled_sent_ = 0;
  }
}

void flow::keep_pending() {
  if (out_ != out_end_) append(pending_, {out_, out_end_});
  out_ = out_end_;
  if (!assembled_ready_) return;
  append(pending_, machine.assembled());
  machine.drop_assembled();
  assembled_ready_ = false;
}

void flow::settle_charges(const relay_gate& gate, bool all_handed) noexcept {
  const std::uint64_t stays = all_handed ? machine.assembling_bytes() : machine.held_bytes();
  const auto charged = machine.charged_bytes();
  if (stays == charged) return;
  for (auto* budget : {gate.tenant, gate.total}) {
    if (stays > charged) budget->charge(stays - charged);
    if (stays < charged) budget->release(charged - stays);
  }
  machine.set_charged_bytes(stays);
}

void flow::release_charges(byte_budget& tenant, byte_budget& total) noexcept {
  tenant.release(machine.charged_bytes());
  total.release(machine.charged_bytes());
  machine.set_charged_bytes(0);
}

std::optional<mono_time> flow::stall(mono_time now, std::optional<std::chrono::milliseconds> timeout) noexcept {
  if (!stalled_since_ || waiting_frame_ != ledger_.frames_finished()) {
    if (waiting_frame_ != ledger_.frames_finished()) waited_ = {};
    waiting_frame_ = ledger_.frames_finished();
    stalled_since_ = now;
  }
  if (!timeout) return std::nullopt;
  return *stalled_since_ + (*timeout - std::min<mono_time::duration>(waited_, *timeout));
}

void flow::unstall(mono_time now) noexcept {
  if (!stalled_since_) return;
  waited_ += now - *stalled_since_;
  stalled_since_.reset();
}

}  // namespace flowersec::tunnel
