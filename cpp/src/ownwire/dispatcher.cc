#include "ownwire/dispatcher.h"

#include <algorithm>
#include <iterator>

namespace flowersec::ownwire {

namespace {

/// Keys, quotes, the session id and the numbers of a message, and what holding it costs beside its bytes.
constexpr std::size_t fixed_cost = 256;

}  // namespace

std::size_t dispatcher::cost(const text_sender& from, std::string_view content) noexcept {
  return content.size() + fixed_cost + (from.metadata ? from.metadata->size() : 0) +
         (from.auth ? from.auth->size() : 0);
}

client_id dispatcher::connect(dialect how, mono_time /*now*/) {
  const auto id = ++last_client_;
  clients_.emplace(id, connected{.how = how});
  flush();
  return id;
}

void dispatcher::disconnect(client_id client, mono_time /*now*/) {
  const auto found = clients_.find(client);
  if (found == clients_.end()) return;
  auto left = std::move(found->second.queue);
  queued_bytes_ -= found->second.bytes;
  clients_.erase(found);
  // In front of those that came later, in their order. No bound refuses them: they are acknowledged, and were held.
  const auto first = waiting_.begin();
  for (auto& entry : left) {
    auto* text = std::get_if<queued_text>(&entry.what);
    if (text == nullptr || text->who->closed) continue;
    ++text->who->waiting;
    waiting_bytes_ += entry.cost;
    returned_bytes_ += entry.cost;
    waiting_.insert(first, {.text = std::move(*text), .cost = entry.cost, .deadline = std::nullopt});
  }
  flush();
}

std::optional<dialect> dispatcher::dialect_of(client_id client) const noexcept {
  const auto found = clients_.find(client);
  if (found == clients_.end()) return std::nullopt;
  return found->second.how;
}

void dispatcher::offer(const std::shared_ptr<route>& who, std::uint64_t id, std::string content, mono_time now) {
  const auto size = cost(*who->sender, content);
  queued_text text{.who = who, .from = who->sender, .id = id, .content = std::move(content)};
  // Else one client after the other could fill its queue and be lost.
  if (returned_bytes_ > limits_.max_waiting_bytes) return wait(std::move(text), size, now);
  auto* to = bind(who);
  if (to == nullptr || to->blocked || who->waiting != 0 || to->bytes + size > limits_.max_internal_queue_bytes) {
    if (to != nullptr) to->blocked = true;
    return wait(std::move(text), size, now);
  }
  push(*who->client, *to, {.what = std::move(text), .cost = size});
  outcomes_.push_back({.who = who, .id = id, .handed_over = true});
}

void dispatcher::announce(const std::shared_ptr<route>& who, mono_time /*now*/) {
  if (bound_client(*who) != nullptr || clients_.empty()) return;
  if (next_in_turn()->second.how == dialect::extended) static_cast<void>(bind(who));
}

void dispatcher::tell_bound(const route& who, std::string frame) {
  if (who.client) tell(*who.client, std::move(frame));
}

void dispatcher::tell(client_id client, std::string frame) {
  const auto found = clients_.find(client);
  if (found == clients_.end() || found->second.how != dialect::extended) return;
  const auto size = frame.size() + fixed_cost;
  if (found->second.bytes + size > limits_.max_internal_queue_bytes) return;
  push(client, found->second, {.what = std::move(frame), .cost = size});
}

void dispatcher::close(route& who) {
  who.closed = true;
  if (who.waiting == 0) return;
  for (auto at = waiting_.begin(); at != waiting_.end() && who.waiting != 0;) {
    if (at->text.who.get() != &who) {
      ++at;
      continue;
    }
    forget_costs(*at);
    at = waiting_.erase(at);
  }
  flush();
}

std::vector<std::string> dispatcher::next_batch(client_id client, mono_time now) {
  std::vector<std::string> frames;
  const auto found = clients_.find(client);
  if (found == clients_.end() || found->second.under_way != 0) return frames;
  auto& to = found->second;
  while (!to.queue.empty() && (to.under_way == 0 || to.under_way + to.queue.front().cost <= batch_bytes)) {
    auto& front = to.queue.front();
    to.under_way += front.cost;
    if (auto* text = std::get_if<queued_text>(&front.what)) {
      frames.push_back(encode_text(to.how, *text->from, text->id, text->content));
    } else {
      frames.push_back(std::get<std::string>(front.what));
    }
    to.batch.push_back(std::move(front));
    to.queue.pop_front();
  }
  to.under_way_since = now;
  return frames;
}

void dispatcher::on_batch_written(client_id client, mono_time /*now*/) {
  const auto found = clients_.find(client);
  if (found == clients_.end()) return;
  auto& to = found->second;
  to.bytes -= to.under_way;
  queued_bytes_ -= to.under_way;
  to.under_way = 0;
  to.batch.clear();
  if (to.blocked) flush_to(client);
  if (!to.queue.empty()) ready_.push_back(client);
}

void dispatcher::on_batch_unsent(client_id client) {
  const auto found = clients_.find(client);
  if (found == clients_.end()) return;
  auto& to = found->second;
  to.queue.insert(to.queue.begin(), std::make_move_iterator(to.batch.begin()), std::make_move_iterator(to.batch.end()));
  to.batch.clear();
  to.under_way = 0;
}

std::vector<client_id> dispatcher::on_time(mono_time now) {
  if (first_deadline_ && *first_deadline_ <= now) {
    first_deadline_.reset();
    for (auto at = waiting_.begin(); at != waiting_.end();) {
      if (at->deadline && *at->deadline <= now) {
        at = drop(at);
        continue;
      }
      if (at->deadline) first_deadline_ = first_deadline_ ? std::min(*first_deadline_, *at->deadline) : at->deadline;
      ++at;
    }
    flush();
  }
  std::vector<client_id> stalled;
  for (const auto& [id, to] : clients_) {
    if (to.under_way != 0 && now - to.under_way_since >= limits_.internal_stall) stalled.push_back(id);
  }
  return stalled;
}

std::optional<mono_time> dispatcher::next_deadline() const noexcept {
  auto first = first_deadline_;
  for (const auto& [id, to] : clients_) {
    if (to.under_way == 0) continue;
    const auto stalls = to.under_way_since + limits_.internal_stall;
    first = first ? std::min(*first, stalls) : stalls;
  }
  return first;
}

std::size_t dispatcher::queued_bytes(client_id client) const noexcept {
  const auto found = clients_.find(client);
  return found == clients_.end() ? 0 : found->second.bytes;
}

dispatcher::connected* dispatcher::bound_client(route& who) {
  if (!who.client) return nullptr;
  const auto found = clients_.find(*who.client);
  if (found != clients_.end()) return &found->second;
  who.client.reset();
  return nullptr;
}

std::map<client_id, dispatcher::connected>::iterator dispatcher::next_in_turn() {
  const auto after = [this](auto at) {
    ++at;
    return at == clients_.end() ? clients_.begin() : at;
  };
  auto at = clients_.upper_bound(turn_);
  if (at == clients_.end()) at = clients_.begin();
  // One without room is passed over as long as another has it.
  for (std::size_t tried = 1; at->second.blocked && tried < clients_.size(); ++tried) at = after(at);
  return at;
}

dispatcher::connected* dispatcher::bind(const std::shared_ptr<route>& who) {
  if (auto* to = bound_client(*who)) return to;
  if (clients_.empty()) return nullptr;
  const auto next = next_in_turn();
  turn_ = next->first;
  bind_to(who, next->first);
  return &next->second;
}

void dispatcher::bind_to(const std::shared_ptr<route>& who, client_id id) {
  who->client = id;
  tell(id, encode_session_start(*who->sender));
}

void dispatcher::push(client_id id, connected& to, queued what) {
  to.bytes += what.cost;
  queued_bytes_ += what.cost;
  to.queue.push_back(std::move(what));
  if (to.under_way == 0 && to.queue.size() == 1) ready_.push_back(id);
}

void dispatcher::wait(queued_text text, std::size_t cost, mono_time now) {
  if (text.who->waiting >= limits_.max_waiting_texts || waiting_bytes_ + cost > limits_.max_waiting_bytes) {
    outcomes_.push_back({.who = text.who, .id = text.id, .handed_over = false});
    return;
  }
  ++text.who->waiting;
  waiting_bytes_ += cost;
  const auto deadline = now + limits_.waiting_time;
  first_deadline_ = first_deadline_ ? std::min(*first_deadline_, deadline) : deadline;
  waiting_.push_back({.text = std::move(text), .cost = cost, .deadline = deadline});
}

void dispatcher::forget_costs(const waiting_text& text) {
  --text.text.who->waiting;
  waiting_bytes_ -= text.cost;
  if (!text.deadline) returned_bytes_ -= text.cost;
}

void dispatcher::flush() {
  for (auto& [id, to] : clients_) to.blocked = false;
  if (clients_.empty()) return;
  std::size_t blocked = 0;
  for (auto at = waiting_.begin(); at != waiting_.end() && blocked < clients_.size();) {
    const auto next = std::next(at);
    auto* to = bind(at->text.who);
    const bool was_blocked = to->blocked;
    if (!was_blocked && !try_hand_over(at)) {
      to->blocked = true;
      ++blocked;
    }
    at = next;
  }
}

void dispatcher::flush_to(client_id id) {
  auto& to = clients_.at(id);
  to.blocked = false;
  for (auto at = waiting_.begin(); at != waiting_.end() && !to.blocked;) {
    const auto next = std::next(at);
    const auto& who = at->text.who;
    if (bound_client(*who) == nullptr) bind_to(who, id);
    if (who->client == id && !try_hand_over(at)) to.blocked = true;
    at = next;
  }
}

bool dispatcher::try_hand_over(waiting_list::iterator at) {
  const auto id = *at->text.who->client;
  auto& to = clients_.at(id);
  if (to.bytes + at->cost > limits_.max_internal_queue_bytes) return false;
  forget_costs(*at);
  if (at->deadline) outcomes_.push_back({.who = at->text.who, .id = at->text.id, .handed_over = true});
  const auto size = at->cost;
  push(id, to, {.what = std::move(at->text), .cost = size});
  waiting_.erase(at);
  return true;
}

dispatcher::waiting_list::iterator dispatcher::drop(waiting_list::iterator at) {
  forget_costs(*at);
  outcomes_.push_back({.who = at->text.who, .id = at->text.id, .handed_over = false});
  return waiting_.erase(at);
}

}  // namespace flowersec::ownwire
