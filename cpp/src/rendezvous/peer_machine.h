// When a contact is called, where, and when that is given up: one of these for each contact that we talk with.
// Layer rendezvous, part `client`, private. No I/O; told what happened and the time, it answers with intents.
// Source: SECURE_WEBSOCKET, "Channels".
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <variant>

#include "flowersec/base/clock.h"
#include "flowersec/endpoint/reconnect_options.h"
#include "flowersec/identity/call_psk.h"
#include "flowersec/rendezvous/client_event.h"
#include "flowersec/rendezvous/error.h"

namespace flowersec::rendezvous {

/// After a lost channel that they had called for, they call again. When they have not for so long, we do.
inline constexpr std::chrono::milliseconds callee_patience{10'000};
/// A channel that lasted so long was a good one: what went wrong before it is forgotten.
inline constexpr std::chrono::milliseconds settled_channel{10'000};

/// A contact who came while we call, and was rung all the same, answers by then. Who was not is called anew.
inline constexpr std::chrono::milliseconds arrival_patience{1'000};

/// How a channel ended.
enum class loss : std::uint8_t {
  broken,
  left,    ///< one side said bye
  silent,  ///< given up, as they did not answer: it was no good one, however long it lasted
};

/// What is known of a contact at one registry.
struct registry_view {
  enum class presence : std::uint8_t {
    unknown,  ///< not told yet
    absent,   ///< offline, or they do not watch us: the same answer
    online,
    left,  ///< was online, so they watch us, and went away
  };
  bool registered = false;
  bool trying = false;  ///< not registered, and not given up
  presence seen = presence::unknown;
};

namespace peer {
/// Place a call there.
struct call {
  std::size_t registry;
};
/// The contact was not there to be rung, and is now: place the call anew.
struct call_again {
  std::size_t registry;
};
/// Nothing is tried any more: whoever waits for the channel fails.
struct fail {
  error_code why;
};
struct changed {
  channel_status status;
  error_code why;
};
}  // namespace peer

using peer_intent = std::variant<peer::call, peer::call_again, peer::fail, peer::changed>;

class peer_machine {
 public:
  using role = identity::call_role;

  /// `unit` draws numbers, uniform in 0..1, for the waits. `calls` are valid.
  peer_machine(endpoint::reconnect_options calls, std::function<double()> unit)
      : options_(calls), unit_(std::move(unit)) {}

  void call_failed(std::size_t registry, error_code why);
  /// A ticket is there, for a call of ours or of theirs. `still_calling`: our call at another registry goes on.
  void attaching(std::uint64_t ticket, std::size_t registry, role as, bool still_calling);
  void attach_failed(std::uint64_t ticket, std::size_t registry, role as, error_code why, mono_time now);
  /// What came of a ticket is not wanted any more, as they were turned away meanwhile; that is no failure.
  void attach_dropped(std::uint64_t ticket) noexcept;
  /// A channel is there, in the place of any before it.
  void opened(std::size_t registry, role as, mono_time now);
  void lost(error_code why, loss how, mono_time now);
  /// They are to hear nothing of us: a call of ours is cancelled, and no channel is got back.
  void turned_away();
  /// Nothing is tried any more, whatever happens.
  void stop() noexcept { stopped_ = true; }

  /// Decides, after anything has changed. `wanted`: something waits for the channel.
  void step(std::span<const registry_view> registries, bool wanted, mono_time now);
  [[nodiscard]] std::optional<mono_time> deadline() const;
  [[nodiscard]] std::optional<peer_intent> poll_intent();
  [[nodiscard]] bool is_open() const noexcept { return channel_.has_value(); }

 private:
  enum class activity : std::uint8_t { none, calling, attaching, waiting };
  struct channel {
    role as;
    mono_time since;
  };
  struct placed {
    std::size_t registry;
    bool missed = false;  ///< the registry has said since that they are not there
    bool again = false;   ///< placed anew already: a registry that makes comings up cannot go on for ever
    std::optional<mono_time> again_at{};
  };

  [[nodiscard]] std::optional<std::size_t> choose(std::span<const registry_view> registries) const;
  [[nodiscard]] static bool all_left(std::span<const registry_view> registries);
  void watch_call(const registry_view& at, mono_time now);
  void failed_at(std::size_t registry, error_code why);
  [[nodiscard]] int max_rounds() const noexcept { return options_.enabled ? options_.max_attempts : 1; }
  void round_failed(error_code why, mono_time now);
  void give_up(error_code why);
  void wait(std::chrono::milliseconds delay, mono_time now);
  [[nodiscard]] std::chrono::milliseconds delay();
  void become(channel_status status, error_code why);

  endpoint::reconnect_options options_;
  std::function<double()> unit_;
  std::optional<channel> channel_;
  bool stopped_ = false;
  activity doing_ = activity::none;
  mono_time until_{};
  placed call_{};            ///< while calling
  bool wanted_ = false;      ///< at the last step
  bool recovering_ = false;  ///< the channel is got back although nothing waits for it
  int failed_rounds_ = 0;
  std::set<std::uint64_t> awaited_;  ///< tickets being used that are worth waiting for
  std::set<std::size_t> tried_;      ///< in this round
  std::set<std::size_t> doubtful_;   ///< told of a call of theirs that came to nothing; until the next channel
  error_code last_error_;
  std::optional<std::size_t> preferred_;  ///< of the last channel
  channel_status status_ = channel_status::closed;
  std::deque<peer_intent> intents_;
};

}  // namespace flowersec::rendezvous
