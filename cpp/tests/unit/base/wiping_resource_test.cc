#include "flowersec/base/wiping_resource.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parser.hpp>
#include <string>
#include <string_view>

#include "flowersec/base/json.h"

namespace flowersec {
namespace {

constexpr std::string_view secret = "a pre-shared key that must not stay behind in memory";

/// Looks at every block that comes back.
class inspecting final : public boost::json::memory_resource {
 public:
  int returned = 0;
  int with_text = 0;

 private:
  void* do_allocate(std::size_t bytes, std::size_t) override {
    auto* block = static_cast<char*>(::operator new(bytes));
    std::fill_n(block, bytes, '\0');
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t) override {
    const std::string_view left{static_cast<char*>(block), bytes};
    ++returned;
    with_text += left.find(secret.substr(0, 16)) == std::string_view::npos ? 0 : 1;
    ::operator delete(block);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

void parse_and_forget(boost::json::storage_ptr storage) {
  boost::json::parser parser{storage};
  parser.reset(storage);
  // An escape makes the parser assemble the text in its scratch memory.
  parser.write(R"({"psk":")" + std::string(secret) + R"(\n","list":[1,2,3]})");
  const auto value = parser.release();
  ASSERT_EQ(value.at("psk").as_string(), std::string(secret) + "\n");
}

TEST(wiping_resource, a_block_is_overwritten_before_it_goes_back) {
  inspecting upstream;
  wiping_resource wiping{&upstream};
  parse_and_forget(&wiping);
  EXPECT_GT(upstream.returned, 0);
  EXPECT_EQ(upstream.with_text, 0);
}

TEST(wiping_resource, without_it_the_text_stays_behind) {
  inspecting upstream;
  parse_and_forget(&upstream);
  EXPECT_GT(upstream.with_text, 0);
}

TEST(wiping_resource, what_the_codecs_parse_lives_in_it) {
  const auto object = parse_json_object(R"({"psk":"x","deep":{"psk":"y"}})", 100);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->storage(), wiping_storage());
  EXPECT_EQ(object->at("deep").as_object().storage(), wiping_storage());
}

}  // namespace
}  // namespace flowersec
