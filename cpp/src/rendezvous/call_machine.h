// Calls on the registries where we are registered, ours and those of others, up to the key of the channel: fresh keys
// for each, nobody answered who is not to be, one channel where both call at once.
// Layer rendezvous, part `client`, private. No I/O; told frames and the time, it answers with intents. When to call,
// and where, is peer_machine's. Source: SECURE_WEBSOCKET, "Calls"; IDENTITY, "The key of a call".
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <variant>

#include "flowersec/base/clock.h"
#include "flowersec/base/random.h"
#include "flowersec/identity/invitation.h"
#include "flowersec/rendezvous/client_event.h"
#include "flowersec/rendezvous/frames.h"

namespace flowersec::rendezvous {

using registry_index = std::size_t;

/// For the registry's word on a call, which it gives after 20 s at the latest.
inline constexpr std::chrono::milliseconds call_timeout{25'000};
/// How long a call of somebody else may be answered; then the registry has said that we are not there.
inline constexpr std::chrono::milliseconds answer_window{20'000};
/// Calls of unknown keys that the application is asked about at once; further ones are passed over.
inline constexpr std::size_t max_asked_calls = 16;
/// Callers whose handshake we take part in at once, of each registry; further ones are passed over. A registry that
/// makes callers up has no part in what we do at others.
inline constexpr std::size_t max_answered_callers = 64;

namespace dial {
struct say {
  registry_index registry;
  client_frame frame;
};
/// Connect in this role with this ticket. Afterwards call attached() or attach_failed() with the number.
struct attach {
  std::uint64_t number;
  public_key peer;
  identity::call_role role;
  registry_index registry;
  channel_ticket ticket;
  identity::call_psk key;
};
/// A call of ours came to nothing.
struct failed {
  public_key peer;
  registry_index registry;
  error_code why;
};
struct ask {
  incoming_call call;
};
/// A call of theirs reached us that nothing can be made of.
struct bad_call {
  public_key peer;
  error_code why;
};
/// Somebody came in with an invitation: a contact now.
struct guest {
  public_key key;
  std::string name;
  std::string note;
};
/// An invitation is used up, and nobody became a contact by it.
struct invitation_used {
  public_key key;
  std::string note;
};
}  // namespace dial

using call_intent =
    std::variant<dial::say, dial::attach, dial::failed, dial::ask, dial::bad_call, dial::guest, dial::invitation_used>;

class call_machine {
 public:
  /// `random` must outlive this.
  call_machine(std::shared_ptr<identity::contacts> contacts, bool ask_about_unknown, random_source& random)
      : contacts_(std::move(contacts)), ask_(ask_about_unknown), random_(&random) {}

  /// A registration ended, and with it every call there that was not granted.
  void gone(registry_index registry);
  void take(registry_index registry, const std::string& url, server_frame frame, mono_time now, unix_seconds wall);

  /// Calls a contact through a registry where we are registered. One call of ours at a time for each contact.
  void call(const public_key& to, registry_index via, mono_time now);
  void cancel(const public_key& to);
  [[nodiscard]] bool is_calling(const public_key& to) const noexcept { return placed_.contains(to); }

  /// Answers a call that was asked about. Passed over when it is gone, or its key is no contact's.
  void accept(std::uint64_t asked, mono_time now);
  void decline(std::uint64_t asked);

  void attached(std::uint64_t number);
  void attach_failed(std::uint64_t number);

  [[nodiscard]] result<void> expect(const identity::invitation& given, std::string name, unix_seconds now);
  /// Calls to its host carry it until one has come through.
  void use(identity::invitation given);

  void advance(mono_time now);
  [[nodiscard]] std::optional<mono_time> deadline() const;
  [[nodiscard]] std::optional<call_intent> poll_intent();

 private:
  struct placed {
    registry_index registry;
    std::uint64_t rid;
    identity::ephemeral_key own;
    bool invited;  ///< carries the invitation
    mono_time by;
  };
  struct received {
    registry_index registry;
    incoming_frame frame;
    mono_time by;
  };
  struct attaching {
    public_key peer;
    registry_index registry;
    bool ours;           ///< we called
    bool invited;        ///< the key has an invitation's secret in it
    std::string note{};  ///< of the invitation that a guest used
  };
  struct used_invitation {
    identity::invitation_secret secret;
    std::string note;
    bool carry = true;  ///< with the next call; the host may have consumed it when we did not learn that we were in
  };

  void on(registry_index registry, const std::string& url, incoming_frame frame, mono_time now, unix_seconds wall);
  void on(registry_index registry, const grant_frame& frame);
  void on(registry_index registry, const cancelled_frame& frame);
  void on(registry_index registry, const error_frame& frame);
  void answer(registry_index registry, const incoming_frame& frame, const identity::contact& from,
              const identity::invitation_secret* secret);
  void fail(const public_key& peer, error_code why);
  void attach(channel_ticket ticket, identity::call_psk key, attaching what);
  [[nodiscard]] bool has_room_for(const public_key& caller, registry_index registry) const;
  [[nodiscard]] std::string free_name(const std::string& wanted, const public_key& key) const;

  std::shared_ptr<identity::contacts> contacts_;
  bool ask_;
  random_source* random_;
  std::map<registry_index, std::uint64_t> last_rid_;
  std::map<public_key, placed> placed_;
  std::map<public_key, received> parked_;  ///< behind a call of ours that goes first
  std::map<std::uint64_t, received> asked_;
  std::map<std::uint64_t, attaching> attaching_;
  std::uint64_t last_number_ = 0;
  identity::open_invitations invitations_;
  std::map<std::string, std::string> guest_names_;  ///< by note
  std::map<public_key, used_invitation> used_;
  std::deque<call_intent> intents_;
};

}  // namespace flowersec::rendezvous
