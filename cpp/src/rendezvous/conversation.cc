#include "rendezvous/conversation.h"

#include <algorithm>
#include <utility>

#include "flowersec/base/json_scan.h"

namespace flowersec::rendezvous {

result<std::uint64_t> conversation::send(std::string json, std::optional<std::int64_t> sent_at_ms, mono_time now) {
  if (!is_valid_json(json)) return rendezvous_errc::message_not_json;
  channel_message message{.id = last_sent_ + 1, .content = std::move(json), .sent_at_ms = sent_at_ms};
  if (encode(message).size() > max_message_frame_bytes) return rendezvous_errc::message_too_large;
  const auto bytes = message.content.size();
  if (queue_.size() >= settings_.max_queue || bytes > settings_.max_queue_bytes - queued_bytes_) {
    return rendezvous_errc::queue_full;
  }
  last_sent_ = message.id;
  queued_bytes_ += bytes;
  queue_.push_back({.message = std::move(message)});
  if (channel_) {
    channel_->used_at = now;
    write(queue_.back(), now);
  }
  return last_sent_;
}

void conversation::fail_all(error_code why) {
  for (const auto& each : std::exchange(queue_, {})) intents_.push_back(talk::settle{each.message.id, why});
  queued_bytes_ = 0;
}

void conversation::opened(mono_time now) {
  lost();
  channel_ = channel{.opened_at = now, .used_at = now};
  kept_open_ = false;
  write(channel_hello{own_});
  for (auto& each : queue_) write(each, now);
}

void conversation::write(queued& each, mono_time now) {
  each.sent_at = now;
  write(each.message);
}

void conversation::moved(std::uint64_t id, mono_time now) {
  for (auto& each : queue_) {
    if (each.message.id >= id) each.sent_at = now;
  }
}

void conversation::lost() {
  channel_.reset();
  last_given_ = last_taken_;
  // What was meant for the channel has nobody left to do it; what became of messages is still told.
  std::erase_if(intents_, [](const talk_intent& intent) { return !std::holds_alternative<talk::settle>(intent); });
}

void conversation::end(talk_intent last) {
  lost();
  intents_.push_back(std::move(last));
}

void conversation::take(const channel_frame& frame, mono_time now) {
  if (!channel_) return;
  const bool is_hello = std::holds_alternative<channel_hello>(frame);
  if (is_hello == channel_->greeted) return end(talk::drop{rendezvous_errc::channel_failed});
  if (const auto* hello = std::get_if<channel_hello>(&frame)) return on(*hello);
  if (std::holds_alternative<channel_bye>(frame)) return end(talk::leave{.asked_by_them = true});
  if (const auto* message = std::get_if<channel_message>(&frame)) {
    channel_->used_at = now;
    return on(*message);
  }
  if (const auto* ack = std::get_if<channel_ack>(&frame)) {
    channel_->used_at = now;
    on(*ack);
  }
}

void conversation::on(const channel_hello& frame) {
  channel_->greeted = true;
  if (theirs_ == frame.conversation) return;
  theirs_ = frame.conversation;
  last_taken_ = last_given_ = 0;
}

void conversation::on(const channel_message& frame) {
  if (frame.id <= last_taken_) return write(channel_ack{frame.id});
  // Given already and not decided: its acknowledgement, if there is one, follows.
  if (frame.id <= last_given_) return;
  last_given_ = frame.id;
  intents_.push_back(talk::deliver{frame});
}

void conversation::on(const channel_ack& frame) {
  const auto found = std::ranges::find(queue_, frame.id, [](const queued& each) { return each.message.id; });
  if (found == queue_.end()) return;
  queued_bytes_ -= found->message.content.size();
  queue_.erase(found);
  intents_.push_back(talk::settle{frame.id, {}});
}

void conversation::handed_over(std::uint64_t id, mono_time now) {
  last_taken_ = std::max(last_taken_, id);
  last_given_ = std::max(last_given_, last_taken_);
  if (!channel_) return;
  channel_->used_at = now;
  write(channel_ack{id});
}

void conversation::refused(error_code why) {
  if (channel_) end(talk::drop{why});
}

void conversation::leave() {
  if (!channel_) return;
  lost();
  write(channel_bye{});
  intents_.push_back(talk::leave{.asked_by_them = false});
}

std::optional<mono_time> conversation::deadline() const {
  if (!channel_) return std::nullopt;
  if (!channel_->greeted) return channel_->opened_at + channel_hello_timeout;
  if (!queue_.empty()) return queue_.front().sent_at + channel_ack_timeout;
  if (kept_open_) return std::nullopt;
  return channel_->used_at + settings_.channel_idle;
}

void conversation::advance(mono_time now) {
  const auto due = deadline();
  if (!due || now < *due) return;
  if (!channel_->greeted) return end(talk::drop{.why = rendezvous_errc::channel_failed, .silent = true});
  if (!queue_.empty()) return end(talk::drop{.why = rendezvous_errc::channel_lost, .silent = true});
  leave();
}

std::optional<talk_intent> conversation::poll_intent() {
  if (intents_.empty()) return std::nullopt;
  auto next = std::move(intents_.front());
  intents_.pop_front();
  return next;
}

}  // namespace flowersec::rendezvous
