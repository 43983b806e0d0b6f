// A replay store that remembers used tokens across restarts, in a file.
// Layer tunnel. Source: PROTOCOL, "Replay protection". The file holds a hash of each used token, never the token.
#pragma once

#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "flowersec/tunnel/replay.h"

namespace flowersec::tunnel {

/// Why a journal cannot be used, in words for whoever named the file.
struct replay_journal_problem {
  std::string text;
};

/// Found by result::value() on a problem; throws std::runtime_error.
[[noreturn]] void throw_exception_from_error(const replay_journal_problem& what, const boost::source_location& where);

template <class T>
using replay_journal_result = boost::system::result<T, replay_journal_problem>;

struct replay_journal_options {
  /// In an existing folder that the process may write to: the file is replaced by rename when much of it is over.
  std::string path;
  /// Tokens remembered. A full store refuses.
  std::size_t max_entries = 48000;
  /// Told, in one line and from any thread, when tokens can no longer be written down (at most every 10 s while it
  /// lasts), and when they can again.
  std::function<void(std::string_view)> report = [](std::string_view) {};
};

struct opened_replay_journal {
  std::shared_ptr<replay_store> store;
  std::size_t entries = 0;      ///< used tokens found, whose time is not over
  std::uint64_t cut_bytes = 0;  ///< of an unfinished write at the end
};

/// The largest that the file of a journal of so many entries becomes: 104 bytes per entry and a little. While a smaller
/// one takes its place, there are two.
[[nodiscard]] std::uint64_t max_journal_bytes(std::size_t max_entries) noexcept;

/// Locks the journal, reads it, takes away what is over or was not written to its end, and starts the thread that
/// writes. A journal that is not there is a new one.
/// try_use answers `fresh` only when the record of the token is durable; queries that come while the disk is busy share
/// its next turn. When a record cannot be written, the answer is `unavailable` and the token counts as not used.
/// Problems  the file cannot be locked, read or written, or is damaged before its end; nothing was changed.
[[nodiscard]] replay_journal_result<opened_replay_journal> open_replay_journal(replay_journal_options options,
                                                                               wall_time wall_now, mono_time now);

struct seen_replay_journal {
  bool in_use = false;  ///< another process has it open now
};

/// Whether open_replay_journal could use the journal, told without changing or making a file. For a moment it holds the
/// lock, if nobody else does.
/// Problems  those of opening it, but not that another process is using it.
[[nodiscard]] replay_journal_result<seen_replay_journal> look_at_replay_journal(const std::string& path);

}  // namespace flowersec::tunnel
