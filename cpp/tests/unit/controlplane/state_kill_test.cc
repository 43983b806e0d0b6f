// A process that works on a state file is killed before each statement in turn. What it had acknowledged must be there
// afterwards, and the step it was in must have happened as a whole or not at all.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "flowersec/controlplane/file.h"
#include "flowersec/token/keyset.h"
#include "state_samples.h"
#include "support/temporary_folder.h"

namespace flowersec::controlplane {
namespace {

using namespace testing;
using ::testing::AnyOf;
using testing_support::temporary_folder;

constexpr unix_seconds now{1'700'000'000};
constexpr unix_seconds later{1'700'000'060};

struct world {
  std::filesystem::path folder;
  std::function<void()> before_step{};

  [[nodiscard]] std::filesystem::path state() const { return folder / "state.db"; }
  [[nodiscard]] std::filesystem::path keyset() const { return folder / "issuer_keys.json"; }
  [[nodiscard]] state_store open() const { return state_store::open(state(), {.before_step = before_step}).value(); }
};

using step = std::function<bool(const world&)>;

/// Minting, revocation and a whole rotation.
const std::vector<step>& script() {
  static const std::vector<step> steps{
      [](const world& w) {
        return state_store::create(w.state(), "k1", sample_key(1), now, {.before_step = w.before_step}).has_value();
      },
      [](const world& w) { return w.open().write_keyset_file(w.keyset()).has_value(); },
      [](const world& w) { return w.open().add_endpoint(sample_credential("laptop"), now).has_value(); },
      [](const world& w) { return w.open().add_ticket(sample_ticket("t", "laptop", later), now).has_value(); },
      [](const world& w) { return w.open().record_issue(sample_issue("laptop", "c1", later), now).has_value(); },
      [](const world& w) {
        auto issue = sample_issue("laptop", "c2", later);
        issue.ticket = hash_of("t");
        return w.open().record_issue(issue, now).has_value();
      },
      [](const world& w) { return w.open().publish_key("k2", sample_key(2), now).has_value(); },
      [](const world& w) { return w.open().write_keyset_file(w.keyset()).has_value(); },
      [](const world& w) { return w.open().rotate_key("k2", now).has_value(); },
      [](const world& w) { return w.open().retire_key("k1", now, std::chrono::seconds{0}).has_value(); },
      [](const world& w) { return w.open().write_keyset_file(w.keyset()).has_value(); },
      [](const world& w) { return w.open().revoke_endpoint("laptop").has_value(); },
  };
  return steps;
}

/// Everything that can be seen from outside, in one text.
std::string seen(const world& w) {
  if (!std::filesystem::exists(w.state())) return "no state";
  auto store = w.open();
  std::string all;
  for (const auto& key : store.keys().value()) all += key.kid + ' ' + name_of(key.state) + ", ";
  all += "signs " + store.load_issuer().value().current_kid();
  for (const auto& endpoint : store.endpoints().value()) {
    all += ", endpoint " + endpoint.endpoint_id;
    const auto credential = store.find_credential(endpoint.channel_id).value();
    if (!(credential.psk == sample_credential(endpoint.endpoint_id).psk)) all += " damaged";
  }
  all += store.check_ticket(hash_of("t"), "laptop", now) ? ", ticket" : ", no ticket";
  // Asking changes the copy only.
  const world copy{w.folder / "copy"};
  std::filesystem::create_directory(copy.folder);
  EXPECT_TRUE(store.back_up(copy.state()));
  auto asked = copy.open();
  static_cast<void>(asked.add_endpoint(sample_credential("laptop"), now));
  for (const auto* channel : {"c1", "c2"}) {
    all += std::string{", "} + channel;
    all += asked.record_issue(sample_issue("laptop", channel, later), now) ? " free" : " given out";
  }
  std::filesystem::remove_all(copy.folder);
  if (!std::filesystem::exists(w.keyset())) return all + ", no keyset";
  const auto keyset = token::keyset::parse(read_file(w.keyset(), 65536).value());
  return all + ", keyset of " + std::to_string(keyset.value().size());
}

/// What is seen after each number of steps.
std::vector<std::string> expected() {
  const temporary_folder folder{temporary_folder::fast_parent()};
  const world w{folder.path()};
  std::vector<std::string> all{seen(w)};
  for (const auto& one : script()) {
    EXPECT_TRUE(one(w)) << all.size();
    all.push_back(seen(w));
  }
  return all;
}

struct outcome_of_run {
  std::size_t acknowledged = 0;
  bool killed = false;
};

/// Runs the script in a process that kills itself before its `fatal`th statement.
outcome_of_run run_until(const world& w, int fatal) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const auto child = ::fork();
  if (child == 0) {
    int statements = 0;
    auto doomed = w;
    doomed.before_step = [&statements, fatal] {
      if (statements++ == fatal) ::raise(SIGKILL);
    };
    for (const auto& one : script()) {
      if (!one(doomed) || ::write(ends[1], "x", 1) != 1) ::_exit(1);
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  outcome_of_run happened;
  for (char acknowledgement = 0; ::read(ends[0], &acknowledgement, 1) == 1;) ++happened.acknowledged;
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  happened.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  EXPECT_TRUE(happened.killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) << status;
  return happened;
}

TEST(state_kill, nothing_acknowledged_is_lost_and_nothing_is_half_done_wherever_a_process_dies) {
  const auto states = expected();
  int kills = 0;
  for (bool killed = true; killed; ++kills) {
    const temporary_folder folder{temporary_folder::fast_parent()};
    const world w{folder.path()};
    const auto happened = run_until(w, kills);
    killed = happened.killed;
    const auto present = seen(w);
    const auto& done = states[happened.acknowledged];
    if (killed) {
      EXPECT_THAT(present, AnyOf(done, states[happened.acknowledged + 1])) << "killed before statement " << kills;
    } else {
      EXPECT_EQ(present, states.back());
    }
    // The work can be taken up again: whatever was lost is done once more, and nothing is done twice.
    auto again = happened.acknowledged;
    if (killed && present != done) ++again;
    for (; again < script().size(); ++again) ASSERT_TRUE(script()[again](w)) << again << " after kill " << kills;
    EXPECT_EQ(seen(w), states.back()) << "taken up after statement " << kills;
    ASSERT_LT(kills, 1000);
  }
  EXPECT_GT(kills, 60) << "each statement was a place to die";
}

}  // namespace
}  // namespace flowersec::controlplane
