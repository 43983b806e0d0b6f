// The replay store with a journal: used tokens in memory to ask, and in a file to survive.
// Layer tunnel. PROTOCOL, "Replay protection". Thread-safe. One thread writes; what is asked while the disk is busy
// goes with its next turn, so that the rate of attaches is not the rate of the disk's syncs.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "flowersec/tunnel/replay_journal.h"
#include "tunnel/journal_storage.h"
#include "tunnel/used_tokens.h"

namespace flowersec::tunnel {

class journal_replay_store final : public replay_store {
 public:
  /// Records written and synced together at most; 208 KiB.
  static constexpr std::size_t most_records_per_group = 4096;
  /// The file is rewritten when it holds twice as many records as there are entries, and so many more.
  static constexpr std::size_t spare_records = 4096;
  /// Between two attempts to rewrite when the first failed.
  static constexpr std::chrono::seconds rewrite_pause{1};
  static constexpr std::chrono::seconds report_pause{10};

  journal_replay_store(std::unique_ptr<journal_storage> storage, std::size_t max_entries,
                       std::function<void(std::string_view)> report);
  ~journal_replay_store() override;

  /// What an earlier process wrote down. Before start().
  void remember(const token_digest& token, std::int64_t until, wall_time wall_now, mono_time now);
  [[nodiscard]] std::size_t size() const;
  /// Writes the file anew with what is remembered, and starts the thread.
  [[nodiscard]] error_code start();

  void try_use(replay_query query, wall_time wall_now, mono_time now, mono_time deadline,
               std::function<void(replay_answer)> answer) override;
  void expire(wall_time wall_now, mono_time now) override;
  /// Answers what is open with `unavailable`, instead of waiting for a disk that may hang.
  void settle() override;

 private:
  using answer_function = std::function<void(replay_answer)>;
  struct waiting {
    token_digest token;
    std::int64_t until;
    mono_time deadline;
    answer_function answer;  ///< empty once given
  };

  void run();
  [[nodiscard]] error_code write_group(mono_time now);
  [[nodiscard]] error_code append_group();
  [[nodiscard]] error_code rewrite(mono_time now);
  void finish_group(std::unique_lock<std::mutex>& lock, const error_code& failed);
  [[nodiscard]] std::vector<answer_function> take_answers_due(mono_time limit);
  void give(std::unique_lock<std::mutex>& lock, const std::vector<answer_function>& answers, replay_answer what);
  void tell(const error_code& failed, mono_time now);
  [[nodiscard]] bool is_mostly_over();

  const std::size_t max_entries_;
  const std::function<void(std::string_view)> report_;

  mutable std::mutex mutex_;
  std::condition_variable work_came_;
  std::condition_variable answers_given_;
  used_tokens used_;
  mono_time now_{};             ///< the latest that anybody said
  std::vector<waiting> queue_;  ///< for the next group
  std::vector<waiting> group_;  ///< being written; its size changes only between writes
  std::size_t giving_ = 0;      ///< how many are giving answers now, outside the lock
  bool stopping_ = false;

  // Of the writing thread.
  std::unique_ptr<journal_storage> storage_;
  std::uint64_t length_ = 0;   ///< durable
  bool must_rewrite_ = false;  ///< what the file holds is not known any more
  mono_time next_rewrite_{};   ///< not before, after one that failed
  error_code last_failure_;    ///< of rewriting
  bool failing_ = false;
  mono_time next_report_{};

  std::thread writer_;
};

}  // namespace flowersec::tunnel
