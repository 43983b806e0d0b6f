// What ownwire-edge is told, before anything is opened.
#include "ownwire_edge/options.h"

#include <gmock/gmock.h>

#include <sstream>

namespace flowersec::apps {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The vector of PROTOCOL, "Sealed open: vector".
constexpr auto key = "KOiZFcEslzcVp65XDvZD0Kia7VMFGgtBDq7QFKqDhEE";

struct reading {
  edge_command command;
  std::string problem;
};

reading read(std::vector<std::string> arguments) {
  reading result;
  std::ostringstream out;
  std::ostringstream err;
  const auto nothing = [](const std::string&) { return std::nullopt; };
  const auto code = read_command_line(describe_edge(result.command), {std::move(arguments), nothing, out, err});
  result.command.fill_blanks();
  result.problem = code ? err.str() : usage_problem(result.command).value_or("none");
  return result;
}

TEST(ownwire_edge_options, need_a_key_and_a_token) {
  EXPECT_EQ(read({"--server-key", key, "--backend-token-file=t"}).problem, "none");
  EXPECT_EQ(read({"--server-key", key, "-a", "public"}).problem, "none");
  EXPECT_THAT(read({"--backend-token-file=t"}).problem, HasSubstr("missing --server-key"));
  EXPECT_THAT(read({"--server-key", key}).problem, HasSubstr("missing --backend-token-file"));
}

TEST(ownwire_edge_options, keys_are_public_keys_one_by_one_or_as_a_list) {
  const auto other = std::string(42, 'B') + 'A';
  EXPECT_THAT(read({"--server-key", key, "--server-key=" + other}).command.server_keys, ElementsAre(key, other));
  EXPECT_THAT(read({"--server-key", std::string{key} + ", " + other}).command.server_keys, ElementsAre(key, other));
  for (const std::string bad :
       {"short", "KOiZFcEslzcVp65XDvZD0Kia7VMFGgtBDq7QFKqDhEF", "KOiZFcEslzcVp65XDvZD0Kia7VMFGgtBDq7QFKqDhEE="}) {
    EXPECT_THAT(read({"--server-key", bad, "--backend-token-file=t"}).problem, HasSubstr("invalid --server-key"))
        << bad;
  }
}

TEST(ownwire_edge_options, the_key_id_is_that_of_the_vector) { EXPECT_EQ(kid_of(key), "873f0ittUa0"); }

TEST(ownwire_edge_options, common_flags_are_held_to_the_same_rules) {
  EXPECT_THAT(read({"--server-key", key, "--backend-token-file=t", "--port=70000"}).problem, HasSubstr("--port"));
  EXPECT_THAT(read({"--identity-key=k"}).problem, HasSubstr("not defined: --identity-key"));
}

}  // namespace
}  // namespace flowersec::apps
