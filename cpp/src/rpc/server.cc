#include "flowersec/rpc/server.h"

#include "envelope.h"

namespace flowersec::rpc {

result<server> server::create(const server_options& options) {
  if (const auto valid = options.limits.validate(); !valid) return valid.error();
  return server{options};
}

server::server(const server_options& options) : options_(options), splitter_(options.limits.max_frame_bytes) {}

// ---- input

void server::receive(byte_view& input) {
  while (!input.empty() && !ended_) {
    switch (splitter_.consume(input)) {
      case json_frame_splitter::status::need_more:
        return;
      case json_frame_splitter::status::bad_length:
        count_error(frame_direction::read);
        end(rpc_errc::bad_frame_length);
        break;
      case json_frame_splitter::status::frame:
        on_text(splitter_.text());
        splitter_.release();
        if (!events_.empty()) return;
        break;
    }
  }
  if (ended_) input = {};
}

void server::on_text(std::string_view text) {
  const auto envelope = messages::rpc::v1::decode_rpc_envelope(text);
  if (!envelope) return on_malformed();
  malformed_in_a_row_ = 0;

  const auto kind = kind_of(*envelope);
  if (kind == envelope_kind::response) return;  // never sent to a server, and skipped
  waiting call{envelope->type_id, envelope->request_id, std::string{envelope->payload}};
  if (kind == envelope_kind::request) {
    on_request(std::move(call));
  } else {
    on_notification(std::move(call));
  }
}

void server::on_malformed() {
  count_error(frame_direction::read);
  if (++malformed_in_a_row_ > max_malformed_in_a_row) end(rpc_errc::malformed_envelopes);
}

bool server::has_room_for(const waiting& call) const noexcept {
  return call.payload.size() <= options_.limits.max_held_payload_bytes - held_payload_bytes_;
}

void server::on_request(waiting call) {
  const auto& limits = options_.limits;
  if (admitted_requests() >= limits.max_running_requests + limits.max_queued_requests || !has_room_for(call)) {
    return refuse(call);
  }
  held_payload_bytes_ += call.payload.size();
  queued_.push_back(std::move(call));
  start_queued();
}

void server::refuse(const waiting& call) {
  if (refusals_.size() >= options_.limits.max_queued_refusals) return end(rpc_errc::refusal_overflow);
  refusals_.push_back({call.type_id, call.request_id});
  count_request(call_result::resource_exhausted);
}

void server::on_notification(waiting call) {
  const bool has_slot =
      !running_notification_ || queued_notifications_.size() < options_.limits.max_queued_notifications;
  if (!has_slot || !has_room_for(call)) return end(rpc_errc::notification_overflow);
  held_payload_bytes_ += call.payload.size();
  queued_notifications_.push_back(std::move(call));
  start_next_notification();
}

// ---- handlers

void server::start_queued() {
  while (!queued_.empty() && running_.size() + unwritten_responses_ < options_.limits.max_running_requests) {
    auto call = std::move(queued_.front());
    queued_.pop_front();
    const auto key = next_key_++;
    running_.emplace(key, running_request{call.type_id, call.request_id, call.payload.size()});
    events_.push_back(start_request{request_key{key}, call.type_id, std::move(call.payload)});
  }
}

void server::start_next_notification() {
  if (running_notification_ || queued_notifications_.empty()) return;
  auto call = std::move(queued_notifications_.front());
  queued_notifications_.pop_front();
  running_notification_ = running_notification{request_key{next_key_++}, call.payload.size()};
  events_.push_back(start_notification{running_notification_->key, call.type_id, std::move(call.payload)});
}

void server::finish(request_key key, reply answer) {
  if (ended_) return;
  if (running_notification_ && running_notification_->key == key) {
    held_payload_bytes_ -= running_notification_->payload_bytes;
    running_notification_.reset();
    return start_next_notification();
  }
  const auto found = running_.find(static_cast<std::uint64_t>(key));
  if (found == running_.end()) return;
  const auto call = found->second;
  running_.erase(found);
  held_payload_bytes_ -= call.payload_bytes;
  output_.push_back({encode_response(call, std::move(answer)), true});
  // The slot stays taken until the response is: a peer that does not read cannot make us pile up answers.
  ++unwritten_responses_;
}

byte_buffer server::encode_response(const running_request& call, reply answer) const {
  using messages::rpc::v1::rpc_error;
  if (answer.error) answer.error = failure(answer.error->code, std::move(answer.error->message)).error;
  rpc_envelope envelope{.type_id = call.type_id,
                        .request_id = 0,
                        .response_to = call.request_id,
                        .payload = answer.payload,
                        .error = std::nullopt};
  if (answer.error) envelope.error = rpc_error{answer.error->code, answer.error->message};
  if (auto frame = encode_frame(envelope, options_.limits.max_frame_bytes)) {
    count_request(result_of(answer));
    return std::move(*frame);
  }
  count_error(frame_direction::write);
  count_request(call_result::rpc_error);
  return encode_error(call.type_id, call.request_id, internal_error());
}

byte_buffer server::encode_error(std::uint32_t type_id, std::uint64_t request_id, const reply& answer) {
  using messages::rpc::v1::rpc_error;
  const rpc_envelope envelope{.type_id = type_id,
                              .request_id = 0,
                              .response_to = request_id,
                              .payload = answer.payload,
                              .error = rpc_error{answer.error->code, answer.error->message}};
  return encode_json_frame(encode(envelope));
}

// ---- output

result<void> server::notify(std::uint32_t type_id, std::string_view payload) {
  if (ended_) return *ended_;
  const rpc_envelope envelope{
      .type_id = type_id, .request_id = 0, .response_to = 0, .payload = payload, .error = std::nullopt};
  auto frame = encode_frame(envelope, options_.limits.max_frame_bytes);
  if (!frame) {
    count_error(frame_direction::write);
    return frame.error();
  }
  if (frame->size() > options_.limits.max_output_bytes - notification_bytes_) return rpc_errc::resource_exhausted;
  notification_bytes_ += frame->size();
  output_.push_back({std::move(*frame), false});
  return {};
}

std::optional<byte_buffer> server::take_output() {
  if (!refusals_.empty()) {
    const auto [type_id, request_id] = refusals_.front();
    refusals_.pop_front();
    return encode_error(type_id, request_id, server_overloaded());
  }
  if (output_.empty()) return std::nullopt;
  auto [frame, is_response] = std::move(output_.front());
  output_.pop_front();
  if (is_response) {
    --unwritten_responses_;
    start_queued();
  } else {
    notification_bytes_ -= frame.size();
  }
  return std::move(frame);
}

// ---- the end

void server::end_of_input() { end(splitter_.at_boundary() ? rpc_errc::stream_closed : rpc_errc::truncated_frame); }

void server::end(rpc_errc why) {
  if (ended_) return;
  ended_ = why;
  for (auto left = running_.size() + queued_.size(); left > 0; --left) count_request(call_result::canceled);
  queued_.clear();
  queued_notifications_.clear();
  running_.clear();
  running_notification_.reset();
  refusals_.clear();
  output_.clear();
  unwritten_responses_ = 0;
  held_payload_bytes_ = 0;
  notification_bytes_ = 0;
  events_.clear();  // what was not started will not be
  events_.push_back(server_ended{why});
}

std::optional<server_event> server::poll_event() {
  if (events_.empty()) return std::nullopt;
  auto taken = std::move(events_.front());
  events_.pop_front();
  return taken;
}

void server::count_request(call_result result) const noexcept {
  if (options_.metrics != nullptr) options_.metrics->on_server_request(result);
}

void server::count_error(frame_direction direction) const noexcept {
  if (options_.metrics != nullptr) options_.metrics->on_server_frame_error(direction);
}

}  // namespace flowersec::rpc
