// A peer that has the key and keeps no rule: a whole session, from the handshake on, is given genuine records with any
// contents and messages of any bytes, between calls that an application could make and while the time passes. Whatever
// happens: limits hold, what is sent opens at the other end, and the end is told once.
#include <cstdint>
#include <cstdlib>

#include "flowersec/session/machine.h"
#include "session/traffic.h"
#include "support/random_sources.h"

namespace {

using namespace flowersec;
using namespace flowersec::session;

constexpr unix_seconds today{1'800'000'000};
constexpr unix_seconds init_exp{1'800'000'060};
constexpr std::string_view channel_id = "channel";
constexpr std::uint32_t every_feature = 0xffffffff;

void require(bool holds) {
  if (!holds) std::abort();
}

crypto::psk channel_psk() {
  std::array<std::byte, 32> bytes{};
  bytes.fill(std::byte{7});
  return crypto::psk{crypto::secret_bytes<32>{bytes}};
}

handshake::client_options client_of(std::uint32_t features) {
  return {.channel_id = std::string{channel_id},
          .suite = crypto::suite::x25519,
          .psk = channel_psk(),
          .features = features,
          .limits = {}};
}

handshake::server_options server_of(std::uint32_t features) {
  return {.channel_id = std::string{channel_id},
          .suite = crypto::suite::x25519,
          .psk = channel_psk(),
          .init_exp = init_exp,
          .features = features,
          .limits = {}};
}

machine_options options_of(bool is_client, std::uint32_t features) {
  session_options limits;
  limits.yamux.max_active_streams = 8;
  limits.yamux.max_inbound_streams = 6;
  limits.yamux.max_session_receive_bytes = 400'000;
  handshake_side side = client_of(features);
  if (!is_client) side = server_side{.options = server_of(features)};
  return {.side = std::move(side),
          .session = limits,
          .probes = liveness{.interval = std::chrono::seconds{5}, .timeout = std::chrono::seconds{4}}};
}

class harness {
 public:
  harness(bool is_client, std::uint32_t features)
      : is_client_(is_client), machine_(machine::create(options_of(is_client, features), random_, now()).value()) {
    is_client ? shake_hands_as_server() : shake_hands_as_client();
    pass_on();
    events();
  }

  /// Low three bits of the byte what, high five which stream or how much.
  void command(byte_reader& input) {
    const auto code = *input.read<std::uint8_t>();
    const auto argument = static_cast<std::uint32_t>(code >> 3U);
    const stream_id id{argument};
    switch (code & 7U) {
      case 0:
      case 1:
        seal_and_send(*input.take(std::min<std::size_t>(std::size_t{argument} * argument + 1, input.size())));
        break;
      case 2:
        say(id, input);
        break;
      case 3:
        act(argument, input);
        break;
      case 4:
        read(id);
        break;
      case 5:
        time_.mono += std::chrono::milliseconds{100} * argument;
        machine_.advance(now());
        break;
      case 6:
        pass_on();
        break;
      default:
        receive(to_buffer(*input.take(std::min<std::size_t>(argument, input.size()))));
    }
    events();
  }

  void finish() {
    pass_on();
    machine_.end(make_error_code(session_errc::closed_here), now());
    events();
    require(machine_.over() && times_over_ == 1 && !machine_.has_output() && !machine_.deadline());
  }

 private:
  [[nodiscard]] handshake::moment now() const { return time_; }

  void receive(byte_buffer message) {
    machine_.receive(message_kind::binary, message, now());
    events();
  }
  std::vector<byte_buffer> output() {
    outbox batch{[](std::size_t) noexcept -> std::size_t { return 0; }};
    machine_.fill(batch, now());
    std::vector<byte_buffer> all;
    for (const auto& message : batch.messages()) all.push_back(to_buffer(batch.payload(message)));
    return all;
  }

  void shake_hands_as_server() {
    handshake::server_handshake peer{server_of(every_feature)};
    auto answer = peer.on_frame(output().at(0), now(), random_).value();
    receive(std::move(std::get<handshake::respond>(answer).frame));
    auto done = peer.on_frame(output().at(0), now(), random_).value();
    keep(std::move(std::get<handshake::server_finished>(done).keys));
    byte_buffer finished(record::overhead_bytes);
    require(sealer_->seal_ping(finished).has_value());
    receive(std::move(finished));
  }
  void shake_hands_as_client() {
    auto peer = handshake::client_handshake::begin(client_of(every_feature), random_).value();
    receive(to_buffer(peer.init_frame()));
    auto done = peer.on_frame(output().at(0), now().wall).value();
    keep(std::move(done.keys));
    receive(std::move(done.ack_frame));
  }
  void keep(handshake::traffic_keys keys) {
    using enum record::direction;
    auto c2s = record_keys(std::move(keys.client_to_server), client_to_server, keys.transcript_hash);
    auto s2c = record_keys(std::move(keys.server_to_client), server_to_client, keys.transcript_hash);
    sealer_.emplace(is_client_ ? std::move(s2c) : std::move(c2s), record::record_limits{});
    opener_.emplace(is_client_ ? std::move(c2s) : std::move(s2c), record::record_limits{});
  }

  void seal_and_send(byte_view plaintext) {
    byte_buffer message(plaintext.size() + record::overhead_bytes);
    if (sealer_->seal_app(plaintext, message)) receive(std::move(message));
  }

  /// One well-formed frame for a stream, so that the search need not find whole headers.
  void say(stream_id id, byte_reader& input) {
    const auto what = input.read<std::uint8_t>().value_or(0);
    const auto amount = input.read<std::uint8_t>().value_or(0);
    byte_buffer frame;
    const auto header = [&frame](const yamux::encoded_header& bytes) { append(frame, byte_view{bytes}); };
    switch (what % 8U) {
      case 0:
        header(yamux::encode_open(id));
        break;
      case 1:
        header(yamux::encode_acknowledge(id));
        break;
      case 2:
        header(yamux::encode_close(id));
        break;
      case 3:
        header(yamux::encode_reset(id));
        break;
      case 4:
        header(yamux::encode_credit(id, static_cast<std::uint32_t>(amount) << 14U));
        break;
      case 5:
        header(yamux::encode_ping(amount));
        break;
      case 6:
        header(yamux::encode_ping_reply(amount));
        break;
      default: {
        const auto body = *input.take(std::min<std::size_t>(amount, input.size()));
        header(yamux::encode_data(id, static_cast<std::uint32_t>(body.size())));
        append(frame, body);
      }
    }
    seal_and_send(frame);
  }

  /// What the application does.
  void act(std::uint32_t argument, byte_reader& input) {
    const stream_id id{input.read<std::uint8_t>().value_or(0)};
    switch (argument % 8U) {
      case 0:
        static_cast<void>(machine_.open("fuzz", now()));
        break;
      case 1:
        static_cast<void>(machine_.write(id, byte_view{body_}.first(std::size_t{argument} * 512), now()));
        break;
      case 2:
        static_cast<void>(machine_.close_write(id, now()));
        break;
      case 3:
        machine_.reset(id, now());
        break;
      case 4:
        machine_.abandon(id, now());
        break;
      case 5:
        static_cast<void>(machine_.rekey());
        break;
      case 6:
        static_cast<void>(machine_.probe(std::chrono::seconds{1}, now()));
        break;
      default:
        static_cast<void>(machine_.cancel_writes(id));
    }
  }

  void read(stream_id id) {
    const auto got = machine_.read(id, reader_, now());
    if (got && !*got) static_cast<void>(machine_.cancel_read(id));
  }

  /// Takes what the session sends; the peer, who has the key, can open all of it.
  void pass_on() {
    for (int turns = 0; machine_.has_output() && turns < 1000; ++turns) {
      for (auto& message : output()) require(opener_->open(message).has_value());
      events();
    }
  }

  void events() {
    while (const auto event = machine_.poll_event()) {
      require(times_over_ == 0);
      if (std::holds_alternative<session_over>(*event)) ++times_over_;
    }
    require(machine_.queued_controls() <= max_queued_controls);
  }

  bool is_client_;
  testing::seeded_random random_;
  handshake::moment time_{.mono = mono_time{std::chrono::hours{1}}, .wall = today};
  machine machine_;
  std::optional<record::sealer> sealer_;
  std::optional<record::opener> opener_;
  std::array<std::byte, 20'000> body_{};
  std::array<std::byte, 5000> reader_{};
  int times_over_ = 0;
};

}  // namespace

// The first byte says on which side the session is, and which features it offers; then commands.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  byte_reader input{std::as_bytes(std::span{data, size})};
  const auto first = input.read<std::uint8_t>().value_or(0);
  harness run{(first & 1U) != 0, (first & 2U) != 0 ? every_feature : 0};
  while (!input.empty()) run.command(input);
  run.finish();
  return 0;
}
