// A replay journal's file: locked, readable by its owner only, replaced by rename.
// Layer tunnel. Blocking: for a thread of its own. Beside FILE there are FILE.lock, which stays, and FILE.new while a
// replacement is written. The lock is on a file of its own because a rename would leave it behind.
#pragma once

#include "flowersec/tunnel/replay_journal.h"
#include "tunnel/journal_storage.h"

namespace flowersec::tunnel {

class journal_file final : public journal_storage {
 public:
  /// Locks the journal at `path`; the file itself comes into being with the first replace().
  [[nodiscard]] static replay_journal_result<std::unique_ptr<journal_file>> lock(std::string path);
  /// Whether lock() would have its way, without making or changing a file: true when nothing stands against it, false
  /// when only another process that uses the journal does.
  [[nodiscard]] static replay_journal_result<bool> can_lock(const std::string& path);
  ~journal_file() override;
  journal_file(const journal_file&) = delete;
  journal_file& operator=(const journal_file&) = delete;

  /// Everything the file at `path` holds, in pieces; nothing when there is none.
  [[nodiscard]] static error_code read(const std::string& path, const std::function<void(byte_view)>& piece);

  [[nodiscard]] error_code append(byte_view bytes) override;
  [[nodiscard]] error_code sync() override;
  [[nodiscard]] error_code cut(std::uint64_t length) override;
  [[nodiscard]] error_code replace(const source& contents) override;

 private:
  journal_file(std::string path, int lock, int folder) : path_(std::move(path)), lock_(lock), folder_(folder) {}

  const std::string path_;
  const int lock_;
  const int folder_;  ///< to make a rename durable
  int file_ = -1;
  bool folder_changed_ = false;  ///< since its last sync
};

}  // namespace flowersec::tunnel
