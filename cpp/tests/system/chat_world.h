// A tunnel, a registry, and messengers, as processes.
// Test support.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "support/own_loopback.h"
#include "support/process.h"

namespace flowersec::chat_world {

using testing_support::process;
using testing_support::temporary_folder;
namespace json = boost::json;

inline std::string text_of(const json::object& event, std::string_view name) {
  const auto* found = event.if_contains(json::string_view{name.data(), name.size()});
  return found != nullptr && found->is_string() ? std::string{found->as_string()} : std::string{};
}

/// The first line of a server, as JSON.
inline json::object ready_of(process& server) {
  const auto line = server.read_line();
  if (!line) throw std::runtime_error("it did not start: " + server.err_so_far());
  return json::parse(*line).as_object();
}

/// A messenger in its mode for scripts.
class messenger {
 public:
  messenger(process::words arguments, const std::string& folder)
      : child_("flowersec", with_front(std::move(arguments)), {}, folder, process::input::lines) {
    key_ = text_of(event("ready"), "key");
  }

  [[nodiscard]] const std::string& key() const { return key_; }
  process& child() { return child_; }

  void tell(const json::object& command) { child_.write_line(json::serialize(command)); }
  void add(const std::string& name, const messenger& other) {
    tell({{"do", "add"}, {"name", name}, {"key", other.key()}});
    (void)event("contact");
  }
  void send(const std::string& to, const json::value& content) {
    tell({{"do", "send"}, {"to", to}, {"content", content}});
  }

  /// The first event of this name that is so and was not given before; others stay.
  json::object event(const std::string& name, const std::function<bool(const json::object&)>& wanted = {}) {
    const auto is_it = [&](const json::object& each) {
      return text_of(each, "event") == name && (!wanted || wanted(each));
    };
    auto found = std::find_if(events_.begin(), events_.end(), is_it);
    while (found == events_.end()) {
      const auto line = child_.read_line();
      if (!line) throw std::runtime_error("no event " + name + ":\n" + child_.err_so_far());
      events_.push_back(json::parse(*line).as_object());
      found = std::find_if(std::prev(events_.end()), events_.end(), is_it);
    }
    auto event = std::move(*found);
    events_.erase(found);
    return event;
  }
  void await_registered() {
    (void)event("registry", [](const auto& e) { return text_of(e, "status") == "registered"; });
  }
  json::object delivery(const std::string& state) {
    return event("delivery", [&](const auto& e) { return text_of(e, "state") == state; });
  }
  /// Ends its input; what it says last, and its exit code.
  std::pair<json::object, int> leave() {
    child_.end_input();
    auto last = event("ended");
    return {std::move(last), child_.wait().exit_code};
  }

 private:
  static process::words with_front(process::words arguments) {
    arguments.insert(arguments.begin(), {"chat", "--json"});
    return arguments;
  }

  process child_;
  std::deque<json::object> events_;
  std::string key_;
};

/// The servers of a test.
class world {
 public:
  world() {
    const auto made = testing_support::run_program("flowersec-issuer-keygen", {"--out-dir", folder_.file("keys")});
    if (made.exit_code != 0) throw std::runtime_error(made.err);
    tunnel_.emplace("flowersec-tunnel",
                    process::words{"--listen", "127.0.0.1:0", "--issuer-keys-file",
                                   folder_.file("keys/issuer_keys.json"), "--aud", "chat", "--iss", "r"});
    tunnel_url_ = text_of(ready_of(*tunnel_), "ws_url");
    start_registry(testing_support::own_loopback() + ":0");
  }

  void start_registry(const std::string& listen) {
    registry_.reset();
    registry_.emplace("flowersec-registry",
                      process::words{"--listen", listen, "--key-file", folder_.file("registry.json"), "--issuer-keys",
                                     folder_.file("keys/issuer_key.json"), "--tunnel-url", tunnel_url_, "--aud", "chat",
                                     "--iss", "r", "--log-level", "debug"});
    const auto ready = ready_of(*registry_);
    registry_listen_ = text_of(ready, "listen");
    registry_key_ = text_of(ready, "registry_key");
  }

  [[nodiscard]] process::words registry_flags() const {
    return {"--registry", registry_url(), "--registry-key", registry_key_, "--insecure-loopback"};
  }
  [[nodiscard]] process::words flags(const std::string& identity, process::words more = {}) const {
    auto all = registry_flags();
    all.insert(all.end(), {"--identity", identity});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] std::unique_ptr<messenger> newcomer(const std::string& name, process::words more = {}) {
    more.emplace_back("--new-identity");
    return std::make_unique<messenger>(flags(name + ".json", std::move(more)), folder_.path());
  }
  [[nodiscard]] std::unique_ptr<messenger> again(const std::string& name, process::words more = {}) {
    return std::make_unique<messenger>(flags(name + ".json", std::move(more)), folder_.path());
  }

  [[nodiscard]] std::string registry_url() const { return "ws://" + registry_listen_; }
  [[nodiscard]] const std::string& registry_listen() const { return registry_listen_; }
  [[nodiscard]] const temporary_folder& folder() const { return folder_; }
  process& registry() { return *registry_; }
  process& tunnel() { return *tunnel_; }

 private:
  temporary_folder folder_;
  std::optional<process> tunnel_;
  std::optional<process> registry_;
  std::string tunnel_url_;
  std::string registry_listen_;
  std::string registry_key_;
};

}  // namespace flowersec::chat_world
