// The message reader as a machine: scripts of frames in any chunking, limits, violations, memory.
#include "flowersec/ws/message_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "flowersec/ws/close.h"
#include "support/literals.h"

namespace flowersec::ws {
namespace {

using testing::hex;

constexpr mask_key key{std::byte{0x11}, std::byte{0x22}, std::byte{0x33}, std::byte{0x44}};

/// Builds what a client sends.
class frames {
 public:
  frames& add(opcode op, std::string_view payload, bool fin = true) {
    byte_buffer frame(frame_header_bytes(payload.size(), true));
    flowersec::append(frame, payload);
    finish_frame_in_place(frame, {.op = op, .fin = fin, .mask = key, .payload_bytes = payload.size()});
    flowersec::append(bytes_, byte_view{frame});
    return *this;
  }
  frames& raw(std::string_view digits) {
    flowersec::append(bytes_, byte_view{hex(digits)});
    return *this;
  }
  [[nodiscard]] const byte_buffer& bytes() const { return bytes_; }

 private:
  byte_buffer bytes_;
};

/// What a reader says, as one line per event; feeding stops at a violation.
std::vector<std::string> events_of(message_reader& reader, byte_view bytes, std::size_t chunk) {
  std::vector<std::string> said;
  const auto drain = [&] {
    while (true) {
      const auto event = reader.next();
      if (std::holds_alternative<message_reader::need_more>(event)) return true;
      if (const auto* message = std::get_if<message_reader::message>(&event)) {
        said.push_back((message->kind == message_kind::text ? "text " : "binary ") +
                       std::string{as_text(message->payload)});
      } else if (const auto* control = std::get_if<message_reader::control>(&event)) {
        const std::string name = control->op == opcode::ping   ? "ping "
                                 : control->op == opcode::pong ? "pong "
                                                               : "close ";
        said.push_back(name + std::string{as_text(control->payload)});
      } else {
        said.push_back(describe(std::get<ws_errc>(event)));
        return false;
      }
    }
  };
  while (!bytes.empty()) {
    const auto room = reader.prepare();
    const auto taken = std::min({chunk, room.size(), bytes.size()});
    std::copy_n(bytes.begin(), taken, room.begin());
    reader.commit(taken);
    bytes = bytes.subspan(taken);
    if (!drain()) break;
  }
  return said;
}

std::vector<std::string> events_of(const frames& sent, std::size_t chunk, reader_limits limits = {}) {
  message_reader reader{role::server, limits};
  return events_of(reader, sent.bytes(), chunk);
}

TEST(message_reader, a_conversation_reads_the_same_in_every_chunking) {
  frames sent;
  sent.add(opcode::text, "attach").add(opcode::binary, "").add(opcode::ping, "are you there");
  sent.add(opcode::binary, "one ", false).add(opcode::ping, "").add(opcode::continuation, "two ", false);
  sent.add(opcode::pong, "x").add(opcode::continuation, "three").add(opcode::binary, std::string(300, 'b'));
  sent.add(opcode::text, "", false).add(opcode::continuation, "", false).add(opcode::continuation, "");
  sent.add(opcode::close, "bye");
  const std::vector<std::string> expected = {"text attach",
                                             "binary ",
                                             "ping are you there",
                                             "ping ",
                                             "pong x",
                                             "binary one two three",
                                             "binary " + std::string(300, 'b'),
                                             "text ",
                                             "close bye"};
  for (std::size_t chunk = 1; chunk <= sent.bytes().size(); ++chunk) {
    ASSERT_EQ(events_of(sent, chunk), expected) << chunk;
  }
}

TEST(message_reader, a_whole_frame_is_handed_out_where_it_was_received) {
  message_reader reader{role::client, {}};
  const auto frame = make_frame(opcode::binary, as_bytes("in place"), std::nullopt);
  const auto room = reader.prepare();
  std::copy(frame.begin(), frame.end(), room.begin());
  reader.commit(frame.size());
  const auto event = reader.next();
  const auto& message = std::get<message_reader::message>(event);
  EXPECT_EQ(message.payload.data(), room.data() + 2);
  message.payload[0] = std::byte{'I'};  // it may be changed
  EXPECT_TRUE(std::holds_alternative<message_reader::need_more>(reader.next()));
}

struct refused_row {
  const char* name;
  frames sent;
  ws_errc error;
};

TEST(message_reader, broken_sequences_end_it_for_good) {
  const refused_row rows[] = {
      {"continuation_first", frames{}.add(opcode::continuation, "x"), ws_errc::continuation_unexpected},
      {"continuation_after_a_whole_message", frames{}.add(opcode::text, "x").add(opcode::continuation, "y"),
       ws_errc::continuation_unexpected},
      {"text_inside_binary", frames{}.add(opcode::binary, "x", false).add(opcode::text, "y"),
       ws_errc::continuation_expected},
      {"binary_inside_binary", frames{}.add(opcode::binary, "x", false).add(opcode::binary, "y", false),
       ws_errc::continuation_expected},
      {"unmasked", frames{}.raw("8201 00"), ws_errc::mask_missing},
      {"compressed", frames{}.raw("c280 00000000"), ws_errc::reserved_bits},
      {"long_ping", frames{}.raw("89fe 007e"), ws_errc::control_too_long},
      {"ping_without_fin", frames{}.raw("0980 00000000"), ws_errc::control_fragmented},
  };
  for (const auto& row : rows) {
    for (const std::size_t chunk : {std::size_t{1}, row.sent.bytes().size()}) {
      SCOPED_TRACE(row.name);
      message_reader reader{role::server, {}};
      const auto said = events_of(reader, row.sent.bytes(), chunk);
      ASSERT_FALSE(said.empty());
      EXPECT_EQ(said.back(), describe(row.error));
      EXPECT_EQ(std::get<ws_errc>(reader.next()), row.error);
    }
  }
}

TEST(message_reader, the_limit_passes_and_one_more_does_not) {
  const reader_limits limits{.max_message_bytes = 200, .max_block_bytes = 4096};
  const std::string full(200, 'x');
  EXPECT_EQ(events_of(frames{}.add(opcode::binary, full), 7, limits), std::vector{"binary " + full});
  EXPECT_EQ(events_of(frames{}.add(opcode::binary, full + 'x'), 7, limits),
            std::vector<std::string>{describe(ws_errc::message_too_big)});
}

TEST(message_reader, the_limit_holds_for_the_sum_of_fragments) {
  const reader_limits limits{.max_message_bytes = 10, .max_block_bytes = 4096};
  frames fits;
  fits.add(opcode::binary, "12345", false).add(opcode::continuation, "67890");
  EXPECT_EQ(events_of(fits, 1, limits), std::vector<std::string>{"binary 1234567890"});
  frames exceeds;
  exceeds.add(opcode::binary, "12345", false).add(opcode::continuation, "67890", false).add(opcode::continuation, "1");
  EXPECT_EQ(events_of(exceeds, 1, limits), std::vector<std::string>{describe(ws_errc::message_too_big)});
}

TEST(message_reader, control_frames_are_not_under_the_message_limit) {
  const reader_limits limits{.max_message_bytes = 1, .max_block_bytes = 4096};
  EXPECT_EQ(events_of(frames{}.add(opcode::ping, "longer than one"), 3, limits),
            std::vector<std::string>{"ping longer than one"});
}

TEST(message_reader, too_big_shows_at_the_header_before_the_kind_and_before_any_payload) {
  const reader_limits limits{.max_message_bytes = 8192, .max_block_bytes = 4096};
  for (const auto* header : {"82fe 2001 00000000", "81fe 2001 00000000", "80fe 2001 00000000"}) {
    message_reader reader{role::server, limits};
    const auto bytes = hex(header);
    EXPECT_EQ(events_of(reader, bytes, bytes.size()), std::vector<std::string>{describe(ws_errc::message_too_big)});
    EXPECT_EQ(close_code_for(ws_errc::message_too_big), 1009);
  }
}

TEST(message_reader, memory_follows_what_arrived_and_not_what_was_announced) {
  message_reader reader{role::server, {.max_message_bytes = 0x4000'0000, .max_block_bytes = 4096}};
  const auto header = hex("82ff 0000000040000000 00000000");
  EXPECT_TRUE(events_of(reader, header, header.size()).empty());
  EXPECT_LE(reader.held_bytes(), 4096u);
  byte_buffer some(10'000);
  EXPECT_TRUE(events_of(reader, some, some.size()).empty());
  EXPECT_LE(reader.held_bytes(), 4 * some.size());
}

TEST(message_reader, an_idle_reader_holds_nothing_even_after_a_large_message) {
  message_reader reader{role::server, {}};
  EXPECT_EQ(reader.held_bytes(), 0u);
  frames sent;
  sent.add(opcode::binary, std::string(900'000, 'x')).add(opcode::binary, std::string(1000, 'y'), false);
  sent.add(opcode::continuation, std::string(500'000, 'z'));
  EXPECT_EQ(events_of(reader, sent.bytes(), 65536).size(), 2u);
  reader.release_if_idle();
  EXPECT_EQ(reader.held_bytes(), 0u);
}

TEST(message_reader, releasing_keeps_a_partial_message) {
  message_reader reader{role::server, {}};
  frames sent;
  sent.add(opcode::binary, "first half, ", false).add(opcode::continuation, "second half");
  const byte_view bytes = sent.bytes();
  EXPECT_TRUE(events_of(reader, bytes.first(30), 30).empty());
  reader.release_if_idle();
  EXPECT_EQ(events_of(reader, bytes.subspan(30), 100), std::vector<std::string>{"binary first half, second half"});
}

TEST(message_reader, blocks_grow_with_the_traffic_up_to_their_limit) {
  constexpr std::size_t largest = 32 * 1024;
  message_reader reader{role::client, {.max_message_bytes = 1048576, .max_block_bytes = largest}};
  const auto frame = make_frame(opcode::binary, byte_buffer(1000), std::nullopt);
  byte_buffer stream;
  for (int i = 0; i < 500; ++i) append(stream, byte_view{frame});
  EXPECT_EQ(reader.prepare().size(), receive_buffer::smallest_block_bytes);
  EXPECT_EQ(events_of(reader, stream, stream.size()).size(), 500u);
  EXPECT_EQ(reader.held_bytes(), largest);
}

TEST(reader_limits, are_checked) {
  EXPECT_TRUE(reader_limits{}.validate());
  EXPECT_FALSE((reader_limits{.max_message_bytes = 0}.validate()));
  EXPECT_FALSE((reader_limits{.max_message_bytes = 0x4000'0001}.validate()));
  EXPECT_FALSE((reader_limits{.max_block_bytes = 4095}.validate()));
}

}  // namespace
}  // namespace flowersec::ws
