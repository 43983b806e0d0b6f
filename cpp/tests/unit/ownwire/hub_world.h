// A hub on a virtual clock, with users and internal clients that read what they are sent.
// Test support.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "flowersec/base/json.h"
#include "flowersec/ownwire/frames.h"
#include "flowersec/ownwire/internal_frames.h"
#include "ownwire/hub.h"
#include "support/random_sources.h"

namespace flowersec::ownwire {

using namespace std::chrono_literals;

class hub_world {
 public:
  explicit hub_world(gateway_limits limits = {}) : hub{limits, random_} {}

  testing::seeded_random random_;
  class hub hub;
  mono_time now{1000s};

  // Users.
  struct user {
    connection_id id = 0;
    std::vector<gateway_frame> seen{};
    std::optional<enum end_user::how> ended{};
  };

  [[nodiscard]] std::optional<connection_id> enter(const std::string& address = "192.0.2.1") {
    const auto id = hub.admit({.counted = address, .shown = address}, now);
    if (id) {
      users[*id].id = *id;
      hub.on_open(*id, now);
    }
    settle();
    return id;
  }
  connection_id say(connection_id who, const user_frame& frame) {
    hub.on_frame(who, encode(frame), now);
    settle();
    return who;
  }
  /// A user whose session is ready.
  connection_id join(hello_frame hello = {}, const std::string& address = "192.0.2.1") {
    const auto id = enter(address);
    EXPECT_TRUE(id);
    return say(id.value_or(0), hello);
  }
  connection_id text(connection_id who, std::uint64_t id, const std::string& content = "x") {
    return say(who, text_frame{.id = id, .content = content});
  }
  void leave(connection_id who) {
    hub.on_gone(who, now);
    settle();
  }
  [[nodiscard]] welcome_frame welcome(connection_id who) {
    for (auto at = users.at(who).seen.rbegin(); at != users.at(who).seen.rend(); ++at) {
      if (const auto* found = std::get_if<welcome_frame>(&*at)) return *found;
    }
    ADD_FAILURE() << "no welcome";
    return {};
  }
  [[nodiscard]] std::string session(connection_id who) { return welcome(who).session_id; }
  /// What arrived since the last look, and forgets it.
  std::vector<gateway_frame> take(connection_id who) { return std::exchange(users.at(who).seen, {}); }
  [[nodiscard]] std::optional<gateway_frame> last(connection_id who) {
    auto seen = take(who);
    return seen.empty() ? std::nullopt : std::optional{seen.back()};
  }

  // Internal clients.
  struct client {
    bool reads = true;
    bool dropped = false;
    bool full = false;  // a batch is under way
    std::vector<std::string> seen{};
  };
  client_id connect(dialect how = dialect::compatible) {
    const auto id = hub.connect_client(how, now);
    EXPECT_TRUE(id);
    clients[id.value_or(0)];
    settle();
    return id.value_or(0);
  }
  void send(client_id who, const std::string& text) {
    hub.on_client_text(who, text, now);
    settle();
  }
  void reply(client_id who, const std::string& session_id, const std::string& content) {
    std::string out;
    json_object_writer{out}.field("session_id", session_id).field("content", content).end();
    send(who, out);
  }
  void disconnect(client_id who) {
    hub.on_client_gone(who, now);
    settle();
  }
  /// What a stopped client takes again.
  void resume_reading(client_id who) {
    clients.at(who).reads = true;
    if (std::exchange(clients.at(who).full, false)) hub.on_batch_written(who, now);
    pull(who);
    settle();
  }
  std::vector<std::string> take_client(client_id who) { return std::exchange(clients.at(who).seen, {}); }

  void pass(std::chrono::milliseconds time) {
    now += time;
    hub.on_time(now);
    settle();
  }

  void settle() {
    for (auto actions = hub.take_actions(); !actions.empty(); actions = hub.take_actions()) {
      for (const auto& action : actions) carry_out(action);
    }
    for (auto& event : hub.take_events()) events.push_back(std::move(event));
  }
  [[nodiscard]] bool told(gateway_event_kind kind) const {
    return std::ranges::any_of(events, [&](const auto& event) { return event.kind == kind; });
  }

  std::map<connection_id, user> users;
  std::set<connection_id> stalled;  // users that take nothing
  std::map<client_id, client> clients;
  std::vector<gateway_event> events;

 private:
  void carry_out(const hub_action& action) {
    if (const auto* ready = std::get_if<user_ready>(&action)) {
      if (!stalled.contains(ready->who)) read(ready->who);
    } else if (const auto* over = std::get_if<end_user>(&action)) {
      users.at(over->who).ended = over->how;
      read(over->who);
    } else if (const auto* batch = std::get_if<client_ready>(&action)) {
      pull(batch->who);
    } else if (const auto* gone = std::get_if<drop_client>(&action)) {
      clients.at(gone->who).dropped = true;
    }
  }
  void read(connection_id who) {
    for (auto frames = hub.next_frames(who); !frames.empty(); frames = hub.next_frames(who)) {
      for (const auto& text : frames) {
        auto frame = decode_gateway_frame(text);
        ASSERT_TRUE(frame) << text;
        users.at(who).seen.push_back(std::move(*frame));
      }
    }
  }
  void pull(client_id who) {
    auto& to = clients.at(who);
    while (!to.full) {
      const auto batch = hub.next_batch(who, now);
      if (batch.empty()) return;
      to.seen.insert(to.seen.end(), batch.begin(), batch.end());
      if (!to.reads) {
        to.full = true;
        return;
      }
      hub.on_batch_written(who, now);
    }
  }
};

inline gateway_frame ack(std::uint64_t id) { return ack_frame{.id = id}; }
inline gateway_frame refused(chat_error code, std::uint64_t id) {
  return error_frame{.code = code, .id = id, .fatal = false};
}
inline gateway_frame fatal(chat_error code) { return error_frame{.code = code, .fatal = true}; }
inline gateway_frame reply_of(std::uint64_t seq, const std::string& content) {
  return reply_frame{.seq = seq, .content = content};
}

}  // namespace flowersec::ownwire
