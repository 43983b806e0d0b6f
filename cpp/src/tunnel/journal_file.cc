// See journal_file.h.
#include "tunnel/journal_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace flowersec::tunnel {

namespace {

constexpr mode_t owner_only = 0600;

error_code last_error() noexcept { return {errno, boost::system::system_category()}; }

error_code write_all(int file, byte_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return last_error();
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

/// The folder that holds `path`.
std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string lock_of(const std::string& path) { return path + ".lock"; }

/// A replacement would take the place of a device, or of the link instead of what it leads to.
bool may_be_replaced(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) != 0 || S_ISREG(found.st_mode);
}

replay_journal_problem not_regular() { return {"it is not a regular file"}; }

replay_journal_problem problem(std::string what, const error_code& why) {
  return {std::move(what) + ": " + why.message()};
}

}  // namespace

replay_journal_result<std::unique_ptr<journal_file>> journal_file::lock(std::string path) {
  if (!may_be_replaced(path)) return not_regular();
  const auto folder_name = folder_of(path);
  const auto lock_name = lock_of(path);
  const int folder = ::open(folder_name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return problem("cannot open the folder " + folder_name, last_error());
  const int lock = ::open(lock_name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, owner_only);
  if (lock < 0) {
    auto failed = problem("cannot open " + lock_name, last_error());
    ::close(folder);
    return failed;
  }
  std::unique_ptr<journal_file> locked{new journal_file{std::move(path), lock, folder}};
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return replay_journal_problem{"another process is using it (" + lock_name + " is locked)"};
    return problem("cannot lock " + lock_name, last_error());
  }
  return locked;
}

replay_journal_result<bool> journal_file::can_lock(const std::string& path) {
  if (!may_be_replaced(path)) return not_regular();
  const auto folder_name = folder_of(path);
  // New files come into being there: at the first start, and whenever the journal is rewritten.
  if (::access(folder_name.c_str(), R_OK | W_OK | X_OK) != 0) {
    return problem("cannot write to the folder " + folder_name, last_error());
  }
  const auto lock_name = lock_of(path);
  const int lock = ::open(lock_name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (lock < 0 && errno == ENOENT) return true;
  if (lock < 0) return problem("cannot open " + lock_name, last_error());
  const bool locked = ::flock(lock, LOCK_EX | LOCK_NB) == 0;
  const auto why = last_error();
  ::close(lock);  // which unlocks
  if (!locked && why.value() != EWOULDBLOCK) return problem("cannot lock " + lock_name, why);
  return locked;
}

journal_file::~journal_file() {
  if (file_ >= 0) ::close(file_);
  ::close(folder_);
  ::close(lock_);
}

error_code journal_file::read(const std::string& path, const std::function<void(byte_view)>& piece) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno == ENOENT ? error_code{} : last_error();
  std::array<std::byte, 65536> block;
  error_code failed;
  for (;;) {
    const auto got = ::read(file, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) failed = last_error();
    if (got <= 0) break;
    piece(byte_view{block}.first(static_cast<std::size_t>(got)));
  }
  ::close(file);
  return failed;
}

error_code journal_file::append(byte_view bytes) { return write_all(file_, bytes); }

error_code journal_file::sync() {
  if (folder_changed_ && ::fsync(folder_) != 0) return last_error();
  folder_changed_ = false;
  return ::fdatasync(file_) == 0 ? error_code{} : last_error();
}

error_code journal_file::cut(std::uint64_t length) {
  return ::ftruncate(file_, static_cast<off_t>(length)) == 0 ? error_code{} : last_error();
}

error_code journal_file::replace(const source& contents) {
  const auto new_name = path_ + ".new";
  // One left behind by a crash may have any mode; the journal's is its owner's only.
  if (::unlink(new_name.c_str()) != 0 && errno != ENOENT) return last_error();
  const int file = ::open(new_name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, owner_only);
  if (file < 0) return last_error();
  byte_buffer piece;
  error_code failed;
  while (!failed && contents(piece)) {
    failed = write_all(file, piece);
    piece.clear();
  }
  if (!failed && ::fsync(file) != 0) failed = last_error();
  if (!failed && ::rename(new_name.c_str(), path_.c_str()) != 0) failed = last_error();
  if (failed) {
    ::close(file);
    ::unlink(new_name.c_str());
    return failed;
  }
  if (file_ >= 0) ::close(file_);
  file_ = file;
  folder_changed_ = true;
  return {};
}

}  // namespace flowersec::tunnel
