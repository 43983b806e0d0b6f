// ownwire as a process in a folder of its own, and a client for its internal port that does what a test says.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "flowersec/base/json.h"
#include "support/process.h"
#include "support/tunnel_client.h"

namespace flowersec::testing {

/// The ready line of a program.
inline boost::json::object read_ready_line(testing_support::process& program) {
  const auto line = program.read_line();
  auto ready = parse_json_object(line.value_or(""), 1 << 20);
  if (!ready) throw std::runtime_error("no ready line: " + program.wait().err);
  return std::move(*ready);
}

class ownwire_program {
 public:
  using words = testing_support::process::words;
  using environment = testing_support::process::environment;

  /// Ports are the system's choice unless `more` says so.
  explicit ownwire_program(const std::string& folder, words more = {}, const environment& variables = {})
      : process("ownwire", arguments(std::move(more)), variables, folder), ready_(read_ready_line(process)) {}

  [[nodiscard]] std::string ready(std::string_view name) const {
    const auto* found = ready_.if_contains(name);
    return found == nullptr ? std::string{} : std::string{found->as_string()};
  }
  [[nodiscard]] std::string address() const { return ready("listen"); }
  [[nodiscard]] std::string internal() const { return ready("internal_listen"); }
  [[nodiscard]] std::string get(const std::string& path) const { return testing_support::http_get(address(), path); }
  [[nodiscard]] std::string body(const std::string& path) const {
    const auto answer = get(path);
    const auto end = answer.find("\r\n\r\n");
    return end == std::string::npos ? "<no answer>" : answer.substr(end + 4);
  }
  /// One figure of the page of metrics, which a flag has opened. Throws when the page lacks it.
  [[nodiscard]] std::uint64_t metric(const std::string& name) const {
    const auto url = ready("metrics_url");
    const auto page = testing_support::http_get(url.substr(7, url.rfind('/') - 7), "/metrics");
    const auto line = page.find("\nownwire_" + name + ' ');
    if (line == std::string::npos) throw std::runtime_error("no metric: " + name);
    return std::stoull(page.substr(page.find(' ', line + 1)));
  }
  /// The end after a signal. Its log is in what comes back.
  [[nodiscard]] testing_support::process_result stop(int signal = SIGTERM) {
    process.send_signal(signal);
    return process.wait();
  }

  testing_support::process process;

 private:
  static words arguments(words more) {
    words all{"--internal-addr=127.0.0.1:0"};
    const auto has_edge = [](const std::string& word) { return word == "--behind" || word.starts_with("--behind="); };
    if (std::none_of(more.begin(), more.end(), has_edge)) all.emplace_back("--port=0");
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  boost::json::object ready_;
};

/// One request with these header lines; the head of the answer. `tls`: over TLS.
inline std::string answer_head(const std::string& address, const std::string& method_and_path,
                               const std::string& headers = {}, bool tls = false) {
  tunnel_client client{address, {.tls = tls}};
  client.send_text(method_and_path + " HTTP/1.1\r\nHost: " + address + "\r\n" + headers + "\r\n");
  return client.read_http_head();
}

/// Code of the close frame that comes next; 0 when the connection ends without one.
inline unsigned close_code(tunnel_client& client) {
  const auto last = client.frame();
  if (!last || last->op != op_close || last->payload.size() < 2) return 0;
  return std::to_integer<unsigned>(last->payload[0]) << 8U | std::to_integer<unsigned>(last->payload[1]);
}

/// The header lines of an upgrade.
inline std::string upgrade_headers(const std::string& more = {}) {
  return "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
         more;
}

/// A site owner's program: text frames with JSON on the internal port.
class internal_client {
 public:
  explicit internal_client(const std::string& address, const std::string& headers = {}, bool tls = false)
      : socket_(address, {.tls = tls}) {
    socket_.send_text("GET /ws HTTP/1.1\r\nHost: " + address + "\r\n" + upgrade_headers(headers) + "\r\n");
    const auto head = socket_.read_http_head();
    if (!head.starts_with("HTTP/1.1 101 ")) throw std::runtime_error(head);
  }

  struct text {
    std::string session_id;
    std::string content;
    std::optional<std::string> metadata;
  };
  /// The next text of a user. Throws when something else comes: nothing else may.
  text next() {
    const auto json = socket_.message();
    const auto object = parse_json_object(json, 1 << 21);
    if (!object) throw std::runtime_error("no message: " + json);
    text found;
    json_object_reader reader{*object};
    reader.read("session_id", found.session_id);
    reader.read("content", found.content);
    reader.read("metadata", found.metadata);
    if (!reader.ok() || object->size() != (found.metadata ? 3U : 2U)) throw std::runtime_error("not a text: " + json);
    return found;
  }
  void reply(const std::string& session_id, std::string_view content,
             const std::optional<std::string>& metadata = std::nullopt) {
    std::string json;
    json_object_writer{json}
        .field("content", content)
        .field("session_id", session_id)
        .field("metadata", metadata)
        .end();
    socket_.send(client_frame(op_text, json));
  }
  [[nodiscard]] tunnel_client& socket() noexcept { return socket_; }

 private:
  tunnel_client socket_;
};

}  // namespace flowersec::testing
