#include "chat/machine.h"

#include <algorithm>

#include "cli/program.h"
#include "flowersec/base/json.h"
#include "flowersec/base/json_scan.h"
#include "flowersec/base/text.h"
#include "flowersec/identity/address.h"
#include "flowersec/rendezvous/limits.h"

namespace flowersec::apps {
namespace {

using namespace intents;  // NOLINT

chat_intents only(intent what) {
  chat_intents all;
  all.push_back(std::move(what));
  return all;
}

chat_intents complain(std::string_view code, std::string_view why) { return only(tell{trouble(code, why)}); }
chat_intents complain(error_code code) { return complain(error_name(code), code.message()); }
chat_intents no_contact(std::string_view name) {
  return complain("unknown_contact", "there is no contact " + std::string{name} + ": /contacts lists them");
}

std::string json_text(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

}  // namespace

/// What each command does.
struct chat_machine::visitor {
  chat_machine& m;
  unix_seconds now;

  chat_intents operator()(const chat::nothing&) const { return {}; }
  chat_intents operator()(const chat::bad& c) const { return complain("bad_command", c.why); }
  chat_intents operator()(const chat::help&) const { return only(tell{help_lines(chat_help())}); }
  chat_intents operator()(const chat::quit&) const { return m.on_leave(); }
  chat_intents operator()(const chat::list_contacts&) const { return only(tell{contact_list(m.known_)}); }

  chat_intents operator()(const chat::say& c) const {
    for (auto at = c.text.find(':'); at != c.text.npos && at <= identity::max_name_bytes;
         at = c.text.find(':', at + 1)) {
      const auto* to = m.known_.find(trim(std::string_view{c.text}.substr(0, at)));
      if (to == nullptr) continue;
      const auto text = trim(std::string_view{c.text}.substr(at + 1));
      return text.empty() ? complain("bad_command", "there is nothing to send") : m.send_to(*to, json_text(text));
    }
    const auto* to = m.chosen_ ? m.known_.get(*m.chosen_) : nullptr;
    if (to == nullptr) return complain("nobody_chosen", "to whom? Write NAME: text, or choose with /to NAME");
    return m.send_to(*to, json_text(c.text));
  }

  chat_intents operator()(const chat::send& c) const {
    const auto* to = m.known_.find(c.to);
    return to == nullptr ? no_contact(c.to) : m.send_to(*to, c.content);
  }

  chat_intents operator()(const chat::choose& c) const {
    const auto* to = m.known_.find(c.name);
    if (to == nullptr) return no_contact(c.name);
    m.chosen_ = to->key;
    return only(tell{contact_changed("chosen", *to)});
  }

  chat_intents operator()(const chat::add& c) const {
    const auto address = identity::parse_address(c.address);
    if (!address) return complain(address.error());
    const auto* named = m.known_.find(c.name);
    if (c.replaces) {
      if (named == nullptr) return no_contact(c.name);
      if (const auto replaced = m.known_.replace_key(c.name, address->key); !replaced)
        return complain(replaced.error());
      return m.introduce(*named, "replaced");
    }
    if (named != nullptr && named->key != address->key) {
      return only(tell{key_warning(*named, address->key, m.known_.owner().key())});
    }
    const auto added = m.known_.add(address->key, c.name);
    return added ? m.introduce(**added, "added") : complain(added.error());
  }

  chat_intents operator()(const chat::verify& c) const {
    const auto* about = m.known_.find(c.name);
    if (about == nullptr) return no_contact(c.name);
    if (!c.same) return only(tell{fingerprint(*about, m.known_.owner().key())});
    if (const auto set = m.known_.set_verified(about->key, *c.same); !set) return complain(set.error());
    auto all = only(tell{contact_changed(*c.same ? "verified" : "unverified", *about)});
    all.push_back(save{});
    return all;
  }

  chat_intents operator()(const chat::set_policy& c) const {
    const auto* about = m.known_.find(c.name);
    if (about == nullptr) return no_contact(c.name);
    const auto policy = c.blocks ? identity::contact_policy::block : identity::contact_policy::allow;
    if (const auto set = m.known_.set_policy(about->key, policy); !set) return complain(set.error());
    auto all = only(tell{contact_changed(c.blocks ? "blocked" : "unblocked", *about)});
    all.push_back(save{});
    all.push_back(refresh{});
    return all;
  }

  chat_intents operator()(const chat::remove& c) const {
    const auto* about = m.known_.find(c.name);
    if (about == nullptr) return no_contact(c.name);
    auto all = only(tell{contact_changed("removed", *about)});
    const auto key = about->key;
    if (const auto removed = m.known_.remove(key); !removed) return complain(removed.error());
    if (m.chosen_ == key) m.chosen_.reset();
    all.push_back(save{});
    all.push_back(refresh{});
    return all;
  }

  chat_intents operator()(const chat::invite& c) const {
    const auto name = m.free_name(c.guest_name.empty() ? "guest" : c.guest_name);
    if (!identity::is_valid_name(name)) return complain(make_error_code(identity::identity_errc::bad_name));
    const auto& at = m.setup_.registries.front();
    auto made = identity::invitation::make(at.url, at.keys.front(), m.known_.owner().key(), m.random_);
    if (!made) return complain(made.error());
    if (const auto added = m.open_.add(*made, now, name); !added) return complain(added.error());
    constexpr auto lifetime = std::chrono::duration_cast<std::chrono::seconds>(identity::invitation_lifetime).count();
    auto all =
        only(tell{invitation_link(m.setup_.link_front + made->fragment(), unix_seconds{count(now) + lifetime}, name)});
    all.push_back(save{});
    all.push_back(expect_guest{.given = std::move(*made), .name = name, .since = now});
    return all;
  }

  chat_intents operator()(const chat::join& c) const {
    auto given = identity::invitation::parse(c.link);
    if (!given) return complain(given.error());
    if (!m.has_registry(*given)) {
      return complain("other_registry", "that invitation is of a registry that this program was not started with: " +
                                            given->registry_url + ", key " + given->registry_key.text());
    }
    const auto* host = m.known_.get(given->host_key);
    chat_intents all;
    if (host == nullptr) {
      const auto* named = c.host_name.empty() ? nullptr : m.known_.find(c.host_name);
      if (named != nullptr) return only(tell{key_warning(*named, given->host_key, m.known_.owner().key())});
      const auto name = c.host_name.empty() ? m.free_name("host") : c.host_name;
      const auto added = m.known_.add(given->host_key, name, identity::contact_policy::allow, true);
      if (!added) return complain(added.error());
      host = *added;
      all = m.introduce(*host, "added");
    }
    m.chosen_ = host->key;
    all.push_back(use_invitation{std::move(*given)});
    all.push_back(tell{contact_changed("chosen", *host)});
    return all;
  }

  chat_intents operator()(const chat::retry& c) const {
    if (c.id && !m.failed_.contains(*c.id)) {
      return complain("unknown_message", "no message " + std::to_string(*c.id) + " has failed");
    }
    auto all = only(retry_registries{});
    std::vector<std::uint64_t> ids;
    for (const auto& [id, each] : m.failed_) {
      if (!c.id || *c.id == id) ids.push_back(id);
    }
    for (const auto id : ids) {
      auto again = std::move(m.failed_.at(id));
      m.failed_.erase(id);
      m.failed_bytes_ -= again.content.size();
      again.why = {};
      all.push_back(tell{delivered(id, again.name, delivery::sending)});
      all.push_back(intents::send{.id = id, .to = again.to, .content = again.content});
      m.under_way_.emplace(id, std::move(again));
    }
    return all;
  }

  chat_intents operator()(const chat::show_status&) const {
    auto report = m.counts_;
    report.registries = m.registries_;
    for (const auto* each : m.known_.list()) {
      if (each->policy == identity::contact_policy::allow) ++report.watched;
      if (m.called_.contains(each->key)) report.called.push_back(each->name);
    }
    report.watched = std::min(report.watched, rendezvous::max_watched_keys);
    return only(tell{status(report)});
  }

  chat_intents operator()(const chat::export_file& c) const { return only(write_copy{c.path}); }
  chat_intents operator()(const chat::import_file& c) const { return only(read_copy{c.path}); }
};

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

chat_intents chat_machine::on_command(chat::command given, unix_seconds now) {
  if (leaving_ || finished_) return {};
  return std::visit(visitor{*this, now}, std::move(given));
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
