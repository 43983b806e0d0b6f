#include "flowersec/ws/message_reader.h"

namespace flowersec::ws {
namespace {

constexpr message_kind kind_of(opcode op) noexcept {
  return op == opcode::text ? message_kind::text : message_kind::binary;
}

}  // namespace

message_reader::message_reader(role own, reader_limits limits) noexcept
    : own_(own), limits_(limits), input_(limits.max_block_bytes) {}

/// Lets go of what the last event pointed into.
void message_reader::recycle() noexcept {
  input_.consume(std::exchange(handed_out_, 0));
  if (std::exchange(partial_done_, false)) byte_buffer{}.swap(partial_);
}

message_reader::event message_reader::fail(ws_errc error) noexcept {
  failed_ = error;
  return error;
}

/// Rules across frames. Size comes first: a message that is too big is 1009 whatever else is wrong with it.
std::optional<ws_errc> message_reader::check(const frame_header& header) const noexcept {
  if (is_control(header.op)) return std::nullopt;
  const bool continues = header.op == opcode::continuation;
  const std::uint64_t before = continues ? partial_.size() : 0;
  const auto largest = limits_.max_message_bytes;
  if (before > largest || header.payload_bytes > largest - before) return ws_errc::message_too_big;
  if (continues && !open_) return ws_errc::continuation_unexpected;
  if (!continues && open_) return ws_errc::continuation_expected;
  return std::nullopt;
}

message_reader::event message_reader::next() {
  recycle();
  while (!failed_) {
    if (!frame_) {
      const auto decoded = decode_frame_header(input_.data(), peer_of(own_));
      if (decoded.result == header_decoding::outcome::violation) return fail(decoded.error);
      if (decoded.result == header_decoding::outcome::need_more) return need_more{};
      if (const auto error = check(decoded.header)) return fail(*error);
      input_.consume(decoded.header_bytes);
      frame_ = decoded.header;
    }
    if (input_.size() < frame_->payload_bytes) return need_more{};
    auto ready = take_frame();
    if (!std::holds_alternative<need_more>(ready)) return ready;
  }
  return *failed_;
}

/// The payload of `frame_` is in the input. Answers need_more for a fragment that completes no message.
message_reader::event message_reader::take_frame() {
  const auto header = *std::exchange(frame_, std::nullopt);
  const auto payload = input_.data().first(static_cast<std::size_t>(header.payload_bytes));
  if (header.mask) apply_mask(payload, *header.mask);
  if (!is_control(header.op) && (open_ || !header.fin)) {
    if (!open_) open_ = kind_of(header.op);
    append(partial_, payload);
    input_.consume(payload.size());
    return header.fin ? finish_fragments() : event{need_more{}};
  }
  handed_out_ = payload.size();
  if (is_control(header.op)) return control{header.op, payload};
  return message{kind_of(header.op), payload};
}

message_reader::event message_reader::finish_fragments() {
  partial_done_ = true;
  return message{*std::exchange(open_, std::nullopt), partial_};
}

mutable_byte_view message_reader::prepare() {
  recycle();
  return input_.prepare(frame_ ? static_cast<std::size_t>(frame_->payload_bytes) : 0);
}

byte_buffer message_reader::take_rest() {
  recycle();
  auto rest = to_buffer(input_.data());
  input_.consume(rest.size());
  return rest;
}

void message_reader::release_if_idle() noexcept {
  recycle();
  input_.release_if_empty();
}

}  // namespace flowersec::ws
