// Messages that must not be written, secrets that must not be left behind, and comparing what can be compared.
#include <gtest/gtest.h>

#include <ostream>
#include <type_traits>

#include "flowersec/controlplane/v1/types.gen.h"
#include "flowersec/rpc/v1/types.gen.h"
#include "flowersec/torture/v1/types.gen.h"

namespace flowersec::torture::v1 {
namespace {

template <class Message>
std::string refusal(const Message& message) {
  const auto text = try_encode(message);
  return text ? "written: " + *text : text.error().text();
}

everything valid() {
  everything message;
  message.operator_ = operator_::class_;
  return message;
}

TEST(writing, a_valid_message_is_written) {
  EXPECT_TRUE(try_encode(valid()).has_value());
  EXPECT_EQ(*try_encode(valid()), encode(valid()));
}

TEST(writing, an_enum_value_that_is_not_declared_is_refused) {
  auto message = valid();
  message.operator_ = operator_{};
  EXPECT_EQ(refusal(message), "bad Everything.operator");
  message = valid();
  message.levels = {level::top, static_cast<level>(7)};
  EXPECT_EQ(refusal(message), "bad Everything.levels[]");
}

TEST(writing, a_number_beyond_the_safe_range_is_refused) {
  auto message = valid();
  message.large = 9007199254740991;
  EXPECT_TRUE(try_encode(message).has_value());
  message.large = 9007199254740992;
  EXPECT_EQ(refusal(message), "bad Everything.large");
  message = valid();
  message.signed_large = -9007199254740992;
  EXPECT_EQ(refusal(message), "bad Everything.signed_large");
}

TEST(writing, text_that_is_not_utf8_is_refused) {
  auto message = valid();
  message.text = "\xff";
  EXPECT_EQ(refusal(message), "bad Everything.text");
  message = valid();
  message.texts = {"a", "\xc0\xaf"};
  EXPECT_EQ(refusal(message), "bad Everything.texts[]");
  message = valid();
  message.labels = {{"\xff", "a"}};
  EXPECT_EQ(refusal(message), "bad Everything.labels[]");
}

TEST(writing, raw_json_that_is_no_json_is_refused) {
  auto message = valid();
  for (const auto* bad : {"{", "1 2", "nul", "\"\xff\""}) {
    message.any = bad;
    EXPECT_EQ(refusal(message), "bad Everything.any") << bad;
  }
  message.any = "";
  EXPECT_NE(encode(message).find("\"any\":null"), std::string::npos);
}

TEST(writing, raw_json_has_the_room_that_a_reader_gives_the_whole_text) {
  const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  torture::v1::branch outer;
  outer.any = nested(10'000);
  EXPECT_TRUE(torture::v1::decode_branch(refusal(outer).substr(std::string{"written: "}.size())));
  outer.any = nested(10'001);
  EXPECT_EQ(refusal(outer), "bad Branch.any");
  outer.any = "1";
  auto& inner = outer.branches.emplace_back();
  inner.any = nested(9'998);  // below a list and a message
  EXPECT_TRUE(torture::v1::decode_branch(refusal(outer).substr(std::string{"written: "}.size())));
  inner.any = nested(9'999);
  EXPECT_EQ(refusal(outer), "bad Branch.any");
  EXPECT_FALSE(torture::v1::decode_branch(encode(outer)));
}

TEST(writing, a_nested_message_names_itself) {
  auto message = valid();
  message.inner.then = "\xff";
  EXPECT_EQ(refusal(message), "bad Promise.then");
}

TEST(reading, raw_json_may_be_deep) {
  const auto deep = R"({"any":)" + std::string(5000, '[') + std::string(5000, ']') + R"(,"branches":[]})";
  EXPECT_EQ(encode(*decode_branch(deep)), deep);
}

TEST(reading, an_error_inside_lists_says_which_element) {
  const auto refused =
      decode_tree(R"({"name":"r","children":[{"name":"a","children":[]},{"name":"b","children":[1]}]})");
  EXPECT_EQ(refused.error().text(), "bad Tree.children[]");
  EXPECT_EQ(refused.error().place, "children[1].children[0]");
}

TEST(secrets, are_moved_cloned_and_never_copied_or_printed) {
  using held = torture::v1::secrets;
  static_assert(!std::is_copy_constructible_v<held> && std::is_nothrow_move_constructible_v<held>);
  held message;
  message.key = messages::sensitive_text{"a"};
  message.spare = messages::sensitive_text{"b"};
  message.more.emplace_back().key = messages::sensitive_text{"c"};
  EXPECT_EQ(encode(message.clone()), R"({"key":"a","spare":"b","more":[{"key":"c"}]})");
}

TEST(secrets, are_cloned_whatever_the_fields_are_called) {
  copy original;
  original.copy_ = messages::sensitive_text{"a"};
  original.from = "f";
  EXPECT_EQ(encode(original.clone()), R"({"copy":"a","from":"f"})");
  original.to.emplace().key = messages::sensitive_text{"b"};
  original.each.emplace().emplace_back().key = messages::sensitive_text{"c"};
  const auto second = original.clone();
  original = copy{};
  EXPECT_EQ(encode(second), R"({"copy":"a","to":{"key":"b"},"from":"f","each":[{"key":"c"}]})");
}

TEST(reading, two_messages_that_hold_each_other_are_read_and_written) {
  const std::string text = R"({"forests":[{"wood":{"forests":[],"more":[]},"woods":[{"forests":[]}]}]})";
  const auto read = decode_wood(text);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->forests[0].woods.size(), 1u);
  EXPECT_EQ(encode(*read), text);
}

TEST(names, of_macros_get_an_underscore_and_keep_their_keys) {
  EXPECT_EQ(encode(macros{.NULL_ = "0", .EOF_ = "1", .INT_MAX_ = "2", .I_ = "3"}),
            R"({"NULL":"0","EOF":"1","INT_MAX":"2","I":"3","errno":"","assert":"","stdin":"","stdout":"","major":""})");
}

TEST(comparing, messages_without_secrets_are_equal_by_value) {
  EXPECT_EQ(valid(), valid());
  auto other = valid();
  other.labels["a"] = "b";
  EXPECT_NE(other, valid());
  tree root{.name = "r", .children = {{.name = "c"}}};
  EXPECT_EQ(root, *decode_tree(encode(root)));
}

}  // namespace
}  // namespace flowersec::torture::v1
