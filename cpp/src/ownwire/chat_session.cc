#include "ownwire/chat_session.h"

#include <algorithm>
#include <iterator>

namespace flowersec::ownwire {

chat_session::chat_session(const gateway_limits& limits, std::shared_ptr<const text_sender> sender)
    : limits_(limits), id_(sender->session_id), way_(std::make_shared<route>(route{.sender = std::move(sender)})) {}

void chat_session::describe(text_sender sender) {
  sender.session_id = id_;
  way_->sender = std::make_shared<const text_sender>(std::move(sender));
}

bool chat_session::take_id(std::uint64_t id) {
  if (id <= last_id_) return false;
  if (id != last_id_ + 1) skipped_.emplace(last_id_ + 1, id - 1);
  if (skipped_.size() > limits_.max_id_gaps) skipped_.erase(skipped_.begin());
  last_id_ = id;
  return true;
}

bool chat_session::was_skipped(std::uint64_t id) const noexcept {
  const auto behind = skipped_.upper_bound(id);
  return behind != skipped_.begin() && std::prev(behind)->second >= id;
}

void chat_session::refuse(std::uint64_t id, chat_error why) {
  refused_.emplace_back(id, why);
  if (refused_.size() > limits_.max_refused_ids) refused_.erase(refused_.begin());
}

std::optional<gateway_frame> chat_session::answer_to(std::uint64_t id) const {
  if (under_way_.contains(id)) return std::nullopt;
  const auto found = std::ranges::find(refused_, id, [](const auto& each) { return each.first; });
  if (found != refused_.end()) {
    return error_frame{.code = found->second, .id = id, .fatal = false};
  }
  return ack_frame{.id = id};
}

bool chat_session::take_rate(mono_time now) noexcept {
  return texts_.take({.burst = limits_.message_burst, .per_second = limits_.messages_per_second}, now);
}

bool chat_session::take_typing_rate(mono_time now) noexcept {
  return typing_.take({.burst = limits_.message_burst, .per_second = limits_.messages_per_second}, now);
}

bool chat_session::over_limit() const noexcept {
  return kept_.size() > limits_.max_kept_replies || kept_bytes_ > limits_.max_kept_reply_bytes;
}

kept_reply chat_session::pop_front() {
  auto front = std::move(kept_.front());
  kept_.pop_front();
  kept_bytes_ -= front.bytes();
  if (sent_ != 0) {
    --sent_;
  } else {
    unsent_bytes_ -= front.cost();
  }
  return front;
}

std::vector<kept_reply> chat_session::keep(kept_reply reply) {
  reply.frame.seq = ++last_seq_;
  has_message_ = true;
  kept_bytes_ += reply.bytes();
  unsent_bytes_ += reply.cost();
  kept_.push_back(std::move(reply));
  std::vector<kept_reply> dropped;
  // While there is a connection, what it was not sent yet is not dropped: the bound on that is the connection's.
  while (over_limit() && (!connection || sent_ != 0)) {
    const bool was_sent = sent_ != 0;
    auto front = pop_front();
    if (was_sent) {
      let_go_ = front.frame.seq;
    } else {
      dropped.push_back(std::move(front));
    }
  }
  return dropped;
}

const kept_reply* chat_session::next_unsent() noexcept {
  if (sent_ == kept_.size()) return nullptr;
  const auto& next = kept_[sent_++];
  unsent_bytes_ -= next.cost();
  highest_sent_ = std::max(highest_sent_, next.frame.seq);
  return &next;
}

std::vector<kept_reply> chat_session::confirm(std::uint64_t seq) {
  std::vector<kept_reply> confirmed;
  // What was never sent cannot have arrived.
  seq = std::min(seq, highest_sent_);
  confirmed_ = std::max(confirmed_, seq);
  while (!kept_.empty() && kept_.front().frame.seq <= seq) confirmed.push_back(pop_front());
  return confirmed;
}

std::vector<kept_reply> chat_session::lose_connection() {
  sent_ = 0;
  unsent_bytes_ = 0;
  for (const auto& reply : kept_) unsent_bytes_ += reply.cost();
  std::vector<kept_reply> dropped;
  while (over_limit()) dropped.push_back(pop_front());
  return dropped;
}

std::uint64_t chat_session::take_lost_in_flight() noexcept {
  const auto lost = let_go_ > confirmed_ ? let_go_ - confirmed_ : 0;
  confirmed_ = std::max(confirmed_, let_go_);
  return lost;
}

}  // namespace flowersec::ownwire
