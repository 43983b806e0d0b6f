// Messages that are written or refused, as idl/testdata/codec_cases.json says; the TypeScript codecs run the same rows,
// and more that only JavaScript can put together.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "flowersec/rpc/v1/types.gen.h"
#include "flowersec/torture/v1/types.gen.h"
#include "idl/case_table.h"

namespace flowersec::torture::v1 {
namespace {

using boost::json::value;
using testing::read_table;
using testing::text_of;

template <class Message>
using setter = std::function<void(Message&, const value&)>;

/// The kind of a value that JSON cannot spell; empty for one that is meant as it is.
std::string special(const value& from) { return from.is_object() ? text_of(from.as_object(), "special") : ""; }

std::size_t levels(const value& from) { return static_cast<std::size_t>(from.at("levels").as_int64()); }

std::string text(const value& from) { return special(from) == "not_text" ? "\xff" : std::string{from.as_string()}; }

std::string raw_json(const value& from) {
  const auto kind = special(from);
  if (kind == "not_json") return "{";
  if (kind == "json_of_not_text") return "\"\xff\"";
  EXPECT_EQ(kind, "arrays");
  return std::string(levels(from), '[') + std::string(levels(from), ']');
}

/// Those inside the outermost of so many levels.
std::vector<branch> branches(const value& from) {
  std::vector<branch> inside;
  for (std::size_t level = 1; level < levels(from); ++level) {
    branch outer{.any = "0", .branches = std::move(inside)};
    inside.clear();
    inside.push_back(std::move(outer));
  }
  return inside;
}

std::vector<tree> children(const value& from) {
  std::vector<tree> inside;
  for (std::size_t level = 1; level < levels(from); ++level) {
    tree outer{.name = "n", .children = std::move(inside)};
    inside.clear();
    inside.push_back(std::move(outer));
  }
  return inside;
}

template <class Message>
std::string write(messages::decoded<Message> (*decode)(std::string_view),
                  const std::map<std::string, setter<Message>>& setters, const std::string& base,
                  const boost::json::object& put) {
  auto message = decode(base).value();
  for (const auto& [field, to] : put) {
    const auto found = setters.find(field);
    if (found == setters.end()) return "the test cannot set " + std::string{field};
    found->second(message, to);
  }
  const auto written = try_encode(message);
  if (!written) return written.error().text();
  EXPECT_EQ(encode(message), *written);
  return *written;
}

const std::map<std::string, setter<everything>> everything_setters{
    {"any", [](auto& to, const value& from) { to.any = raw_json(from); }},
    {"inner.then", [](auto& to, const value& from) { to.inner.then = text(from); }},
    {"labels",
     [](auto& to, const value& from) {
       to.labels = {{text(from.at("key")), text(from.at("value"))}};
     }},
    {"large", [](auto& to, const value& from) { to.large = from.to_number<std::uint64_t>(); }},
    {"levels",
     [](auto& to, const value& from) {
       to.levels.clear();
       for (const auto& each : from.as_array())
         to.levels.push_back(static_cast<level>(each.to_number<std::uint16_t>()));
     }},
    {"operator",
     [](auto& to, const value& from) { to.operator_ = static_cast<operator_>(from.to_number<std::uint8_t>()); }},
    {"signed_large", [](auto& to, const value& from) { to.signed_large = from.to_number<std::int64_t>(); }},
    {"text", [](auto& to, const value& from) { to.text = text(from); }},
    {"texts",
     [](auto& to, const value& from) {
       to.texts.clear();
       for (const auto& each : from.as_array()) to.texts.push_back(text(each));
     }},
};

const std::map<std::string, setter<maybe>> maybe_setters{
    {"any", [](auto& to, const value& from) { to.any = raw_json(from); }},
    {"level", [](auto& to, const value& from) { to.level = static_cast<level>(from.to_number<std::uint16_t>()); }},
};

const std::map<std::string, setter<branch>> branch_setters{
    {"branches", [](auto& to, const value& from) { to.branches = branches(from); }}};
const std::map<std::string, setter<tree>> tree_setters{
    {"children", [](auto& to, const value& from) { to.children = children(from); }}};

std::string write(const std::string& message, const std::string& base, const boost::json::object& put) {
  if (message == "torture.Everything") return write(decode_everything, everything_setters, base, put);
  if (message == "torture.Maybe") return write(decode_maybe, maybe_setters, base, put);
  if (message == "torture.Branch") return write(decode_branch, branch_setters, base, put);
  if (message == "torture.Tree") return write(decode_tree, tree_setters, base, put);
  return "the test knows no " + message;
}

TEST(write_cases, every_row_has_its_outcome) {
  const auto bases = read_table("base");
  const auto cases = read_table("write");
  std::size_t rows = 0;
  for (const auto& each : cases.as_array()) {
    const auto& row = each.as_object();
    if (row.contains("only")) continue;
    const auto message = text_of(row, "message");
    EXPECT_EQ(write(message, text_of(bases.as_object(), message), row.at("put").as_object()),
              text_of(row, row.contains("error") ? "error" : "written"))
        << text_of(row, "name");
    ++rows;
  }
  EXPECT_GE(rows, 25u);
}

}  // namespace
}  // namespace flowersec::torture::v1
