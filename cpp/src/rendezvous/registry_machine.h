// A registry without its sockets: who is registered, who calls, who watches.
// Layer rendezvous, part `registry`, private, no I/O. Told frames and the time; answers with actions. One owner, no
// locks. Source: REGISTRY.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

#include "flowersec/base/random.h"
#include "flowersec/crypto/secretbox.h"
#include "flowersec/rendezvous/frames.h"
#include "flowersec/rendezvous/registry_events.h"
#include "flowersec/rendezvous/ticket_mint.h"
#include "rendezvous/registry_keys.h"
#include "ws/visitors.h"

namespace flowersec::rendezvous {

using socket_id = std::uint64_t;

struct send_text {
  socket_id to = 0;
  std::string text;
};
/// Behind what was sent before it. The machine has forgotten the socket.
struct end_socket {
  socket_id who = 0;
  std::uint16_t close_code = 0;  ///< 0: at once, without a word
  std::string reason{};
};
using registry_action = std::variant<send_text, end_socket>;

/// What a client of the original is told when it is not let in.
[[nodiscard]] std::string legacy_failure(std::string_view why);
inline constexpr std::string_view legacy_too_often = "too many registrations";

struct registry_setup {
  std::shared_ptr<const registry_keys> keys;
  ticket_mint mint;
  /// Asks for work instead of refusing an address that registers too often.
  bool work = false;
  /// Whether a call may go on; one that may not is answered as if nobody were there. Absent: all may.
  std::function<bool(const public_key& from, const public_key& to)> may_call{};
  /// Whether a socket can be sent what strangers say as fast as they like. Absent: each can.
  std::function<bool(socket_id)> has_room{};
  random_source* random = &system_random();
};

class registry_machine {
 public:
  registry_machine(const registry_limits& limits, registry_setup setup);

  /// A socket on its way in, before any computation for it. nullopt: refused; answer with `rate_limited`.
  [[nodiscard]] std::optional<socket_id> admit(const ws::visitor_address& from, mono_time now);
  /// Frames can be sent: the challenge leaves.
  void on_open(socket_id who, mono_time now);
  /// The same in the compatible mode. `path_key`: the key of the path, which must be the one that registers.
  void on_open_legacy(socket_id who, const std::optional<public_key>& path_key, mono_time now, wall_time wall);
  void on_frame(socket_id who, std::string_view text, mono_time now);
  /// What came is no text of the format.
  void on_bad_frame(socket_id who, mono_time now);
  /// It does not take what is sent to it.
  void on_slow(socket_id who, mono_time now);
  void on_gone(socket_id who, mono_time now);
  void on_time(mono_time now);
  [[nodiscard]] std::optional<mono_time> next_deadline() const;

  /// For the challenges to come; proofs for keys that are gone are refused.
  void replace_keys(std::shared_ptr<const registry_keys> keys) { setup_.keys = std::move(keys); }
  [[nodiscard]] bool knows(socket_id who) const { return sockets_.contains(who); }
  /// Tells everybody, and lets nobody in any more.
  void stop(mono_time now);

  [[nodiscard]] std::vector<registry_action> take_actions() { return std::exchange(actions_, {}); }
  [[nodiscard]] std::vector<registry_event> take_events() { return std::exchange(events_, {}); }
  [[nodiscard]] registry_counts counts() const;

 private:
  enum class phase : std::uint8_t { admitted, challenged, registered };
  struct legacy_part {
    std::optional<public_key> path_key;
    std::array<std::byte, crypto::secretbox_nonce_bytes> nonce{};
    std::string challenge_text;
    std::shared_ptr<const registry_keys> keys;
  };
  struct socket {
    ws::visitor_address from;
    phase at = phase::admitted;
    bool asks_work = false;
    std::list<socket_id>::iterator waiting{};  // place among the unregistered
    challenge_value challenge{};
    mono_time deadline{};  // of the registration
    mono_time heard{};
    bool pinged = false;
    std::optional<public_key> key{};
    instance_id instance{};
    std::uint64_t last_rid = 0;
    std::vector<std::uint64_t> calls{};    // open ones of this socket, ascending
    std::vector<std::uint64_t> ringing{};  // those to it, ascending
    std::vector<public_key> watched{};
    mono_time wake{};  // the one of wakes_ that counts
    std::unique_ptr<legacy_part> legacy{};
  };
  struct key_entry {
    socket_id at = 0;  // 0: not registered, but its calls are remembered
    ws::rate_bucket calls{};
  };
  struct call {
    std::string id;
    socket_id caller = 0;
    std::uint64_t rid = 0;
    public_key callee;
    socket_id ringing_at = 0;  // 0: nobody will answer
    mono_time deadline{};
    channel_ticket ticket{};  // of the caller
  };
  using sockets = std::unordered_map<socket_id, socket>;
  using calls = std::map<std::uint64_t, call>;  // by number, and so by deadline

  // Sockets.
  void send(socket_id to, const server_frame& frame);
  void send_text_to(socket_id to, std::string text) { actions_.push_back(send_text{to, std::move(text)}); }
  void fail(socket_id who, rendezvous_errc code, mono_time now);
  void end(socket_id who, std::uint16_t close_code, std::string_view reason, mono_time now);
  void drop(socket_id who, std::string_view why, mono_time now);
  void forget(sockets::iterator which, mono_time now);
  void leave_waiting(socket& of);
  void wake_at(socket& of, mono_time when, socket_id who) {
    of.wake = when;
    wakes_.emplace(when, who);
  }
  void look_after(socket_id who, mono_time now);
  void report(registry_event event) { events_.push_back(std::move(event)); }
  [[nodiscard]] socket* find(socket_id who);
  [[nodiscard]] bool fill(mutable_byte_view into) { return setup_.random->fill(into); }
  [[nodiscard]] std::string random_id(std::size_t bytes);

  // Registration.
  void on_register(socket_id who, socket& of, const register_frame& frame, mono_time now);
  [[nodiscard]] std::optional<rendezvous_errc> check(const socket& of, const register_frame& frame,
                                                     mono_time now) const;
  [[nodiscard]] bool make_room_for(socket_id who, const register_frame& frame, mono_time now);
  void unregister(socket_id who, const socket& of, mono_time now);
  void forget_keys(mono_time now);

  // Frames of who is registered.
  void on_registered_frame(socket_id who, socket& of, const client_frame& frame, mono_time now);
  void on_call(socket_id who, socket& of, const call_frame& frame, mono_time now);
  void ring(std::uint64_t number, call& of, const public_key& from, const call_frame& frame);
  void on_accept(socket_id who, const accept_frame& frame);
  void on_decline(socket_id who, const decline_frame& frame);
  void on_cancel(socket& of, const cancel_frame& frame);
  [[nodiscard]] calls::iterator find_ringing(socket_id at, const std::string& id);
  void stop_ringing(std::uint64_t number, call& of, bool tell);
  void erase_call(calls::iterator which);
  void refuse_call(socket_id who, std::uint64_t rid, rendezvous_errc code);
  void expire_calls(mono_time now);
  void on_watch(socket_id who, socket& of, const watch_frame& frame);
  void on_unwatch(socket& of, const unwatch_frame& frame);
  [[nodiscard]] socket_id mutual(const public_key& watcher, const public_key& watched);

  // The compatible mode.
  void on_legacy_frame(socket_id who, socket& of, std::string_view text, mono_time now);
  void on_legacy_response(socket_id who, socket& of, std::string_view text, mono_time now);
  void route_legacy(socket_id who, std::string_view text);
  void fail_legacy(socket_id who, std::string_view why, mono_time now);

  registry_limits limits_;
  registry_setup setup_;
  sockets sockets_;
  std::list<socket_id> unregistered_;  // the oldest first
  ws::visitors visitors_;
  std::map<public_key, key_entry> keys_;
  std::list<std::pair<mono_time, public_key>> remembered_;
  std::map<public_key, socket_id> legacy_keys_;
  calls calls_;
  std::unordered_map<std::string, std::uint64_t> calls_by_id_;
  std::multimap<mono_time, socket_id> wakes_;
  std::vector<registry_action> actions_;
  std::vector<registry_event> events_;
  registry_counts counts_;
  std::uint64_t registered_ = 0;
  std::uint64_t watched_ = 0;
  socket_id last_socket_ = 0;
  std::uint64_t last_call_ = 0;
  bool stopping_ = false;
};

}  // namespace flowersec::rendezvous
