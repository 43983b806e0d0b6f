// Restarts of the real tunnel: what opened a door before opens none after, however the process ended.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <thread>

#include "flowersec/base/base64url.h"
#include "flowersec/base/json.h"
#include "support/process.h"
#include "support/token_mint.h"
#include "support/tunnel_client.h"
#include "tunnel_program.h"

namespace flowersec::testing {
namespace {

using namespace testing_support;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* program = "flowersec-tunnel";

std::int64_t unix_now() { return count(to_unix_seconds(system_clocks().wall_now())); }

/// The tunnel says nothing to an attach that succeeds; the proof is a message that passes from one end to the other.
class restarts : public ::testing::Test {
 public:
  restarts() { write_whole_file(keys, keyset_text()); }

  static std::string keyset_text() {
    const auto trusted = token_mint{0}.keys();
    return R"({"keys":[{"kid":"k1","pubkey_b64u":")" + encode_base64url(*trusted.find("k1")) + R"("}]})";
  }
  [[nodiscard]] process::words arguments(process::words more = {}) const {
    for (const auto* word : {"--issuer-keys-file", keys.c_str(), "--aud", "aud", "--iss", "iss"}) {
      more.emplace_back(word);
    }
    return more;
  }
  [[nodiscard]] process::words with_journal() const { return arguments({"--replay-journal", journal}); }
  static std::string address_of(process& tunnel) {
    const auto line = tunnel.read_line();
    const auto ready = parse_json_object(line.value_or(""), 1 << 20);
    if (!ready) throw std::runtime_error("not ready: " + tunnel.wait().err);
    return std::string{ready->at("listen").as_string()};
  }
  static tunnel_client attach(const std::string& address, const std::string& text) {
    tunnel_client::options how;
    how.origin = "http://localhost";
    return tunnel_client::attached(address, text, how);
  }
  /// Why an attach was refused.
  static std::string refusal(const std::string& address, const std::string& text) {
    auto client = attach(address, text);
    const auto frame = client.frame();
    return frame && frame->op == op_close ? std::string{frame->close_reason()} : "(none)";
  }

  struct pair {
    std::string client, server;  ///< attach messages
  };
  [[nodiscard]] pair next_pair(std::int64_t issued_at) {
    return pair_named("room " + std::to_string(++rooms), issued_at);
  }
  [[nodiscard]] pair next_pair() { return next_pair(unix_now()); }
  static pair pair_named(const std::string& name, std::int64_t issued_at) {
    token_mint from{issued_at};
    const auto text = [&](int role) {
      auto draft = from.draft(name, role);
      draft.token_id = name + '/' + std::to_string(role);
      return from.attach_text(draft);
    };
    return {text(1), text(2)};
  }
  /// Whether a message went from the client to the server of a channel made of these two.
  static bool meet(const std::string& address, const pair& tokens) {
    auto client = attach(address, tokens.client);
    auto server = attach(address, tokens.server);
    client.binary("hello");
    const auto frame = server.frame();
    return frame && frame->op == op_binary;
  }

  temporary_folder folder;
  std::string keys = folder.file("keys.json");
  std::string journal = folder.file("used.journal");
  int rooms = 0;
};

TEST_F(restarts, without_a_journal_or_fence_forget_and_the_log_says_so) {
  const auto tokens = next_pair();
  {
    process tunnel{program, arguments()};
    EXPECT_TRUE(meet(address_of(tunnel), tokens));
    EXPECT_TRUE(tunnel.wait_for_err("warning: used tokens are remembered in memory only; a restart forgets them"));
  }
  process tunnel{program, arguments()};
  EXPECT_TRUE(meet(address_of(tunnel), tokens)) << "the risk that the warning is about";
}

TEST_F(restarts, with_a_journal_used_tokens_stay_used_and_there_is_no_warning) {
  const auto tokens = next_pair();
  {
    process tunnel{program, with_journal()};
    EXPECT_TRUE(meet(address_of(tunnel), tokens));
    tunnel.send_signal(SIGTERM);
    const auto end = tunnel.wait();
    EXPECT_EQ(end.exit_code, 0);
    EXPECT_THAT(end.err, HasSubstr("used.journal: 0 used tokens remembered\n"));
    EXPECT_THAT(end.err, Not(HasSubstr("remembered in memory only")));
  }
  process tunnel{program, with_journal()};
  const auto address = address_of(tunnel);
  EXPECT_EQ(refusal(address, tokens.client), "token_replay");
  EXPECT_EQ(refusal(address, tokens.server), "token_replay");
  EXPECT_TRUE(meet(address, next_pair()));
  EXPECT_TRUE(tunnel.wait_for_err("used.journal: 2 used tokens remembered\n"));
}

TEST_F(restarts, take_both_settings_from_the_environment) {
  const auto tokens = next_pair();
  {
    process tunnel{program, arguments(), {{"FSEC_TUNNEL_REPLAY_JOURNAL", journal}}};
    EXPECT_TRUE(meet(address_of(tunnel), tokens));
  }
  const auto not_after_the_start = unix_now();
  process tunnel{program, arguments(), {{"FSEC_TUNNEL_REPLAY_JOURNAL", journal}, {"FSEC_TUNNEL_REPLAY_FENCE", "true"}}};
  const auto address = address_of(tunnel);
  EXPECT_TRUE(tunnel.wait_for_err("used.journal: 2 used tokens remembered\n"));
  EXPECT_EQ(refusal(address, next_pair(not_after_the_start).client), "token_replay")
      << "the fence holds beside the journal";
  EXPECT_EQ(refusal(address, tokens.client), "token_replay");
  EXPECT_TRUE(meet(address, next_pair(unix_now() + 1)));
}

TEST_F(restarts, with_a_fence_refuse_what_was_issued_up_to_the_second_of_the_start) {
  const auto before = next_pair();
  process tunnel{program, arguments({"--replay-fence"})};
  const auto address = address_of(tunnel);
  EXPECT_EQ(refusal(address, before.client), "token_replay");
  EXPECT_EQ(refusal(address, before.server), "token_replay");
  // Issued in a second that had not begun when the tunnel started; a clock may run that much ahead.
  EXPECT_TRUE(meet(address, next_pair(unix_now() + 1)));
  tunnel.send_signal(SIGTERM);
  EXPECT_THAT(tunnel.wait().err, Not(HasSubstr("remembered in memory only")));
}

/// Ends of channels that meet at a tunnel, on several threads, until it dies.
class load {
 public:
  load(std::string address, std::string name) : address_(std::move(address)), name_(std::move(name)) {
    for (int i = 0; i < 8; ++i) threads_.emplace_back([this, i] { run(i); });
  }
  ~load() { join(); }
  [[nodiscard]] bool wait_for(std::size_t meetings) {
    std::unique_lock lock(mutex_);
    return grown_.wait_for(lock, process_patience, [&] { return met_.size() >= meetings; });
  }
  /// The tokens that opened the door.
  std::vector<restarts::pair> join() {
    for (auto& one : threads_) one.join();
    threads_.clear();
    return met_;
  }

 private:
  void run(int thread) {
    try {
      for (int n = 0;; ++n) {
        const auto name = name_ + '.' + std::to_string(thread) + '.' + std::to_string(n);
        const auto tokens = restarts::pair_named(name, unix_now());
        if (!restarts::meet(address_, tokens)) return;
        {
          const std::scoped_lock lock(mutex_);
          met_.push_back(tokens);
          grown_.notify_all();
        }
      }
    } catch (const std::exception&) {
      // Killed under way: nobody was told that this token was taken.
    }
  }

  const std::string address_, name_;
  std::mutex mutex_;
  std::condition_variable grown_;
  std::vector<restarts::pair> met_;
  std::vector<std::thread> threads_;
};

TEST_F(restarts, by_kill_under_load_let_no_token_in_twice) {
  std::vector<pair> met, met_before;
  for (int life = 0; life < 4; ++life) {
    process tunnel{program, with_journal()};
    const auto address = address_of(tunnel);
    load attaches{address, "life " + std::to_string(life)};
    // While the new ones come.
    for (const auto& tokens : met_before) {
      EXPECT_EQ(refusal(address, tokens.client), "token_replay");
      EXPECT_EQ(refusal(address, tokens.server), "token_replay");
    }
    EXPECT_TRUE(attaches.wait_for(60));
    tunnel.send_signal(SIGKILL);
    met_before = attaches.join();
    met.insert(met.end(), met_before.begin(), met_before.end());
    EXPECT_EQ(tunnel.wait().signal, SIGKILL);
  }
  process tunnel{program, with_journal()};
  const auto address = address_of(tunnel);
  EXPECT_GE(met.size(), 240u);
  for (const auto& tokens : met) {
    EXPECT_EQ(refusal(address, tokens.client), "token_replay");
    EXPECT_EQ(refusal(address, tokens.server), "token_replay");
  }
}

TEST_F(restarts, cut_an_unfinished_write_and_keep_what_is_before_it) {
  const auto tokens = next_pair();
  {
    process tunnel{program, with_journal()};
    EXPECT_TRUE(meet(address_of(tunnel), tokens));
    tunnel.send_signal(SIGKILL);
    EXPECT_EQ(tunnel.wait().signal, SIGKILL);
  }
  write_whole_file(journal, read_whole_file(journal) + std::string(100, '\0') + "torn");
  process tunnel{program, with_journal()};
  const auto address = address_of(tunnel);
  EXPECT_TRUE(tunnel.wait_for_err("used.journal: 2 used tokens remembered, 104 bytes of an unfinished write cut\n"));
  EXPECT_EQ(refusal(address, tokens.client), "token_replay");
  EXPECT_EQ(refusal(address, tokens.server), "token_replay");
}

TEST_F(restarts, refuse_a_journal_that_is_damaged_before_its_end) {
  {
    process tunnel{program, with_journal()};
    const auto address = address_of(tunnel);
    EXPECT_TRUE(meet(address, next_pair()));
    EXPECT_TRUE(meet(address, next_pair()));
  }
  auto bytes = read_whole_file(journal);
  bytes[70] = static_cast<char>(bytes[70] ^ 4);
  write_whole_file(journal, bytes);
  const auto end = run_program(program, with_journal());
  EXPECT_EQ(end.exit_code, 1);
  EXPECT_EQ(end.out, "");
  EXPECT_THAT(end.err, HasSubstr("cannot use --replay-journal " + journal + ": the record at offset 68 is damaged"));
  EXPECT_EQ(read_whole_file(journal), bytes);
}

TEST_F(restarts, refuse_a_journal_that_another_process_uses) {
  process first{program, with_journal()};
  const auto address = address_of(first);
  const auto second = run_program(program, with_journal());
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_EQ(second.out, "");
  EXPECT_THAT(second.err, HasSubstr("cannot use --replay-journal " + journal + ": another process is using it"));
  EXPECT_TRUE(meet(address, next_pair())) << "the first one is not disturbed";
}

std::size_t times(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

constexpr const char* refusing = "used tokens cannot be written down, so attaches are refused: ";

class a_journal_without_room : public restarts {
 protected:
  /// Attaches are refused once the disk is full, with one line, and accepted when there is room again.
  template <class GiveRoom>
  void expect_refusals_until(process& tunnel, const std::string& address, const std::string& reason,
                             GiveRoom give_room) {
    // One token after the other, so that in the end there is no room for a single one.
    const auto full = [&] { return tunnel.wait_for_err(refusing, std::chrono::milliseconds{1}); };
    for (int shown = 0; shown < 500 && !full(); ++shown) {
      const auto before = std::filesystem::file_size(journal);
      const auto alone = attach(address, next_pair().client);
      EXPECT_TRUE(tunnel_program::eventually([&] { return std::filesystem::file_size(journal) != before || full(); }));
    }
    EXPECT_EQ(refusal(address, next_pair().client), "token_replay");
    EXPECT_TRUE(tunnel.wait_for_err(refusing + reason + '\n'));
    EXPECT_EQ(times(tunnel.err_so_far(), refusing), 1u);
    give_room();
    EXPECT_TRUE(meet(address, next_pair()));
    EXPECT_TRUE(tunnel.wait_for_err("used tokens are written down again\n"));
    tunnel.send_signal(SIGTERM);
    EXPECT_EQ(tunnel.wait().exit_code, 0);
  }
};

TEST_F(a_journal_without_room, by_the_limit_of_file_sizes_refuses_until_it_is_raised) {
  process tunnel{program, with_journal()};
  const auto address = address_of(tunnel);
  tunnel.limit_file_size(read_whole_file(journal).size() + 4 * 52 + 17);
  expect_refusals_until(tunnel, address, "File too large", [&] { tunnel.limit_file_size(1 << 20); });
  process next{program, with_journal()};
  ASSERT_TRUE(next.read_line());
  EXPECT_TRUE(next.wait_for_err("used tokens remembered\n")) << "what a failed write left was taken back at once";
}

/// A small file system that only this process and its children see.
class small_disk {
 public:
  explicit small_disk(std::string at) : at_(std::move(at)) {
    ::mkdir(at_.c_str(), 0700);
    mounted_ = ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount("none", at_.c_str(), "tmpfs", 0, "size=32k") == 0;
  }
  ~small_disk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  [[nodiscard]] bool mounted() const noexcept { return mounted_; }

 private:
  const std::string at_;
  bool mounted_ = false;
};

TEST_F(a_journal_without_room, on_a_full_disk_refuses_until_there_is_room) {
  const small_disk disk{folder.file("disk")};
  if (!disk.mounted()) GTEST_SKIP() << "only root may mount a disk; the limit of file sizes stands in for it";
  journal = folder.file("disk/used.journal");
  const auto filler = folder.file("disk/filler");
  process tunnel{program, with_journal()};
  const auto address = address_of(tunnel);
  write_whole_file(filler, std::string(64 * 1024, 'x'));
  expect_refusals_until(tunnel, address, "No space left on device", [&] { std::remove(filler.c_str()); });
}

}  // namespace
}  // namespace flowersec::testing
