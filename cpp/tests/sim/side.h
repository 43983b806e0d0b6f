// One end of a channel in the simulation: application, session machine, WebSocket frames, connection to the tunnel.
// Test support. Does what the runners of a real end do, without sockets and threads.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "application.h"
#include "flowersec/ws/close.h"
#include "flowersec/ws/message_reader.h"
#include "network.h"
#include "support/random_sources.h"

namespace flowersec::sim {

struct side_options {
  script plan{};
  crypto::suite suite = crypto::suite::x25519;
  session::session_options session{};
  std::optional<session::liveness> probes{};
  /// What the tunnel is asked for; the text of an earlier side replays its token.
  std::optional<std::string> attach_text{};
  std::int32_t idle_timeout_seconds = 60;
};

/// A message that arrived, and what the session gets to see instead.
using message_list = std::vector<byte_buffer>;
using meddler = std::function<message_list(std::size_t index, byte_buffer message)>;

inline constexpr std::string_view channel_id = "channel";

[[nodiscard]] inline std::array<std::byte, 32> channel_psk() {
  std::array<std::byte, 32> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(0xa1 + 5 * i);
  return bytes;
}

class side {
 public:
  using role = tunnel::endpoint_role;

  side(tunnel_world& tunnel, role is, side_options options, const network_options& how, choices& pick)
      : line(tunnel, how, pick),
        app(options.plan),
        tunnel_(tunnel),
        pick_(pick),
        random_(pick.number()),
        core_(machine::create(machine_options_of(is, options), random_, now()).value()),
        attach_text_(options.attach_text.value_or(mint_attach(is, options.idle_timeout_seconds))) {
    out_ = ws::make_frame(ws::opcode::text, as_bytes(attach_text_), next_mask());
  }

  /// With a machine and an attach message of somebody else's making. Keeps no messages.
  side(tunnel_world& tunnel, session::machine_options options, std::string attach_text, const script& plan,
       const network_options& how, choices& pick, std::chrono::seconds clock_ahead)
      : line(tunnel, how, pick),
        app(plan),
        tunnel_(tunnel),
        pick_(pick),
        clock_ahead_(clock_ahead),
        keeps_messages_(false),
        random_(pick.number()),
        core_(machine::create(std::move(options), random_, now()).value()),
        attach_text_(std::move(attach_text)) {
    out_ = ws::make_frame(ws::opcode::text, as_bytes(attach_text_), next_mask());
  }

  connection line;
  application app;
  meddler meddle;

  [[nodiscard]] machine& core() noexcept { return core_; }
  [[nodiscard]] moment now() const {
    return {.mono = tunnel_.clock.mono, .wall = to_unix_seconds(tunnel_.clock.wall + clock_ahead_)};
  }
  [[nodiscard]] bool connected() const noexcept { return connected_; }
  /// Why the session ended; clear while it lives.
  [[nodiscard]] error_code over_because() const noexcept { return over_because_; }
  [[nodiscard]] int times_over() const noexcept { return times_over_; }
  /// Sealed bytes that wait for the network.
  [[nodiscard]] std::size_t unsent_bytes() const noexcept { return out_.size() - out_sent_; }
  /// What the tunnel said in its close frame.
  [[nodiscard]] const std::string& close_reason() const noexcept { return close_reason_; }
  [[nodiscard]] std::optional<std::uint16_t> close_code() const noexcept { return close_code_; }
  [[nodiscard]] bool framing_broke() const noexcept { return framing_broke_; }
  [[nodiscard]] const std::string& attach_text() const noexcept { return attach_text_; }
  /// Every message after the attach, as it left the session and as it came out of the tunnel.
  [[nodiscard]] const message_list& sent() const noexcept { return sent_; }
  [[nodiscard]] const message_list& received() const noexcept { return received_; }

  /// Over, and its connection too.
  [[nodiscard]] bool at_rest() const { return core_.over() && times_over_ > 0 && line.at_rest(); }

  void close() { core_.end(make_error_code(session::session_errc::closed_here), now()); }

  /// Does a little of what can be done now. Whether there was anything.
  bool step() {
    core_.advance(now());
    bool moved = line.carry();
    moved = take_input() || moved;
    moved = take_events() || moved;
    moved = app.pump(core_, now()) || moved;
    moved = give_output() || moved;
    if (core_.over()) {
      out_.clear();
      out_sent_ = 0;
      line.finish();
    }
    return moved;
  }
  [[nodiscard]] std::optional<mono_time> next_due() const {
    const auto arrival = line.next_due();
    const auto deadline = core_.deadline();
    return arrival && deadline ? std::min(*arrival, *deadline) : arrival ? arrival : deadline;
  }

 private:
  [[nodiscard]] static session::machine_options machine_options_of(role is, const side_options& options) {
    return {.side = is == role::client ? client_handshake_of(options) : server_handshake_of(options),
            .session = options.session,
            .probes = options.probes};
  }
  [[nodiscard]] static session::handshake_side client_handshake_of(const side_options& options) {
    return handshake::client_options{.channel_id = std::string{channel_id},
                                     .suite = options.suite,
                                     .psk = crypto::psk{crypto::secret_bytes<32>{channel_psk()}},
                                     .features = 0,
                                     .limits = {}};
  }
  [[nodiscard]] static session::handshake_side server_handshake_of(const side_options& options) {
    constexpr unix_seconds init_exp{1'800'000'100};
    return session::server_side{.options = {.channel_id = std::string{channel_id},
                                            .suite = options.suite,
                                            .psk = crypto::psk{crypto::secret_bytes<32>{channel_psk()}},
                                            .init_exp = init_exp,
                                            .clock_skew = std::chrono::seconds{30},
                                            .features = 0,
                                            .limits = {}}};
  }
  [[nodiscard]] std::string mint_attach(role is, std::int32_t idle_timeout_seconds) {
    auto token = tunnel_.mint.draft(std::string{channel_id}, is == role::client ? 1 : 2);
    token.idle_timeout_seconds = idle_timeout_seconds;
    return tunnel_.mint.attach_text(token);
  }
  [[nodiscard]] ws::mask_key next_mask() {
    ws::mask_key key;
    for (auto& byte : key) byte = static_cast<std::byte>(pick_.number());
    return key;
  }

  bool take_input() {
    const auto bytes = line.receive();
    for (auto rest = byte_view{bytes}; !rest.empty();) {
      const auto room = reader_.prepare();
      const auto n = std::min(room.size(), rest.size());
      std::copy_n(rest.begin(), n, room.begin());
      reader_.commit(n);
      rest = rest.subspan(n);
      take_frames();
    }
    if (!core_.over() && line.at_end()) core_.end(make_error_code(session::session_errc::transport_closed), now());
    return !bytes.empty();
  }
  void take_frames() {
    for (;;) {
      const auto event = reader_.next();
      if (std::holds_alternative<ws::message_reader::need_more>(event)) return;
      if (const auto* message = std::get_if<ws::message_reader::message>(&event)) {
        give(message->payload);
      } else if (const auto* control = std::get_if<ws::message_reader::control>(&event)) {
        if (control->op == ws::opcode::close) take_close(control->payload);
      } else {
        framing_broke_ = true;
        return;
      }
    }
  }
  void take_close(byte_view payload) {
    const auto said = ws::parse_close_payload(payload).value();
    close_code_ = said.code;
    close_reason_ = said.reason;
  }
  void give(byte_view payload) {
    const auto index = messages_received_++;
    auto original = to_buffer(payload);
    if (keeps_messages_) received_.push_back(original);
    for (auto& message : meddle ? meddle(index, std::move(original)) : message_list{std::move(original)}) {
      core_.receive(session::message_kind::binary, message, now());
      take_events();
    }
  }
  bool take_events() {
    bool any = false;
    for (; auto event = core_.poll_event(); any = true) {
      connected_ |= std::holds_alternative<session::connected>(*event);
      if (const auto* over = std::get_if<session::session_over>(&*event)) {
        over_because_ = over->why;
        ++times_over_;
      }
      app.on_event(core_, *event, now());
    }
    return any;
  }

  /// One batch is on its way at a time, as with a real transport.
  bool give_output() {
    if (out_sent_ == out_.size() && core_.has_output()) fill();
    const auto portion = byte_view{out_}.subspan(out_sent_);
    const auto n = std::min(portion.size(), line.room());
    if (n == 0) return false;
    line.send(portion.first(n));
    out_sent_ += n;
    return true;
  }
  void fill() {
    session::outbox batch{masked_header};
    core_.fill(batch, now());
    for (const auto& message : batch.messages()) {
      if (keeps_messages_) sent_.push_back(to_buffer(batch.payload(message)));
      ws::finish_frame_in_place(batch.bytes().subspan(message.offset, message.prefix_bytes + message.size),
                                {.op = ws::opcode::binary, .mask = next_mask(), .payload_bytes = message.size});
    }
    out_ = to_buffer(batch.bytes());
    out_sent_ = 0;
  }

  [[nodiscard]] static std::size_t masked_header(std::size_t message_bytes) noexcept {
    return ws::frame_header_bytes(message_bytes, true);
  }

  tunnel_world& tunnel_;
  choices& pick_;
  std::chrono::seconds clock_ahead_{0};
  bool keeps_messages_ = true;
  testing::seeded_random random_;
  machine core_;
  std::string attach_text_;
  ws::message_reader reader_{ws::role::client, {}};
  byte_buffer out_;
  std::size_t out_sent_ = 0;
  bool connected_ = false;
  bool framing_broke_ = false;
  error_code over_because_;
  int times_over_ = 0;
  std::optional<std::uint16_t> close_code_;
  std::string close_reason_;
  std::size_t messages_received_ = 0;
  message_list sent_;
  message_list received_;
};

}  // namespace flowersec::sim
