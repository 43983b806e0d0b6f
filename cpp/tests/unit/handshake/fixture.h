// Both roles with a shared key, a fixed clock, and tools to change a message on its way.
#pragma once

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <functional>
#include <string_view>

#include "flowersec/handshake/client.h"
#include "flowersec/handshake/server.h"
#include "support/literals.h"
#include "support/random_sources.h"

namespace flowersec::handshake::testing {

using flowersec::testing::b64u;
using flowersec::testing::b64u_array;
using flowersec::testing::hex;
using flowersec::testing::seeded_random;

inline constexpr crypto::suite both_suites[] = {crypto::suite::x25519, crypto::suite::p256};
inline constexpr std::int64_t now_s = 1700000000;
inline constexpr std::int64_t init_exp_s = now_s + 60;

inline moment at(std::int64_t wall_s, std::chrono::milliseconds mono = {}) {
  return {.mono = mono_time{mono}, .wall = unix_seconds{wall_s}};
}

inline crypto::psk shared_psk() {
  return crypto::psk{crypto::secret_bytes<32>{b64u_array<32>("EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8")}};
}

inline client_options client_for(crypto::suite suite = crypto::suite::x25519) {
  return {.channel_id = "chan-1", .suite = suite, .psk = shared_psk(), .features = 0x00010001, .limits = {}};
}

inline server_options server_for(crypto::suite suite = crypto::suite::x25519,
                                 std::optional<std::string> channel_id = "chan-1") {
  return {.channel_id = std::move(channel_id),
          .suite = suite,
          .psk = shared_psk(),
          .init_exp = unix_seconds{init_exp_s},
          .clock_skew = std::chrono::seconds{30},
          .features = 0x00010002,
          .limits = {}};
}

inline client_handshake begin_client(crypto::suite suite = crypto::suite::x25519, std::uint64_t seed = 1) {
  seeded_random random{seed};
  return client_handshake::begin(client_for(suite), random).value();
}

/// A server with its own randomness, told wall time now_s unless said otherwise.
struct server_side {
  explicit server_side(server_options options = server_for(), std::shared_ptr<response_cache> cache = nullptr,
                       std::uint64_t seed = 2)
      : machine(std::move(options), std::move(cache)), random(seed) {}

  result<server_step> on(byte_view frame, moment now = at(now_s)) {
    auto copy = to_buffer(frame);  // exact size: the sanitizer sees a read one byte past the end
    copy.shrink_to_fit();
    return machine.on_frame(copy, now, random);
  }
  error_code error(byte_view frame, moment now = at(now_s)) {
    const auto step = on(frame, now);
    return step ? error_code{} : step.error();
  }
  byte_buffer response(byte_view frame, moment now = at(now_s)) {
    auto step = on(frame, now);
    if (!step) {
      ADD_FAILURE() << step.error().message();
      return {};
    }
    return std::get<respond>(std::move(*step)).frame;
  }

  server_handshake machine;
  seeded_random random;
};

inline std::string payload_of(byte_view frame) { return std::string{as_text(frame.subspan(header_bytes))}; }

/// Any JSON value, made from std::string as well.
struct json : boost::json::value {
  using value::value;
  json(const std::string& text) : value(boost::json::string_view{text}) {}
  json(const value& other) : value(other) {}
};

/// The frame with its JSON object changed by `edit`, header to match.
inline byte_buffer edited(byte_view frame, const std::function<void(boost::json::object&)>& edit) {
  auto object = boost::json::parse(payload_of(frame)).as_object();
  edit(object);
  return encode_frame(static_cast<frame_type>(frame[5]), boost::json::serialize(object));
}
inline byte_buffer with(byte_view frame, std::string_view key, json value) {
  return edited(frame, [&](auto& object) { object[key] = static_cast<boost::json::value&>(value); });
}
inline byte_buffer without(byte_view frame, std::string_view key) {
  return edited(frame, [&](auto& object) { object.erase(key); });
}
inline std::string field(byte_view frame, std::string_view key) {
  return boost::json::parse(payload_of(frame)).as_object().at(key).as_string().c_str();
}

/// A finished handshake with every frame that travelled.
struct finished_pair {
  byte_buffer init, resp, ack;
  traffic_keys client, server;
};

inline finished_pair run_handshake(crypto::suite suite) {
  auto client = begin_client(suite);
  server_side server{server_for(suite)};
  auto resp = server.response(client.init_frame());
  auto done = client.on_frame(resp, unix_seconds{now_s}).value();
  auto step = server.on(done.ack_frame).value();
  return {to_buffer(client.init_frame()), std::move(resp), std::move(done.ack_frame), std::move(done.keys),
          std::get<server_finished>(std::move(step)).keys};
}

}  // namespace flowersec::handshake::testing
