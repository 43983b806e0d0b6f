// The messenger without its terminal and its network: told commands and what happened, it answers with what is to be
// done. Layer apps. No I/O, no clock; not thread-safe. Changes the contacts and invitations that it was given.
// Source: SECURE_WEBSOCKET, "Chat".
#pragma once

#include <map>
#include <optional>
#include <set>

#include "chat/command.h"
#include "chat/intents.h"
#include "flowersec/identity/file.h"
#include "flowersec/rendezvous/client_event.h"

namespace flowersec::apps {

/// Messages that were given up and may be sent again, and their bytes. Beyond them the oldest are forgotten.
inline constexpr std::size_t max_failed_messages = 100;
inline constexpr std::size_t max_failed_bytes = 4'194'304;
/// Calls of strangers that are remembered until their key is added. Beyond them the oldest is forgotten.
inline constexpr std::size_t max_strangers = 16;

struct chat_registry {
  std::string url;  ///< as parse_registry_url() gives it
  std::vector<identity::public_key> keys;
};

struct chat_setup {
  /// At least one; the first is that of invitations.
  std::vector<chat_registry> registries;
  /// What stands before the fragment of an invitation: the address of a page, or "flowersec:".
  std::string link_front = "flowersec:";
};

class chat_machine {
 public:
  /// What is referred to must outlive the machine.
  chat_machine(chat_setup setup, identity::contacts& known, identity::open_invitations& open, random_source& random)
      : setup_(std::move(setup)), known_(known), open_(open), random_(random) {}

  [[nodiscard]] chat_intents start(unix_seconds now);
  [[nodiscard]] chat_intents on_command(chat::command given, unix_seconds now);
  /// A contact's message, which is told with this.
  [[nodiscard]] chat_intents on_message(const rendezvous::received_message& received);
  [[nodiscard]] chat_intents on_incoming(const rendezvous::incoming_call& call);
  [[nodiscard]] chat_intents on_event(const rendezvous::socket_event& what);
  /// What became of a message. Success: the contact's program has it.
  [[nodiscard]] chat_intents on_sent(std::uint64_t id, error_code why);
  /// An empty complaint: it was written.
  [[nodiscard]] chat_intents on_exported(const std::string& path, const std::string& complaint);
  [[nodiscard]] chat_intents on_imported(const identity::file_result<identity::stored_identity>& found);
  /// The input ended, or somebody wants to leave: once for what is under way to be delivered, twice for now.
  [[nodiscard]] chat_intents on_leave();
  [[nodiscard]] chat_intents on_patience_over();

 private:
  struct outgoing {
    identity::public_key to;
    std::string name;
    std::string content;
    error_code why{};
  };
  struct visitor;

  chat_intents send_to(const identity::contact& to, std::string content);
  chat_intents introduce(const identity::contact& added, std::string_view what);
  void keep_failed(std::uint64_t id, outgoing message);
  [[nodiscard]] std::string free_name(std::string_view wanted) const;
  [[nodiscard]] bool has_registry(const identity::invitation& of) const;
  [[nodiscard]] chat_intents finish();

  chat_setup setup_;
  identity::contacts& known_;
  identity::open_invitations& open_;
  random_source& random_;
  std::optional<identity::public_key> chosen_;
  std::map<std::uint64_t, outgoing> under_way_;
  std::map<std::uint64_t, outgoing> failed_;
  std::size_t failed_bytes_ = 0;
  std::uint64_t last_id_ = 0;
  std::vector<std::pair<identity::public_key, std::uint64_t>> strangers_;
  std::vector<status_line> registries_;
  std::set<identity::public_key> called_;
  status_report counts_;
  bool leaving_ = false;
  bool finished_ = false;
};

}  // namespace flowersec::apps
