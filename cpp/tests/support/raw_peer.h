// A peer that does the handshake properly and then says whatever bytes a test wants inside the records.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "flowersec/yamux/frame.h"
#include "support/session_pair.h"

namespace flowersec::testing {

class raw_peer {
 public:
  /// Runs the handshake with `other`, which must be fresh. A raw server has sent its finished ping afterwards.
  static raw_peer client_of(end_point& other, std::uint32_t features = 0) {
    auto options = std::get<handshake::client_options>(client_options_of().side);
    options.features = features;
    auto begun = handshake::client_handshake::begin(std::move(options), system_random()).value();
    other.give(begun.init_frame());
    auto finished = begun.on_frame(other.take_messages().at(0), other.now().wall).value();
    other.give(finished.ack_frame);
    raw_peer made{other, std::move(finished.keys), record::direction::client_to_server};
    auto ping = other.take_messages();
    EXPECT_TRUE(made.opener_.open_server_finished(ping.at(0)));
    for (std::size_t i = 1; i < ping.size(); ++i) made.keep(ping[i]);
    return made;
  }

  static raw_peer server_of(end_point& other, std::uint32_t features = 0) {
    auto made = unfinished_server_of(other, features);
    made.send_ping();
    return made;
  }

  /// A server that has the keys and did not send its finished ping.
  static raw_peer unfinished_server_of(end_point& other, std::uint32_t features = 0) {
    auto side = std::get<session::server_side>(server_options_of().side);
    side.options.features = features;
    handshake::server_handshake server{std::move(side.options)};
    auto answer = server.on_frame(other.take_messages().at(0), other.now(), system_random()).value();
    other.give(std::get<handshake::respond>(answer).frame);
    auto finished = server.on_frame(other.take_messages().at(0), other.now(), system_random()).value();
    return {other, std::move(std::get<handshake::server_finished>(finished).keys), record::direction::server_to_client};
  }

  void send(byte_view plaintext) {
    byte_buffer frame(record::sealed_bytes(plaintext.size()));
    ASSERT_TRUE(sealer_.seal_app(plaintext, frame));
    other_.give(frame);
  }
  void send(const yamux::encoded_header& header, byte_view body = {}) {
    byte_buffer bytes = to_buffer(header);
    append(bytes, body);
    send(bytes);
  }
  void send_ping() {
    byte_buffer frame(record::overhead_bytes);
    ASSERT_TRUE(sealer_.seal_ping(frame));
    other_.give(frame);
  }
  void send_rekey() {
    byte_buffer frame(record::overhead_bytes);
    ASSERT_TRUE(sealer_.seal_rekey(frame));
    other_.give(frame);
  }

  /// What no sealer makes: an app record with nothing inside. Nothing can be sent after it.
  void send_empty_app_record() {
    byte_buffer frame(record::overhead_bytes);
    const auto sequence = sealer_.next_sequence();
    record::encode_header({.kind = record::record_kind::app, .sequence = sequence, .ciphertext_bytes = 16},
                          std::span<std::byte, record::header_bytes>{frame.data(), record::header_bytes});
    std::array<std::byte, 12> nonce;
    std::ranges::copy(prefix_, nonce.begin());
    store_be(nonce.data() + 4, sequence);
    crypto::aes_256_gcm_sealer cipher{key_.view()};
    ASSERT_TRUE(cipher.seal(nonce, byte_view{frame}.first(record::header_bytes), mutable_byte_view{},
                            std::span<std::byte, 16>{frame.data() + record::header_bytes, 16}));
    other_.give(frame);
  }

  /// Opens a stream with a hello of this JSON text.
  void open_stream(std::uint32_t id, std::string_view hello) {
    send(yamux::encode_open(stream_id{id}));
    send(yamux::encode_data(stream_id{id}, static_cast<std::uint32_t>(4 + hello.size())), encode_json_frame(hello));
  }

  /// Everything the other end has sent since, decrypted and joined.
  byte_buffer take_plain() {
    for (auto& message : other_.take_messages()) keep(message);
    return std::exchange(plain_, {});
  }

  struct received_frame {
    yamux::frame_header header;
    byte_buffer body;
  };
  /// The same, cut into yamux frames.
  std::vector<received_frame> take_frames() {
    std::vector<received_frame> frames;
    const auto bytes = take_plain();
    byte_view rest = bytes;
    while (rest.size() >= yamux::header_bytes) {
      const auto header = yamux::decode_header(rest.first<yamux::header_bytes>()).value();
      rest = rest.subspan(yamux::header_bytes);
      std::size_t body = 0;
      if (const auto* data = std::get_if<yamux::data_frame>(&header)) body = data->length;
      frames.push_back({header, to_buffer(rest.first(body))});
      rest = rest.subspan(body);
    }
    return frames;
  }
  /// Plaintext sizes of the app records seen so far.
  std::vector<std::size_t> record_sizes;
  std::vector<record::record_kind> record_kinds;

 private:
  raw_peer(end_point& other, handshake::traffic_keys keys, record::direction sending)
      : other_(other),
        key_((sending == record::direction::client_to_server ? keys.client_to_server : keys.server_to_client)
                 .key.clone()),
        prefix_(
            (sending == record::direction::client_to_server ? keys.client_to_server : keys.server_to_client).prefix),
        sealer_(half(keys, sending), {}),
        opener_(half(keys, sending == record::direction::client_to_server ? record::direction::server_to_client
                                                                          : record::direction::client_to_server),
                {}) {}

  static record::direction_keys half(handshake::traffic_keys& keys, record::direction way) {
    auto& from = way == record::direction::client_to_server ? keys.client_to_server : keys.server_to_client;
    return {.way = way,
            .key = std::move(from.key),
            .prefix = from.prefix,
            .rekey_base = std::move(from.rekey_base),
            .transcript_hash = keys.transcript_hash};
  }

  void keep(byte_buffer& message) {
    const auto opened = opener_.open(message);
    ASSERT_TRUE(opened) << opened.error().message();
    record_kinds.push_back(opened->kind);
    if (opened->kind != record::record_kind::app) return;
    record_sizes.push_back(opened->plaintext.size());
    append(plain_, byte_view{opened->plaintext});
  }

  end_point& other_;
  crypto::secret_bytes<32> key_;
  record::nonce_prefix prefix_;
  record::sealer sealer_;
  record::opener opener_;
  byte_buffer plain_;
};

}  // namespace flowersec::testing
