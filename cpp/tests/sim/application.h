// What the two applications of the simulation do with their session: streams both ways with a known content, and RPC.
// Test support. Reports what arrived; a byte that nobody wrote is remembered for ever.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <variant>

#include "flowersec/rpc/client.h"
#include "flowersec/rpc/server.h"
#include "flowersec/session/machine.h"
#include "support/client_frames.h"

namespace flowersec::sim {

using session::machine;
using session::moment;
using session::stream_id;

/// The client opens `streams`, sends `up_bytes` on each and reads `down_bytes`; and makes `calls`, one behind the
/// other.
struct script {
  std::size_t streams = 2;
  std::size_t up_bytes = 3000;
  std::size_t down_bytes = 3000;
  std::size_t calls = 3;
};

/// Words that only the two ends may ever see.
inline constexpr std::string_view secret_kind = "kind-of-the-stream";
inline constexpr std::string_view secret_call = "words-of-the-call";
inline constexpr std::string_view secret_answer = "words-of-the-answer";
inline constexpr std::uint32_t call_type = 7;

[[nodiscard]] inline byte_buffer content_up(const script& plan, std::size_t stream) {
  return testing::pattern(plan.up_bytes, static_cast<unsigned>(stream));
}
[[nodiscard]] inline byte_buffer content_down(const script& plan, std::size_t stream) {
  return testing::pattern(plan.down_bytes, static_cast<unsigned>(stream) + 128);
}

class application {
 public:
  explicit application(const script& plan) : plan_(plan) {}

  /// Whether everything in the script was done, seen from this end.
  [[nodiscard]] bool done() const {
    if (streams_.size() != plan_.streams || calls_done_ != plan_.calls) return false;
    for (const auto& [id, stream] : streams_) {
      if (!stream.ended || stream.matched != stream.expected.size()) return false;
    }
    return true;
  }
  /// Something arrived that was not written at the other end, or not in its place, or twice.
  [[nodiscard]] bool saw_wrong_content() const noexcept { return wrong_; }
  /// A stream that was closed in order ended before all that was written on it had arrived.
  [[nodiscard]] bool missed_something() const noexcept { return missed_; }
  [[nodiscard]] std::size_t bytes_read() const noexcept { return bytes_read_; }
  [[nodiscard]] std::size_t calls_done() const noexcept { return calls_done_; }

  /// What is wrong with the way in which streams are read.
  enum class defect : std::uint8_t { none, loses_the_first_byte, repeats_the_first_byte, loses_the_last_byte };
  void read_badly(defect how) noexcept { defect_ = how; }
  /// While false nothing is read, so that windows and pipes fill up.
  void set_reading(bool on) noexcept { reading_ = on; }

  void on_event(machine& core, const session::machine_event& event, moment now) {
    if (const auto* up = std::get_if<session::connected>(&event)) {
      if (core.is_client()) start(core, *up->rpc_stream, now);
    } else if (const auto* arrived = std::get_if<session::stream_arrived>(&event)) {
      accept(core, *arrived, now);
      readable_.insert(arrived->id);
    } else if (const auto* readable = std::get_if<yamux::stream_readable>(&event)) {
      readable_.insert(readable->id);
    } else if (const auto* closed = std::get_if<yamux::peer_closed>(&event)) {
      readable_.insert(closed->id);
    } else if (const auto* finished = std::get_if<yamux::stream_finished>(&event)) {
      if (const auto found = streams_.find(finished->id); found != streams_.end()) found->second.ended = true;
    }
  }

  /// Reads what may be read. Whether anything was there.
  bool pump(machine& core, moment now) {
    if (!reading_ || core.over()) return false;
    bool read = false;
    for (const auto id : std::exchange(readable_, {})) read = drain(core, id, now) || read;
    return read;
  }

 private:
  struct transfer {
    byte_buffer expected;
    std::size_t matched = 0;
    bool ended = false;
  };

  void start(machine& core, stream_id rpc_stream, moment now) {
    rpc_stream_ = rpc_stream;
    rpc_.emplace<rpc::client>(rpc::client::create().value());
    call_next(core, now);
    for (std::size_t i = 0; i < plan_.streams; ++i) {
      const auto id = core.open(std::string{secret_kind} + std::to_string(i), now);
      if (!id) return;
      streams_[*id].expected = content_down(plan_, i);
      send(core, *id, content_up(plan_, i), now);
    }
  }
  void accept(machine& core, const session::stream_arrived& arrived, moment now) {
    if (arrived.kind == session::rpc_kind) {
      rpc_stream_ = arrived.id;
      rpc_.emplace<rpc::server>(rpc::server::create().value());
      return;
    }
    wrong_ |= !arrived.kind.starts_with(secret_kind);
    if (wrong_) return;
    const auto index = static_cast<std::size_t>(std::stoul(arrived.kind.substr(secret_kind.size())));
    streams_[arrived.id].expected = content_up(plan_, index);
    send(core, arrived.id, content_down(plan_, index), now);
  }
  void send(machine& core, stream_id id, byte_buffer content, moment now) {
    written_.push_back(std::move(content));
    static_cast<void>(core.write(id, written_.back(), now));
    static_cast<void>(core.close_write(id, now));
  }

  bool drain(machine& core, stream_id id, moment now) {
    bool read = false;
    std::array<std::byte, 8192> block;
    for (;;) {
      const auto got = core.read(id, block, now);
      if (!got) {
        const auto found = streams_.find(id);
        if (found != streams_.end() && got.error() == make_error_code(yamux::yamux_errc::end_of_stream)) {
          found->second.ended = true;
          missed_ |= found->second.matched != found->second.expected.size();
        }
        return read;
      }
      if (!*got) {
        static_cast<void>(core.cancel_read(id));
        return read;
      }
      read = true;
      bytes_read_ += **got;
      take(core, id, byte_view{block}.first(**got), now);
    }
  }
  void take(machine& core, stream_id id, byte_view bytes, moment now) {
    if (id == rpc_stream_) return take_rpc(core, bytes, now);
    auto& stream = streams_.at(id);
    const auto rest = byte_view{stream.expected}.subspan(stream.matched);
    const bool begins = stream.matched == 0;
    if (begins && defect_ == defect::loses_the_first_byte) bytes = bytes.subspan(1);
    if (bytes.size() == rest.size() && defect_ == defect::loses_the_last_byte) bytes = bytes.first(bytes.size() - 1);
    byte_buffer twice;
    if (begins && defect_ == defect::repeats_the_first_byte) {
      twice = to_buffer(bytes.first(1));
      append(twice, bytes);
      bytes = twice;
    }
    wrong_ |= bytes.size() > rest.size() || !std::equal(bytes.begin(), bytes.end(), rest.begin());
    if (!wrong_) stream.matched += bytes.size();
  }

  [[nodiscard]] static std::string call_text(std::size_t n) {
    return "{\"text\":\"" + std::string{secret_call} + "\",\"n\":" + std::to_string(n) + "}";
  }
  [[nodiscard]] static std::string answer_text() { return '"' + std::string{secret_answer} + '"'; }

  void call_next(machine& core, moment now) {
    auto& client = std::get<rpc::client>(rpc_);
    if (calls_done_ == plan_.calls) return;
    static_cast<void>(client.call(call_type, call_text(calls_done_), now.mono));
    write_rpc(core, client, now);
  }
  void take_rpc(machine& core, byte_view bytes, moment now) {
    while (!bytes.empty()) {
      if (auto* client = std::get_if<rpc::client>(&rpc_)) {
        client->receive(bytes, now.mono);
        while (const auto event = client->poll_event()) on_rpc(core, *event, now);
      } else {
        auto& server = std::get<rpc::server>(rpc_);
        server.receive(bytes);
        while (const auto event = server.poll_event()) on_rpc(*event);
        write_rpc(core, server, now);
      }
    }
  }
  void on_rpc(machine& core, const rpc::client_event& event, moment now) {
    const auto* finished = std::get_if<rpc::call_finished>(&event);
    const bool good = finished != nullptr && finished->outcome && *finished->outcome == rpc::success(answer_text());
    wrong_ |= !good;
    if (!good) return;
    ++calls_done_;
    call_next(core, now);
  }
  void on_rpc(const rpc::server_event& event) {
    const auto* request = std::get_if<rpc::start_request>(&event);
    wrong_ |= request == nullptr || request->type_id != call_type || request->payload != call_text(calls_done_);
    if (wrong_) return;
    std::get<rpc::server>(rpc_).finish(request->key, rpc::success(answer_text()));
    ++calls_done_;
  }
  template <class Rpc>
  void write_rpc(machine& core, Rpc& rpc, moment now) {
    while (auto frame = rpc.take_output()) {
      written_.push_back(std::move(*frame));
      static_cast<void>(core.write(rpc_stream_, written_.back(), now));
    }
  }

  script plan_;
  std::map<stream_id, transfer> streams_;
  stream_id rpc_stream_{};
  std::variant<std::monostate, rpc::client, rpc::server> rpc_;
  std::size_t calls_done_ = 0;
  std::set<stream_id> readable_;
  std::deque<byte_buffer> written_;  // writes stay in the caller's memory
  std::size_t bytes_read_ = 0;
  bool reading_ = true;
  defect defect_ = defect::none;
  bool wrong_ = false;
  bool missed_ = false;
};

}  // namespace flowersec::sim
