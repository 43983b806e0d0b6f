#include <algorithm>

#include "chat/answers.h"
#include "chat/machine.h"
#include "flowersec/base/json.h"
#include "flowersec/base/text.h"
#include "flowersec/identity/address.h"
#include "flowersec/rendezvous/limits.h"

namespace flowersec::apps {

using namespace intents;  // NOLINT

namespace {

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

chat_intents chat_machine::on_command(chat::command given, unix_seconds now) {
  if (leaving_ || finished_) return {};
  return std::visit(visitor{*this, now}, std::move(given));
}

}  // namespace flowersec::apps
