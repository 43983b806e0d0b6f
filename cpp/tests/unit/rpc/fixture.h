// Frames of an RPC stream as texts, and what the two machines report, as lines.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "flowersec/rpc/client.h"
#include "flowersec/rpc/server.h"

namespace flowersec::rpc {

/// One JSON frame, written without the library under test.
[[nodiscard]] inline byte_buffer frame_of(std::string_view text) {
  byte_buffer frame;
  append_be(frame, static_cast<std::uint32_t>(text.size()));
  append(frame, text);
  return frame;
}

/// The text in exactly one frame.
[[nodiscard]] inline std::string text_in(const byte_buffer& frame) {
  EXPECT_GE(frame.size(), 4U);
  EXPECT_EQ(load_be<std::uint32_t>(frame.data()), frame.size() - 4);
  return std::string{as_text(byte_view{frame}.subspan(4))};
}

template <class Machine>
[[nodiscard]] std::vector<std::string> taken_from(Machine& machine) {
  std::vector<std::string> texts;
  while (const auto frame = machine.take_output()) texts.push_back(text_in(*frame));
  return texts;
}

[[nodiscard]] inline std::string request_text(std::uint32_t type_id, std::uint64_t id,
                                              std::string_view payload = "{}") {
  return "{\"type_id\":" + std::to_string(type_id) + ",\"request_id\":" + std::to_string(id) +
         ",\"response_to\":0,\"payload\":" + std::string{payload} + "}";
}
[[nodiscard]] inline std::string notification_text(std::uint32_t type_id, std::string_view payload = "{}") {
  return request_text(type_id, 0, payload);
}
[[nodiscard]] inline std::string response_text(std::uint32_t type_id, std::uint64_t to, std::string_view payload) {
  return "{\"type_id\":" + std::to_string(type_id) + ",\"request_id\":0,\"response_to\":" + std::to_string(to) +
         ",\"payload\":" + std::string{payload} + "}";
}
[[nodiscard]] inline std::string error_text(std::uint32_t type_id, std::uint64_t to, std::uint32_t code,
                                            std::string_view message) {
  return "{\"type_id\":" + std::to_string(type_id) + ",\"request_id\":0,\"response_to\":" + std::to_string(to) +
         ",\"payload\":null,\"error\":{\"code\":" + std::to_string(code) + ",\"message\":\"" + std::string{message} +
         "\"}}";
}

[[nodiscard]] inline mono_time at(int seconds) { return mono_time{} + std::chrono::seconds{seconds}; }

/// Records every call as a line.
class recording_observer final : public observer {
 public:
  void on_server_request(call_result result) noexcept override {
    lines.push_back(std::string{"request "} + label(result));
  }
  void on_server_frame_error(frame_direction way) noexcept override {
    lines.push_back(std::string{"server frame "} + label(way));
  }
  void on_client_frame_error(frame_direction way) noexcept override {
    lines.push_back(std::string{"client frame "} + label(way));
  }
  void on_client_call(call_result result, std::chrono::nanoseconds elapsed) noexcept override {
    lines.push_back(std::string{"call "} + label(result) + " " +
                    std::to_string(std::chrono::duration_cast<std::chrono::seconds>(elapsed).count()));
  }
  void on_client_notify() noexcept override { lines.emplace_back("notify"); }

  std::vector<std::string> lines;
};

/// A client with a scripted peer.
class client_fixture {
 public:
  explicit client_fixture(const client_options& options = {}) : machine(*client::create(options)) {}

  client_fixture& peer(std::string_view text, mono_time now = {}) { return peer_bytes(frame_of(text), now); }
  client_fixture& peer_bytes(const byte_buffer& bytes, mono_time now = {});
  client_fixture& expect(const std::vector<std::string>& expected);
  /// Starts a call and forgets its frame.
  call_id called(std::uint32_t type_id, mono_time now = {});

  client machine;

 private:
  void collect();
  std::vector<std::string> events_;
};

/// A server with a scripted peer. Handlers are started by nobody: tests finish them by key.
class server_fixture {
 public:
  explicit server_fixture(const server_options& options = {}) : machine(*server::create(options)) {}

  server_fixture& peer(std::string_view text) { return peer_bytes(frame_of(text)); }
  server_fixture& peer_bytes(const byte_buffer& bytes);
  server_fixture& expect(const std::vector<std::string>& expected);
  server_fixture& expect_sent(const std::vector<std::string>& expected);

  server machine;

 private:
  void collect();
  std::vector<std::string> events_;
};

}  // namespace flowersec::rpc
