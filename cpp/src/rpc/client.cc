#include "flowersec/rpc/client.h"

#include <utility>

#include "envelope.h"

namespace flowersec::rpc {

result<client> client::create(const client_options& options) {
  if (const auto valid = options.limits.validate(); !valid) return valid.error();
  if (options.first_id == call_id{0}) return rpc_errc::invalid_limits;
  return client{options};
}

client::client(const client_options& options)
    : options_(options),
      splitter_(options.limits.max_frame_bytes),
      next_id_(static_cast<std::uint64_t>(options.first_id)) {}

// ---- the application's calls

result<call_id> client::call(std::uint32_t type_id, std::string_view payload, mono_time now) {
  auto queued = admit_call();
  if (queued) queued = enqueue(type_id, next_id_, payload);
  if (!queued) {
    const bool full = queued.error() == rpc_errc::resource_exhausted;
    count_call(full ? call_result::resource_exhausted : call_result::transport_error, {});
    return queued.error();
  }
  pending_.emplace(next_id_, now);
  return call_id{next_id_++};
}

result<void> client::admit_call() const noexcept {
  if (ended_) return *ended_;
  // Ids never wrap: a late response to an old call must not find a new one.
  if (next_id_ > messages::rpc::v1::max_rpc_id) return rpc_errc::ids_exhausted;
  const auto& limit = options_.limits.max_calls_in_flight;
  if (limit && pending_.size() >= *limit) return rpc_errc::resource_exhausted;
  return {};
}

bool client::abandon(call_id id, mono_time now) {
  const auto found = pending_.find(static_cast<std::uint64_t>(id));
  if (found == pending_.end()) return false;
  count_call(call_result::canceled, now - found->second);
  pending_.erase(found);
  return true;
}

result<void> client::notify(std::uint32_t type_id, std::string_view payload) {
  if (ended_) return *ended_;
  return enqueue(type_id, 0, payload);
}

result<void> client::enqueue(std::uint32_t type_id, std::uint64_t request_id, std::string_view payload) {
  const rpc_envelope envelope{
      .type_id = type_id, .request_id = request_id, .response_to = 0, .payload = payload, .error = std::nullopt};
  auto frame = encode_frame(envelope, options_.limits.max_frame_bytes);
  if (!frame) {
    if (options_.metrics != nullptr) options_.metrics->on_client_frame_error(frame_direction::write);
    return frame.error();
  }
  if (frame->size() > options_.limits.max_output_bytes - output_bytes_) return rpc_errc::resource_exhausted;
  output_bytes_ += frame->size();
  output_.push_back(std::move(*frame));
  return {};
}

std::optional<byte_buffer> client::take_output() {
  if (output_.empty()) return std::nullopt;
  auto frame = std::move(output_.front());
  output_.pop_front();
  output_bytes_ -= frame.size();
  return frame;
}

// ---- input

void client::receive(byte_view& input, mono_time now) {
  while (!input.empty() && !ended_) {
    switch (splitter_.consume(input)) {
      case json_frame_splitter::status::need_more:
        return;
      case json_frame_splitter::status::bad_length:
        count_read_error();
        end(rpc_errc::bad_frame_length, now);
        break;
      case json_frame_splitter::status::frame:
        on_text(splitter_.text(), now);
        splitter_.release();
        if (!events_.empty()) return;
        break;
    }
  }
  if (ended_) input = {};
}

void client::on_text(std::string_view text, mono_time now) {
  auto envelope = messages::rpc::v1::decode_rpc_envelope(text);
  if (!envelope) return on_malformed(now);
  malformed_in_a_row_ = 0;

  switch (kind_of(*envelope)) {
    case envelope_kind::request:
      return;  // never sent to a client, and skipped
    case envelope_kind::notification:
      if (options_.metrics != nullptr) options_.metrics->on_client_notify();
      events_.push_back(notification_received{envelope->type_id, std::string{envelope->payload}});
      return;
    case envelope_kind::response:
      break;
  }
  const auto found = pending_.find(envelope->response_to);
  if (found == pending_.end()) return;  // abandoned, answered before, or never asked
  reply answer{.payload = std::string{envelope->payload}};
  if (envelope->error) answer.error = call_error{envelope->error->code, envelope->error->message.value_or("")};
  count_call(result_of(answer), now - found->second);
  pending_.erase(found);
  events_.push_back(call_finished{call_id{envelope->response_to}, std::move(answer)});
}

void client::on_malformed(mono_time now) {
  count_read_error();
  if (++malformed_in_a_row_ > max_malformed_in_a_row) end(rpc_errc::malformed_envelopes, now);
}

void client::end_of_input(mono_time now) {
  end(splitter_.at_boundary() ? rpc_errc::stream_closed : rpc_errc::truncated_frame, now);
}

void client::end(rpc_errc why, mono_time now) {
  if (ended_) return;
  ended_ = why;
  output_.clear();
  output_bytes_ = 0;
  for (const auto& [id, called_at] : std::exchange(pending_, {})) {
    count_call(call_result::transport_error, now - called_at);
    events_.push_back(call_finished{call_id{id}, why});
  }
  events_.push_back(client_ended{why});
}

std::optional<client_event> client::poll_event() {
  if (events_.empty()) return std::nullopt;
  auto taken = std::move(events_.front());
  events_.pop_front();
  return taken;
}

void client::count_call(call_result result, std::chrono::nanoseconds elapsed) const noexcept {
  if (options_.metrics != nullptr) options_.metrics->on_client_call(result, elapsed);
}

void client::count_read_error() const noexcept {
  if (options_.metrics != nullptr) options_.metrics->on_client_frame_error(frame_direction::read);
}

}  // namespace flowersec::rpc
