#include "ownwire/pending_texts.h"

#include <algorithm>
#include <utility>

namespace flowersec::ownwire {

std::uint64_t pending_texts::add(std::string content) {
  all_.push_back({.id = ++last_id_, .content = std::move(content)});
  return last_id_;
}

std::optional<pending_text> pending_texts::settle(std::uint64_t wire_id) {
  const auto found = std::ranges::find(all_, std::optional{wire_id}, &pending_text::wire_id);
  if (found == all_.end()) return std::nullopt;
  auto settled = std::move(*found);
  all_.erase(found);
  return settled;
}

void pending_texts::resume(std::uint64_t last_id) {
  last_wire_id_ = std::max(last_wire_id_, last_id);
  for (auto& text : all_) text.taken = text.wire_id && *text.wire_id <= last_id;
}

void pending_texts::start_anew(mono_time now) {
  last_wire_id_ = 0;
  for (auto& text : all_) {
    text.wire_id.reset();
    text.taken = false;
  }
  tokens_ = pace_burst;
  filled_at_ = now;
}

void pending_texts::disconnect() {
  for (auto& text : all_) text.sent_at.reset();
}

std::vector<const pending_text*> pending_texts::take_due(mono_time now) {
  std::vector<const pending_text*> due;
  for (auto& text : all_) {
    if (text.sent_at) continue;
    // What the gateway has taken already it does not count again.
    if (!text.taken && !take_token(now)) break;
    if (!text.wire_id) text.wire_id = ++last_wire_id_;
    text.sent_at = now;
    due.push_back(&text);
  }
  return due;
}

std::optional<mono_time> pending_texts::ack_deadline() const noexcept {
  const auto sent = std::ranges::find_if(all_, [](const auto& text) { return text.sent_at && !text.taken; });
  return sent == all_.end() ? std::nullopt : std::optional{*sent->sent_at + ack_timeout};
}

std::optional<mono_time> pending_texts::pace_deadline() const noexcept {
  const bool waiting = std::ranges::any_of(all_, [](const auto& text) { return !text.sent_at; });
  return waiting ? std::optional{filled_at_ + pace} : std::nullopt;
}

bool pending_texts::take_token(mono_time now) {
  const auto fresh = std::max<std::int64_t>(0, (now - filled_at_) / pace);
  tokens_ = static_cast<int>(std::min<std::int64_t>(pace_burst, tokens_ + fresh));
  filled_at_ = tokens_ == pace_burst ? now : filled_at_ + fresh * pace;
  if (tokens_ == 0) return false;
  --tokens_;
  return true;
}

}  // namespace flowersec::ownwire
