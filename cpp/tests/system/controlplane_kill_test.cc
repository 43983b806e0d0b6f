// The control plane's program is killed before each of its steps in turn: while it issues an artifact, and while keys
// are rotated. What it has said is true afterwards, and nothing is done twice.
#include <filesystem>

#include "controlplane_world.h"
#include "support/sanitized.h"

namespace flowersec::testing {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;

/// More than any of these needs: what does not end here never ends.
constexpr int most_steps = 400;

/// Programs with its environment end before the step that is chosen.
class killer {
 public:
  [[nodiscard]] process::environment environment() const {
    return {{"LD_PRELOAD", FLOWERSEC_BINARY_DIR "/tests/libkill_at_step.so"}, {"KILL_AT_STEP", order_}};
  }
  /// From now on so many steps happen, and the next one does not.
  void arm(int steps) const {
    write_whole_file(next_, std::to_string(steps));
    std::filesystem::rename(next_, order_);
  }
  void disarm() const { std::filesystem::remove(order_); }

 private:
  temporary_folder folder_;
  std::string order_ = folder_.file("order");
  std::string next_ = folder_.file("next");
};

class killed_at_every_step : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing_support::sanitized) GTEST_SKIP() << "a sanitizer's runtime and a preloaded library do not go together";
  }

  killer killer_;
};

TEST_F(killed_at_every_step, of_an_artifact_it_gives_out_no_channel_and_no_ticket_twice) {
  controlplane_world world{{}, {}, killer_.environment()};
  standing_endpoint laptop{world, "laptop", world.add_endpoint("laptop")};
  std::set<std::string> answered;
  const auto ask = [&](std::string ticket) -> awaitable<bool> {
    auto artifact = co_await world.ask_with_ticket("laptop", std::move(ticket));
    if (!artifact) co_return false;
    const auto& grant = std::get<endpoint::channel_init_grant>(artifact->body);
    EXPECT_TRUE(answered.insert(grant.channel_id).second) << "two clients in one channel";
    co_return true;
  };
  int steps = 0;
  for (bool killed = true; killed; ++steps) {
    ASSERT_LT(steps, most_steps);
    laptop.wait_registered(steps + 1);
    const auto ticket = world.make_ticket("laptop");
    killer_.arm(steps);
    bool first = false;
    run(world.context, [&]() -> awaitable<void> { first = co_await ask(ticket); }());
    // Two: it does not wait for the endpoint, which does nothing meanwhile.
    for (const int signal : {SIGINT, SIGTERM}) world.plane->send_signal(signal);
    killed = world.plane->wait().signal == SIGKILL;
    EXPECT_TRUE(first || killed) << "step " << steps;
    killer_.disarm();
    world.start();
    laptop.wait_registered(steps + 2);
    run(world.context, [&]() -> awaitable<void> {
      const bool second = co_await ask(ticket);
      EXPECT_FALSE(first && second) << "a ticket for one use, step " << steps;
    }());
    EXPECT_FALSE(laptop.saw_one_twice()) << "step " << steps;
    EXPECT_THAT(laptop.channels(), IsSupersetOf(answered)) << "who was answered has somebody to meet, step " << steps;
  }
  std::cout << steps << " steps\n";
  EXPECT_GT(steps, 10) << "each write, flush and message was a place to die";
}

/// A state file and its keyset file, at rest.
class plane_files {
 public:
  process_result command(process::words arguments, process::environment variables = {}) const {
    arguments.insert(arguments.begin() + 1, {"--state", folder_.file("plane.db")});
    return run_program("flowersec-controlplane", std::move(arguments), std::move(variables));
  }
  void copy_from(const plane_files& other) const {
    for (const auto& entry : std::filesystem::directory_iterator{folder_.path()}) {
      std::filesystem::remove(entry.path());
    }
    std::filesystem::copy(other.folder_.path(), folder_.path());
  }
  /// Each key with its state.
  [[nodiscard]] std::string keys() const {
    std::string all;
    std::istringstream lines{command({"list-keys"}).out};
    for (std::string line; std::getline(lines, line);) {
      const auto key = parse_json_object(line, 4096).value();
      all += std::string{key.at("kid").as_string()} + ' ' + std::string{key.at("state").as_string()} + ", ";
    }
    return all;
  }
  [[nodiscard]] std::string keyset_file() const { return read_whole_file(folder_.file("issuer_keys.json")); }

 private:
  temporary_folder folder_;
};

TEST_F(killed_at_every_step, of_a_rotation_every_step_is_done_or_not_begun) {
  plane_files before;
  ASSERT_EQ(before.command({"init"}).exit_code, 0);
  for (const auto& step : std::vector<process::words>{{"publish-key", "--kid", "k2"},
                                                      {"rotate-key", "--kid", "k2", "--unchecked"},
                                                      {"retire-key", "--kid", "k1", "--now"}}) {
    SCOPED_TRACE(step.front());
    const auto keys_before = before.keys();
    std::string keys_after;
    int steps = 0;
    for (bool killed = true; killed; ++steps) {
      ASSERT_LT(steps, most_steps);
      SCOPED_TRACE(steps);
      plane_files files;
      files.copy_from(before);
      killer_.arm(steps);
      killed = files.command(step, killer_.environment()).signal == SIGKILL;
      killer_.disarm();
      EXPECT_TRUE(parse_json_object(files.keyset_file(), 65536)) << "never half a file";
      const auto present = files.keys();
      // Said again, it is done.
      if (present == keys_before) {
        EXPECT_EQ(files.command(step).exit_code, 0);
      }
      if (steps == 0) {
        EXPECT_EQ(present, keys_before);
        keys_after = files.keys();
        EXPECT_NE(keys_after, keys_before);
      }
      EXPECT_THAT(present, AnyOf(keys_before, keys_after));
      EXPECT_EQ(files.keys(), keys_after);
      if (!killed) before.copy_from(files);
    }
    std::cout << step.front() << ": " << steps << " steps\n";
    EXPECT_GT(steps, 5);
  }
  EXPECT_EQ(before.keys(), "k2 signing, ");
}

}  // namespace
}  // namespace flowersec::testing
