#include "chat/machine.h"

#include <algorithm>

#include "chat/answers.h"
#include "cli/program.h"

namespace flowersec::apps {

using namespace intents;  // NOLINT

chat_intents chat_machine::start(unix_seconds now) {
  chat_intents all;
  for (const auto& each : setup_.registries) registries_.push_back({.registry_url = each.url, .status = "connecting"});
  all.push_back(tell{ready(known_.owner().key(), known_.size())});
  const auto& at = setup_.registries.front();
  for (const auto& each : open_.list()) {
    if (open_.find(each.note, now) == nullptr) continue;
    all.push_back(expect_guest{.given = {.registry_url = at.url,
                                         .registry_key = at.keys.front(),
                                         .host_key = known_.owner().key(),
                                         .secret = each.secret.clone()},
                               .name = each.guest_name.empty() ? "guest" : each.guest_name,
                               .since = each.given});
  }
  return all;
}

chat_intents chat_machine::send_to(const identity::contact& to, std::string content) {
  if (to.policy == identity::contact_policy::block)
    return complain("blocked", "you block " + to.name + ": /unblock it first");
  const auto id = ++last_id_;
  auto all = only(tell{delivered(id, to.name, delivery::sending)});
  all.push_back(intents::send{.id = id, .to = to.key, .content = content});
  under_way_.emplace(id, outgoing{.to = to.key, .name = to.name, .content = std::move(content)});
  return all;
}

chat_intents chat_machine::introduce(const identity::contact& added, std::string_view what) {
  auto all = only(tell{contact_changed(what, added)});
  all.push_back(save{});
  all.push_back(refresh{});
  const auto called = std::ranges::find(strangers_, added.key, &decltype(strangers_)::value_type::first);
  if (called != strangers_.end()) {
    all.push_back(let_in{called->second});
    strangers_.erase(called);
  }
  return all;
}

chat_intents chat_machine::on_message(const rendezvous::received_message& received) {
  const auto* from = known_.get(received.from);
  if (from == nullptr || finished_) return {};
  ++counts_.received;
  return only(tell{message(*from, received.content, received.sent_at_ms)});
}

chat_intents chat_machine::on_incoming(const rendezvous::incoming_call& call) {
  std::erase_if(strangers_, [&](const auto& each) { return each.first == call.from; });
  if (strangers_.size() >= max_strangers) strangers_.erase(strangers_.begin());
  strangers_.emplace_back(call.from, call.id);
  return only(tell{stranger(call.from, call.note.value_or(""))});
}

chat_intents chat_machine::on_event(const rendezvous::socket_event& what) {
  struct {
    chat_machine& m;

    chat_intents operator()(const rendezvous::registry_changed& e) const {
      for (auto& each : m.registries_) {
        if (each.registry_url != e.url) continue;
        each.status = to_string(e.status);
        if (e.status == rendezvous::registry_status::registered) ++each.registrations;
      }
      return only(tell{registry(e.url, to_string(e.status), e.why)});
    }
    chat_intents operator()(const rendezvous::channel_changed& e) const {
      const auto* with = m.known_.get(e.peer);
      if (e.status == rendezvous::channel_status::open) {
        ++m.counts_.channels;
        m.called_.insert(e.peer);
      }
      return with == nullptr ? chat_intents{} : only(tell{channel(*with, to_string(e.status), e.why)});
    }
    chat_intents operator()(const rendezvous::presence_changed& e) const {
      const auto* of = m.known_.get(e.key);
      return of == nullptr ? chat_intents{} : only(tell{presence(*of, e.online)});
    }
    chat_intents operator()(const rendezvous::guest_arrived& e) const {
      m.open_.consume(e.note);
      const auto* guest = m.known_.get(e.key);
      auto all = only(save{});
      if (guest != nullptr) all.push_back(tell{contact_changed("guest", *guest)});
      return all;
    }
    chat_intents operator()(const rendezvous::invitation_used& e) const {
      return m.open_.consume(e.note) ? only(save{}) : chat_intents{};
    }
    chat_intents operator()(const rendezvous::call_failed& e) const {
      return only(tell{call_failure(e.peer, m.known_.get(e.peer), e.why)});
    }
  } const told{*this};
  return finished_ ? chat_intents{} : std::visit(told, what);
}

void chat_machine::keep_failed(std::uint64_t id, outgoing message) {
  failed_bytes_ += message.content.size();
  failed_.emplace(id, std::move(message));
  while (failed_.size() > max_failed_messages || (failed_bytes_ > max_failed_bytes && failed_.size() > 1)) {
    failed_bytes_ -= failed_.begin()->second.content.size();
    failed_.erase(failed_.begin());
  }
}

chat_intents chat_machine::on_sent(std::uint64_t id, error_code why) {
  const auto found = under_way_.find(id);
  if (found == under_way_.end() || finished_) return {};
  auto message = std::move(found->second);
  under_way_.erase(found);
  auto all = only(tell{delivered(id, message.name, why ? delivery::failed : delivery::delivered, why)});
  if (why) {
    message.why = why;
    keep_failed(id, std::move(message));
  } else {
    ++counts_.sent;
  }
  if (leaving_ && under_way_.empty()) {
    for (auto& each : finish()) all.push_back(std::move(each));
  }
  return all;
}

chat_intents chat_machine::on_exported(const std::string& path, const std::string& complaint) {
  return complaint.empty() ? only(tell{exported(path)}) : complain("not_exported", complaint);
}

chat_intents chat_machine::on_imported(const identity::file_result<identity::stored_identity>& found) {
  if (!found) return complain("not_imported", found.error().text);
  // A mark stands for a comparison of two keys, and one of them was another identity's.
  const bool keeps_marks = found->self->key() == known_.owner().key();
  std::size_t added = 0;
  std::size_t known = 0;
  std::size_t refused = 0;
  chat_intents all;
  for (const auto* each : found->known.list()) {
    const auto* named = known_.find(each->name);
    if (named != nullptr && named->key != each->key) {
      ++refused;
      all.push_back(tell{key_warning(*named, each->key, known_.owner().key())});
    } else if (known_.get(each->key) != nullptr) {
      ++known;
    } else if (known_.add(each->key, each->name, each->policy, each->verified && keeps_marks)) {
      ++added;
    } else {
      ++refused;
    }
  }
  all.push_back(tell{imported(added, known, refused)});
  if (added == 0) return all;
  all.push_back(save{});
  all.push_back(refresh{});
  return all;
}

chat_intents chat_machine::on_leave() {
  if (finished_) return {};
  if (leaving_ || under_way_.empty()) return finish();
  leaving_ = true;
  auto all = only(tell{waiting(under_way_.size())});
  all.push_back(wait{});
  return all;
}

chat_intents chat_machine::on_patience_over() { return leaving_ && !finished_ ? finish() : chat_intents{}; }

chat_intents chat_machine::finish() {
  finished_ = true;
  std::vector<undelivered_message> lost;
  for (const auto& [id, each] : failed_) {
    lost.push_back({.id = id, .to = each.name, .content = each.content, .why = error_name(each.why)});
  }
  for (const auto& [id, each] : under_way_) {
    lost.push_back({.id = id, .to = each.name, .content = each.content, .why = "not_acknowledged"});
  }
  auto all = only(tell{ended(lost)});
  all.push_back(intents::finish{lost.empty() ? exit_ok : exit_runtime});
  return all;
}

std::string chat_machine::free_name(std::string_view wanted) const {
  const auto is_taken = [&](const std::string& name) {
    return known_.find(name) != nullptr ||
           std::ranges::any_of(open_.list(), [&](const auto& each) { return each.guest_name == name; });
  };
  std::string name{wanted};
  for (int i = 2; is_taken(name); ++i) name = std::string{wanted} + ' ' + std::to_string(i);
  return name;
}

bool chat_machine::has_registry(const identity::invitation& of) const {
  return std::ranges::any_of(setup_.registries, [&](const auto& each) {
    return each.url == of.registry_url && std::ranges::find(each.keys, of.registry_key) != each.keys.end();
  });
}

}  // namespace flowersec::apps
