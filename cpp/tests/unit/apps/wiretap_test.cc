#include <gmock/gmock.h>

#include "wiretap/recording.h"

namespace flowersec::apps {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct listener {
  std::vector<std::string> lines;
  direction_recording recording{"client", ws::role::client, [this](const std::string& line) { lines.push_back(line); }};
};

byte_buffer head() { return to_buffer(as_bytes("GET /ws HTTP/1.1\r\nHost: x\r\n\r\n")); }

byte_buffer frame(ws::opcode op, std::string_view payload) {
  return ws::make_frame(op, as_bytes(payload), ws::mask_key{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}});
}

TEST(wiretap_recording, writes_kind_length_and_unmasked_bytes) {
  listener tap;
  auto bytes = head();
  append(bytes, byte_view{frame(ws::opcode::text, "{}")});
  append(bytes, byte_view{frame(ws::opcode::binary, "AB\x01")});
  append(bytes, byte_view{frame(ws::opcode::ping, "")});
  tap.recording.passed(bytes);
  EXPECT_THAT(tap.lines, ElementsAre("client text 2 7b7d", "client binary 3 414201", "client control 0 "));
}

TEST(wiretap_recording, does_not_care_how_the_bytes_arrive) {
  auto bytes = head();
  append(bytes, byte_view{frame(ws::opcode::binary, std::string(1000, 'x'))});
  append(bytes, byte_view{frame(ws::opcode::text, "end")});
  listener tap;
  for (const auto& byte : bytes) tap.recording.passed({&byte, 1});
  ASSERT_EQ(tap.lines.size(), 2u);
  EXPECT_EQ(tap.lines[0].size(), std::string{"client binary 1000 "}.size() + 2 * 512) << "only the first 512 bytes";
  EXPECT_EQ(tap.lines[1], "client text 3 656e64");
}

TEST(wiretap_recording, stops_at_what_is_no_websocket) {
  listener tap;
  tap.recording.passed(head());
  tap.recording.passed(as_bytes("\xff\xff\xff\xff"));
  tap.recording.passed(frame(ws::opcode::text, "late"));
  EXPECT_THAT(tap.lines, IsEmpty());
}

TEST(wiretap_recording, gives_up_on_a_head_without_end) {
  listener tap;
  tap.recording.passed(as_bytes(std::string(65537, 'h')));
  auto rest = to_buffer(as_bytes("\r\n\r\n"));
  append(rest, byte_view{frame(ws::opcode::text, "late")});
  tap.recording.passed(rest);
  EXPECT_THAT(tap.lines, IsEmpty());
}

}  // namespace
}  // namespace flowersec::apps
