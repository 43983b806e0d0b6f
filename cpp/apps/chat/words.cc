#include "chat/words.h"

#include "flowersec/base/display_text.h"
#include "flowersec/base/json.h"
#include "flowersec/endpoint/error.h"
#include "flowersec/rendezvous/error.h"

namespace flowersec::apps {
namespace {

/// An object that begins with what happened, and is made of valid texts.
class event {
 public:
  explicit event(std::string_view name) : writer_(json_) { writer_.field("event", name); }
  template <class T>
  event& with(std::string_view name, const T& value) {
    writer_.field(name, value);
    return *this;
  }
  event& raw(std::string_view name, std::string_view json) {
    writer_.raw(name, json);
    return *this;
  }
  event& why(error_code code) { return code ? with("error", error_name(code)) : *this; }
  shown say(std::string text) {
    writer_.end();
    return {.json = one_line_json(json_), .text = std::move(text)};
  }

 private:
  std::string json_;
  json_object_writer writer_;
};

std::string because(error_code code) { return code ? ": " + display_text(code.message()) : std::string{}; }

/// A contact as people see it everywhere.
std::string titled(const identity::contact& of) { return display_text(of.name) + (of.verified ? " \u2713" : ""); }

std::string_view policy_name(const identity::contact& of) {
  return of.policy == identity::contact_policy::allow ? "allow" : "block";
}

std::string contact_json(const identity::contact& of) {
  std::string json;
  json_object_writer{json}
      .field("name", of.name)
      .field("key", of.key.text())
      .field("policy", policy_name(of))
      .field("verified", of.verified)
      .end();
  return json;
}

/// Lines behind the first are set off, so that none can pass for a line of the program or of another contact.
std::string block(std::string_view head, std::string_view text) {
  std::string lines{head};
  for (const char each : text) {
    lines += each;
    if (each == '\n') lines += "  | ";
  }
  return lines;
}

constexpr std::string_view delivery_name(delivery state) {
  switch (state) {
    case delivery::sending:
      return "sending";
    case delivery::delivered:
      return "delivered";
    case delivery::failed:
      return "failed";
  }
  return "";
}

}  // namespace

std::string error_name(error_code code) {
  using rendezvous::rendezvous_errc;
  if (code.category() == make_error_code(rendezvous_errc::replaced).category()) {
    return std::string{to_string(static_cast<rendezvous_errc>(code.value()))};
  }
  if (const auto known = endpoint::describe_error(code)) return std::string{to_string(known->code)};
  return code.message();
}

shown ready(const identity::public_key& self, std::size_t contacts) {
  return event{"ready"}
      .with("key", self.text())
      .with("contacts", contacts)
      .say("* your key: " + self.text() + "\n* " + counted(contacts, "contact") + "; /help lists the commands");
}

shown registry(std::string_view url, std::string_view status, error_code why) {
  return event{"registry"}
      .with("url", url)
      .with("status", status)
      .why(why)
      .say("* registry " + display_text(url) + ": " + std::string{status} + because(why));
}

shown channel(const identity::contact& with, std::string_view status, error_code why) {
  return event{"channel"}
      .with("name", with.name)
      .with("key", with.key.text())
      .with("status", status)
      .why(why)
      .say("* channel to " + titled(with) + ": " + std::string{status} + because(why));
}

shown presence(const identity::contact& of, bool online) {
  return event{"presence"}
      .with("name", of.name)
      .with("key", of.key.text())
      .with("online", online)
      .say("* " + titled(of) + (online ? " is online" : " is offline, or does not watch you"));
}

shown message(const identity::contact& from, std::string_view content, std::optional<std::int64_t> sent_at_ms) {
  return event{"message"}
      .with("from", from.name)
      .with("key", from.key.text())
      .with("verified", from.verified)
      .raw("content", content)
      .with("sent_at_ms", sent_at_ms)
      .say(block(titled(from) + ": ", shown_content(content)));
}

shown delivered(std::uint64_t id, std::string_view to, delivery state, error_code why) {
  auto text = "* " + std::to_string(id) + " to " + display_text(to) + ": " + std::string{delivery_name(state)};
  if (state == delivery::failed) text += because(why) + "; /retry " + std::to_string(id) + " sends it again";
  return event{"delivery"}.with("id", id).with("to", to).with("state", delivery_name(state)).why(why).say(text);
}

shown contact_list(const identity::contacts& known) {
  std::string list = "[";
  std::string text;
  for (const auto* each : known.list()) {
    list += (list.size() > 1 ? "," : "") + contact_json(*each);
    text += (text.empty() ? "* " : "\n* ") + titled(*each) + "  " + each->key.text();
    if (each->policy == identity::contact_policy::block) text += "  blocked";
  }
  return event{"contacts"}.raw("contacts", list += ']').say(text.empty() ? "* no contacts: /add NAME KEY" : text);
}

shown contact_changed(std::string_view what, const identity::contact& about) {
  auto text = "* " + titled(about) + ": " + std::string{what};
  if (what == "guest")
    text = "* " + titled(about) + " came in with your invitation, and is a contact now: " + about.key.text();
  return event{"contact"}.with("what", what).raw("contact", contact_json(about)).say(text);
}

shown fingerprint(const identity::contact& of, const identity::public_key& self) {
  const auto digits = identity::pair_fingerprint(self, of.key);
  const auto name = display_text(of.name);
  return event{"fingerprint"}
      .with("name", of.name)
      .with("key", of.key.text())
      .with("fingerprint", digits)
      .with("verified", of.verified)
      .say("* compare with " + name + ", by voice or face to face:\n*   " + digits + "\n* if " + name +
           " sees the same: /verify " + name + " yes");
}

shown key_warning(const identity::contact& known, const identity::public_key& offered,
                  const identity::public_key& self) {
  const auto name = display_text(known.name);
  return event{"key_changed"}
      .with("name", known.name)
      .with("known_key", known.key.text())
      .with("key", offered.text())
      .with("fingerprint", identity::pair_fingerprint(self, offered))
      .say("! WARNING: " + name + " has another key than before. Somebody may be posing as " + name +
           ".\n! known:   " + known.key.text() + "\n! offered: " + offered.text() +
           "\n! fingerprint of the offered one: " + identity::pair_fingerprint(self, offered) +
           "\n! if it is right: /replace " + name + ' ' + offered.text());
}

shown stranger(const identity::public_key& from, std::string_view note) {
  auto text = "* somebody who is no contact calls: " + from.text();
  if (!note.empty()) text += "\n*   with the note, which proves nothing: " + display_text(note);
  return event{"stranger"}
      .with("key", from.text())
      .with("note", note)
      .say(text + "\n* to let them in: /add NAME " + from.text());
}

shown call_failure(const identity::public_key& from, const identity::contact* known, error_code why) {
  const auto who = known == nullptr ? from.text() : titled(*known);
  return event{"call_failed"}
      .with("key", from.text())
      .why(why)
      .say("! a call in the name of " + who + " came to nothing" + because(why));
}

shown invitation_link(std::string_view link, unix_seconds lapses, std::string_view guest_name) {
  auto made = event{"invitation"}
                  .with("link", link)
                  .with("lapses", count(lapses))
                  .with("name", guest_name)
                  .say("* give this to one person, over a way you trust; whoever has it first comes in as " +
                       display_text(guest_name) + ".\n* it is good once, for 24 hours:\n" + std::string{link});
  made.qr = link;
  return made;
}

shown status(const status_report& report) {
  std::string list = "[";
  std::string text;
  for (const auto& each : report.registries) {
    if (list.size() > 1) list += ',';
    json_object_writer{list}
        .field("url", each.registry_url)
        .field("status", each.status)
        .field("registrations", each.registrations)
        .end();
    text += "* registry " + display_text(each.registry_url) + ": " + each.status + ", registered " +
            counted(each.registrations, "time") + '\n';
  }
  std::string called = "[";
  std::string names;
  for (const auto& name : report.called) {
    if (called.size() > 1) called += ',';
    append_json_string(called, name);
    names += (names.empty() ? "" : ", ") + display_text(name);
  }
  text += "*   saw: your key, your network address, when you come and go, the keys of " +
          counted(report.watched, "contact") +
          " that you watch, and calls with: " + (names.empty() ? "nobody" : names) +
          "\n*   did not see: names, messages, how many there are, the keys that encrypt them\n* tunnel: " +
          counted(report.channels, "channel") +
          "\n*   saw: both network addresses, when, and how much\n*   did not see: who you are, messages (" +
          std::to_string(report.sent) + " delivered, " + std::to_string(report.received) + " received)";
  return event{"status"}
      .raw("registries", list += ']')
      .with("watched", report.watched)
      .raw("called", called += ']')
      .with("channels", report.channels)
      .with("delivered", report.sent)
      .with("received", report.received)
      .say(text);
}

shown exported(std::string_view path) {
  return event{"exported"}
      .with("file", path)
      .say("* written: " + display_text(path) + "; it holds your private key: who has it is you");
}

shown imported(std::size_t added, std::size_t known, std::size_t refused) {
  return event{"imported"}
      .with("added", added)
      .with("known", known)
      .with("refused", refused)
      .say("* " + counted(added, "contact") + " added, " + std::to_string(known) + " known before, " +
           std::to_string(refused) + " refused");
}

shown help_lines(std::string_view text) { return event{"help"}.with("text", text).say(std::string{text}); }

shown trouble(std::string_view code, std::string_view why) {
  return event{"error"}.with("error", code).with("text", why).say("! " + display_text(why));
}

shown waiting(std::size_t messages) {
  return event{"waiting"}
      .with("messages", messages)
      .say("* waiting for " + counted(messages, "message") + " to be delivered; once more ends at once");
}

shown ended(const std::vector<undelivered_message>& undelivered) {
  std::string list = "[";
  std::string text;
  for (const auto& each : undelivered) {
    if (list.size() > 1) list += ',';
    json_object_writer{list}
        .field("id", each.id)
        .field("to", each.to)
        .raw("content", each.content)
        .field("error", each.why)
        .end();
    text += (text.empty() ? "" : "\n") +
            block("! not delivered to " + display_text(each.to) + ": ", shown_content(each.content));
  }
  return event{"ended"}.raw("undelivered", list += ']').say(text);
}

}  // namespace flowersec::apps
