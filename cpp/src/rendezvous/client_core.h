// The client behind its handle: performs what the machines want, and tells them what happened.
// Layer rendezvous, part `client`, private. Everything runs on one strand.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "flowersec/rendezvous/make_artifact.h"
#include "flowersec/rendezvous/secure_socket_client.h"
#include "rendezvous/call_machine.h"
#include "rendezvous/contact_channel.h"
#include "rendezvous/conversation.h"
#include "rendezvous/peer_machine.h"
#include "rendezvous/registration_machine.h"

namespace flowersec::rendezvous {

/// For a callee: from the accepted call to the end of the handshake.
inline constexpr std::chrono::milliseconds callee_handshake_timeout{20'000};
/// Clocks of browsers are wrong; fresh keys and nonces stop what is played again.
inline constexpr std::chrono::hours channel_clock_skew{24};
/// Round trips on a channel, by both sides.
inline constexpr endpoint::liveness channel_liveness{.interval = std::chrono::seconds{25},
                                                     .timeout = std::chrono::seconds{10}};

class secure_socket_client::impl final : public std::enable_shared_from_this<secure_socket_client::impl> {
 public:
  impl(executor_type executor, secure_socket_options options);

  [[nodiscard]] executor_type strand() const { return serial_; }
  [[nodiscard]] const public_key& key() const noexcept { return key_; }

  void start(completion<error_code> done);
  void send(const public_key& to, std::string json, completion<error_code> done);
  void open(const public_key& to, completion<error_code, endpoint::session> done);
  void close(completion<error_code> done);
  /// The handle is gone: nobody is told anything any more.
  void abandon();

  void accept_call(std::uint64_t id);
  void decline_call(std::uint64_t id);
  void expect_guest(identity::invitation given, std::string name, std::optional<unix_seconds> since,
                    completion<error_code> done);
  void use_invitation(identity::invitation given);
  void refresh_contacts();
  void retry();

 private:
  using presence = registry_view::presence;

  struct registry {
    registry_address address;
    std::string base;  ///< ws or wss, without the slash at its end
    bool plaintext = false;
    registration_machine machine;
    std::map<attempt_id, std::shared_ptr<registry_connection>> connections{};
    std::map<public_key, presence> watched{};
  };
  struct sender {
    std::uint64_t serial;
    completion<error_code> done;
  };
  struct opener {
    std::uint64_t serial;
    completion<error_code, endpoint::session> done;
  };
  struct contact_state {
    contact_state(const public_key& whom, conversation_id own, conversation_settings settings,
                  const endpoint::reconnect_options& calls, std::function<double()> unit)
        : key(whom), talk(own, settings), life(calls, std::move(unit)) {}
    public_key key;
    conversation talk;
    peer_machine life;
    std::map<std::uint64_t, sender> senders{};
    std::vector<opener> openers{};
    std::shared_ptr<contact_channel> channel{};
  };
  struct attaching {
    attaching(const public_key& whom, identity::call_role as, registry_index at) : peer(whom), role(as), registry(at) {}
    public_key peer;
    identity::call_role role;
    registry_index registry;
    boost::asio::cancellation_signal stop{};
    bool turned_away = false;  ///< they are to hear nothing of us any more: no channel comes of it
  };

  // client_operations.cc
  template <class Function>
  void post(Function function);
  void close_when_left();

  // client_core.cc
  void turn();
  void set_timer();
  void tell(const socket_event& event) const;
  [[nodiscard]] mono_time now() const { return options_.clocks->mono_now(); }
  [[nodiscard]] unix_seconds wall() const { return to_unix_seconds(options_.clocks->wall_now()); }
  [[nodiscard]] const identity::contact* allowed(const public_key& key) const;

  // client_registries.cc
  bool turn_registries();
  void perform(std::size_t index, reg::dial& intent);
  void perform(std::size_t index, reg::drop& intent);
  void perform(std::size_t index, reg::send& intent);
  void perform(std::size_t index, reg::work& intent);
  void perform(std::size_t index, reg::pass& intent);
  void perform(std::size_t index, reg::changed& intent);
  void watch(std::size_t index);
  void on_presence(std::size_t index, const presence_frame& frame);
  [[nodiscard]] endpoint::connect_options dial_options(const registry& to) const;

  // client_channels.cc
  contact_state& state_of(const public_key& key);
  bool turn_calls();
  void perform(dial::say& intent);
  void perform(dial::attach& intent);
  void perform(dial::failed& intent);
  void perform(dial::ask& intent);
  void perform(dial::bad_call& intent);
  void perform(dial::guest& intent);
  void perform(dial::invitation_used& intent);
  void on_attached(std::uint64_t number, error_code failed, endpoint::session up);
  void open_channel(const attaching& through, endpoint::session up);
  bool turn_contact(contact_state& of);
  void perform(contact_state& of, talk::write& intent);
  void perform(contact_state& of, talk::deliver& intent);
  void perform(contact_state& of, talk::settle& intent);
  void perform(contact_state& of, talk::leave& intent);
  void perform(contact_state& of, talk::drop& intent);
  void perform(contact_state& of, peer::call& intent);
  void perform(contact_state& of, peer::call_again& intent);
  void perform(contact_state& of, peer::fail& intent);
  void perform(contact_state& of, peer::changed& intent);
  void lose_channel(contact_state& of, error_code why, loss how);
  void fail_waiting(contact_state& of, error_code why);
  [[nodiscard]] std::vector<registry_view> views(const public_key& of) const;

  client_strand serial_;
  secure_socket_options options_;
  public_key key_;
  std::deque<registry> registries_;  ///< a machine cannot be copied
  call_machine calls_;
  std::map<public_key, contact_state> contacts_;
  std::map<std::uint64_t, std::shared_ptr<attaching>> attaching_;
  std::vector<sender> starters_;
  std::vector<completion<error_code>> closers_;
  boost::asio::steady_timer timer_;
  std::optional<mono_time> armed_for_;
  std::atomic<std::uint64_t> next_serial_{1};
  std::size_t leaving_ = 0;  ///< channels, then registries, that close in order
  bool turning_ = false;
  enum class stage : std::uint8_t { idle, running, closing, leaving_registries, over } stage_ = stage::idle;
};

/// Uniform in 0..1; the middle without randomness, since a wait without jitter is better than none.
[[nodiscard]] double draw_unit(random_source& random);
/// ws or wss, without a slash at its end; nullopt for what may not be dialled.
struct registry_base {
  std::string url;
  bool plaintext;
};
[[nodiscard]] std::optional<registry_base> registry_base_of(std::string_view url);

}  // namespace flowersec::rendezvous
