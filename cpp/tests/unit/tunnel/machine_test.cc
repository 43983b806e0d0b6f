// The relay's machine on blocks of bytes: in place, in pieces, at its limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/client_frames.h"
#include "support/random_sources.h"
#include "tunnel/output_ledger.h"
#include "tunnel/relay_machine.h"

namespace flowersec::testing {
namespace {

using tunnel::byte_budget;
using tunnel::output_ledger;
using tunnel::relay_cursor;
using tunnel::relay_gate;
using tunnel::relay_headroom_bytes;
using tunnel::relay_machine;
using tunnel::relay_refusal;
using tunnel::relay_stop;

struct bench {
  tunnel::tunnel_limits limits;
  byte_budget tenant{std::nullopt};
  byte_budget total{std::nullopt};
  relay_machine machine;
  byte_buffer output;
  std::vector<std::string> pings;

  [[nodiscard]] relay_gate gate(bool paired = true) { return {&limits, &tenant, &total, paired}; }

  /// Feeds one block, exactly as large as it must be, and takes what comes out. Stops early at close and refusal.
  relay_stop feed(byte_view input, bool paired = true) {
    std::vector<std::byte> block(relay_headroom_bytes + input.size());
    std::copy(input.begin(), input.end(), block.begin() + relay_headroom_bytes);
    const auto* in = block.data() + relay_headroom_bytes;
    const auto* const end = block.data() + block.size();
    for (;;) {
      relay_cursor cursor{in, end, block.data()};
      const auto stop = machine.run(cursor, gate(paired));
      append(output, {block.data(), cursor.out});
      in = cursor.in;
      if (stop == relay_stop::assembled) {
        append(output, machine.assembled());
        machine.drop_assembled();
      }
      if (stop == relay_stop::ping) pings.emplace_back(as_text(machine.control_payload()));
      if (paired) machine.release_output();
      if (stop != relay_stop::flush && stop != relay_stop::assembled && stop != relay_stop::ping) return stop;
    }
  }
};

TEST(relay_machine, any_mixture_in_any_pieces_comes_out_whole) {
  seeded_random random{7};
  const auto draw = [&random](std::uint32_t below) {
    std::uint32_t value = 0;
    (void)random.fill(std::as_writable_bytes(std::span{&value, 1}));
    return value % below;
  };
  for (int round = 0; round < 200; ++round) {
    byte_buffer stream;
    std::vector<byte_buffer> messages;
    std::size_t pings = 0;
    for (int i = 0; i < 12; ++i) {
      const auto payload = pattern(draw(4) == 0 ? draw(70000) : draw(200), draw(256));
      const auto mask = draw(0xffffffff);
      if (draw(5) == 0) {
        append(stream, client_frame(op_ping, pattern(draw(126)), true, mask));
        ++pings;
      }
      if (draw(4) != 0) {
        append(stream, client_frame(op_binary, payload, true, mask));
      } else {
        const auto cut = draw(static_cast<std::uint32_t>(payload.size()) + 1);
        append(stream, client_frame(op_binary, byte_view{payload}.first(cut), false, mask));
        append(stream, client_frame(op_pong, "x"));
        append(stream, client_frame(op_continuation, byte_view{payload}.subspan(cut), true, ~mask));
      }
      messages.push_back(payload);
    }
    bench b;
    for (byte_view rest{stream}; !rest.empty();) {
      const auto piece = std::min<std::size_t>(rest.size(), 1 + (draw(2) == 0 ? draw(20) : draw(50000)));
      ASSERT_EQ(b.feed(rest.first(piece)), relay_stop::starved);
      rest = rest.subspan(piece);
    }
    const auto frames = take_server_frames(b.output);
    ASSERT_TRUE(b.output.empty());
    ASSERT_EQ(frames.size(), messages.size());
    for (std::size_t i = 0; i < frames.size(); ++i) {
      EXPECT_EQ(frames[i].op, op_binary);
      EXPECT_TRUE(frames[i].fin);
      ASSERT_EQ(frames[i].payload, messages[i]);
    }
    EXPECT_EQ(b.pings.size(), pings);
    EXPECT_EQ(b.machine.held_bytes(), 0u);
    EXPECT_EQ(b.machine.held_messages(), 0u);
  }
}

TEST(relay_machine, every_truncation_of_a_frame_is_only_starved) {
  const auto frame = client_frame(op_binary, pattern(300));
  for (std::size_t cut = 0; cut < frame.size(); ++cut) {
    bench b;
    EXPECT_EQ(b.feed(byte_view{frame}.first(cut)), relay_stop::starved);
    EXPECT_EQ(b.feed(byte_view{frame}.subspan(cut)), relay_stop::starved);
    const auto frames = take_server_frames(b.output);
    ASSERT_EQ(frames.size(), 1u) << cut;
    EXPECT_EQ(frames[0].payload, pattern(300)) << cut;
  }
}

TEST(relay_machine, size_is_judged_at_the_header) {
  bench b;
  EXPECT_EQ(b.feed(client_frame_header(op_binary, 1048576)), relay_stop::starved);
  bench over;
  EXPECT_EQ(over.feed(client_frame_header(op_binary, 1048577)), relay_stop::refused);
  EXPECT_EQ(over.machine.refusal(), relay_refusal::message_too_big);
  EXPECT_TRUE(over.output.empty());
  bench huge;
  EXPECT_EQ(huge.feed(client_frame_header(op_binary, 0x7fff'ffff'ffff'ffff)), relay_stop::refused);
  EXPECT_EQ(huge.machine.refusal(), relay_refusal::message_too_big);
}

TEST(relay_machine, sum_of_fragments_is_limited) {
  bench b;
  b.limits.max_record_bytes = 10;
  EXPECT_EQ(b.feed(client_frame(op_binary, "123456", false)), relay_stop::starved);
  EXPECT_EQ(b.feed(client_frame(op_continuation, "", false)), relay_stop::starved);
  EXPECT_EQ(b.feed(client_frame(op_continuation, "7890")), relay_stop::starved);
  EXPECT_EQ(b.feed(client_frame(op_binary, "123456", false)), relay_stop::starved);
  EXPECT_EQ(b.feed(client_frame_header(op_continuation, 5)), relay_stop::refused);
  EXPECT_EQ(b.machine.refusal(), relay_refusal::message_too_big);
}

TEST(relay_machine, text_is_refused_at_its_header_behind_what_came_before) {
  bench b;
  auto bytes = client_frame(op_binary, "kept");
  append(bytes, client_frame_header(op_text, 5));
  EXPECT_EQ(b.feed(bytes), relay_stop::refused);
  EXPECT_EQ(b.machine.refusal(), relay_refusal::not_binary);
  EXPECT_EQ(take_server_frames(b.output).size(), 1u);
}

TEST(relay_machine, lengths_in_a_longer_form_than_needed_are_refused) {
  for (const auto* header : {"\x82\xfe\x00\x7d", "\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff"}) {
    byte_buffer bytes = to_buffer(as_bytes({header, header[1] == '\xfe' ? 4u : 10u}));
    bytes.resize(bytes.size() + 4);
    bench b;
    EXPECT_EQ(b.feed(bytes), relay_stop::refused);
    EXPECT_EQ(b.machine.refusal(), relay_refusal::bad_framing);
  }
}

TEST(relay_machine, pending_counts_bytes_and_messages_of_an_unpaired_side) {
  bench b;
  b.limits.max_pending_bytes = 10;
  EXPECT_EQ(b.feed(client_frame(op_binary, "0123456789"), false), relay_stop::starved);
  EXPECT_EQ(b.feed(client_frame(op_binary, ""), false), relay_stop::starved);
  EXPECT_EQ(b.feed(client_frame(op_binary, "x"), false), relay_stop::refused);
  EXPECT_EQ(b.machine.refusal(), relay_refusal::pending_overflow);
}

TEST(relay_machine, tenant_is_named_before_total) {
  bench b;
  b.tenant.charge(5);
  b.total.charge(5);
  byte_budget small{10};
  const relay_gate gate{&b.limits, &small, &small, true};
  const auto frame = client_frame(op_binary, "12345678901");
  byte_buffer block(relay_headroom_bytes);
  append(block, frame);
  relay_cursor cursor{block.data() + relay_headroom_bytes, block.data() + block.size(), block.data()};
  EXPECT_EQ(b.machine.run(cursor, gate), relay_stop::refused);
  EXPECT_EQ(b.machine.refusal(), relay_refusal::tenant_budget);
}

TEST(relay_machine, control_frames_cost_no_budget) {
  bench b;
  b.limits.max_pending_bytes = 0;
  EXPECT_EQ(b.feed(client_frame(op_ping, "1"), false), relay_stop::starved);
  EXPECT_EQ(b.pings.size(), 1u);
}

TEST(output_ledger, finds_boundaries_however_the_output_is_taken) {
  byte_buffer output;
  std::vector<std::size_t> ends;
  for (const std::size_t size : {0u, 5u, 126u, 70000u, 0u}) {
    byte_buffer frame{std::byte{0x82}};
    if (size < 126) {
      frame.push_back(static_cast<std::byte>(size));
    } else if (size <= 0xffff) {
      frame.push_back(std::byte{126});
      append_be(frame, static_cast<std::uint16_t>(size));
    } else {
      frame.push_back(std::byte{127});
      append_be(frame, static_cast<std::uint64_t>(size));
    }
    frame.resize(frame.size() + size);
    append(output, frame);
    ends.push_back(output.size());
  }
  for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{1000}, output.size()}) {
    output_ledger ledger;
    std::uint64_t bytes = 0;
    for (std::size_t at = 0; at < output.size();) {
      const auto taken = std::min(step, output.size() - at);
      const auto done = ledger.advance(byte_view{output}.subspan(at), taken);
      at += taken;
      bytes += done.bytes;
      const bool is_end = std::find(ends.begin(), ends.end(), at) != ends.end();
      EXPECT_EQ(ledger.at_boundary(), is_end) << step << ' ' << at;
    }
    EXPECT_EQ(bytes, 70131u);
    EXPECT_EQ(ledger.frames_finished(), 5u);
  }
}

}  // namespace
}  // namespace flowersec::testing
