#include "flowersec/base/json_frame.h"

#include <gtest/gtest.h>

#include <string>

#include "support/allocation_counter.h"

namespace flowersec {
namespace {

using status = json_frame_splitter::status;

std::vector<std::string> split(byte_view bytes, std::size_t chunk, std::size_t max_bytes, status& last) {
  json_frame_splitter splitter{max_bytes};
  std::vector<std::string> frames;
  last = status::need_more;
  while (!bytes.empty()) {
    const byte_buffer exact = to_buffer(bytes.first(std::min(chunk, bytes.size())));
    bytes = bytes.subspan(exact.size());
    for (byte_view input = exact; !input.empty();) {
      last = splitter.consume(input);
      if (last == status::frame) frames.emplace_back(splitter.text());
      if (last == status::bad_length) return frames;
    }
  }
  return frames;
}

TEST(json_frame, header_is_the_length_of_the_text) {
  EXPECT_EQ(encode_json_frame(R"({"kind":"rpc","v":1})").size(), 24u);
  EXPECT_EQ(load_be<std::uint32_t>(encode_json_frame("{}").data()), 2u);
}

TEST(json_frame, frames_come_out_whole_in_every_chunking) {
  byte_buffer stream;
  const std::vector<std::string> texts = {"{}", R"({"a":1})", std::string(300, 'x')};
  for (const auto& text : texts) append(stream, encode_json_frame(text));
  for (std::size_t chunk = 1; chunk <= stream.size(); ++chunk) {
    status last{};
    EXPECT_EQ(split(stream, chunk, json_frame_max_bytes, last), texts) << chunk;
    EXPECT_EQ(last, status::frame);
  }
}

TEST(json_frame, the_limit_itself_passes_and_one_more_does_not) {
  status last{};
  EXPECT_EQ(split(encode_json_frame(std::string(64, 'x')), 7, 64, last).size(), 1u);
  EXPECT_TRUE(split(encode_json_frame(std::string(65, 'x')), 7, 64, last).empty());
  EXPECT_EQ(last, status::bad_length);
}

TEST(json_frame, an_empty_frame_and_a_huge_announcement_are_refused_without_memory) {
  status last{};
  EXPECT_TRUE(split(encode_json_frame(""), 4, 64, last).empty());
  EXPECT_EQ(last, status::bad_length);
  const std::array huge{std::byte{0xff}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff}};
  EXPECT_TRUE(split(huge, 4, json_frame_max_bytes, last).empty());
  EXPECT_EQ(last, status::bad_length);
}

TEST(json_frame, memory_follows_what_arrived_and_not_what_was_announced) {
  byte_buffer begun;
  append_be(begun, static_cast<std::uint32_t>(json_frame_max_bytes));
  append(begun, std::string_view{R"({"a":)"});
  const std::string more(10'000, ' ');
  const testing::allocation_counter taken;
  json_frame_splitter splitter;
  byte_view input = begun;
  ASSERT_EQ(splitter.consume(input), status::need_more);
  EXPECT_LE(taken.bytes(), 64u);
  input = as_bytes(more);
  ASSERT_EQ(splitter.consume(input), status::need_more);
  EXPECT_LE(taken.bytes(), 4 * more.size());
}

TEST(json_frame, a_large_frame_is_held_until_it_is_released_and_a_small_one_s_memory_is_kept) {
  for (const std::size_t size : {std::size_t{1'000}, std::size_t{1'000'000}}) {
    const auto frame = encode_json_frame(std::string(size, ' '));
    const testing::allocation_counter taken;
    json_frame_splitter splitter;
    byte_view input = frame;
    ASSERT_EQ(splitter.consume(input), status::frame);
    EXPECT_EQ(splitter.text().size(), size);
    splitter.release();
    EXPECT_TRUE(splitter.at_boundary());
    EXPECT_EQ(splitter.text(), "");
    if (!testing::allocation_counter::counts()) continue;
    EXPECT_LE(taken.held(), 65'536) << size;
    EXPECT_EQ(taken.held() > 0, size < 65'536) << size;
  }
}

TEST(json_frame, releasing_inside_a_frame_loses_nothing) {
  const auto frame = encode_json_frame(R"({"a":1})");
  for (std::size_t cut = 0; cut < frame.size(); ++cut) {
    json_frame_splitter splitter;
    byte_view input = byte_view{frame}.first(cut);
    EXPECT_EQ(splitter.consume(input), status::need_more);
    splitter.release();
    input = byte_view{frame}.subspan(cut);
    ASSERT_EQ(splitter.consume(input), status::frame) << cut;
    EXPECT_EQ(splitter.text(), R"({"a":1})");
  }
}

TEST(json_frame, a_truncated_frame_is_not_at_a_boundary) {
  const auto frame = encode_json_frame("{}");
  for (std::size_t cut = 1; cut < frame.size(); ++cut) {
    json_frame_splitter splitter;
    byte_view input = byte_view{frame}.first(cut);
    EXPECT_EQ(splitter.consume(input), status::need_more);
    EXPECT_FALSE(splitter.at_boundary()) << cut;
  }
  EXPECT_TRUE(json_frame_splitter{}.at_boundary());
}

TEST(json_frame, a_stream_may_end_right_behind_a_frame) {
  const auto frame = encode_json_frame("{}");
  json_frame_splitter splitter;
  byte_view input = frame;
  ASSERT_EQ(splitter.consume(input), status::frame);
  EXPECT_TRUE(splitter.at_boundary());
}

}  // namespace
}  // namespace flowersec
