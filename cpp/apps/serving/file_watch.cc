#include "serving/file_watch.h"

namespace flowersec::apps {
namespace {

bool same(const timespec& a, const timespec& b) noexcept { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

}  // namespace

bool file_watch::version::operator==(const version& other) const noexcept {
  return device == other.device && inode == other.inode && bytes == other.bytes && same(modified, other.modified) &&
         same(status_changed, other.status_changed);
}

file_watch::look file_watch::look_at(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return version{found.st_dev, found.st_ino, found.st_size, found.st_mtim, found.st_ctim};
}

void file_watch::note(const std::string& path) {
  const auto now = look_at(path);
  files_.insert_or_assign(path, watched{now, now});
}

bool file_watch::changed() {
  bool differs = false;
  bool settled = true;
  for (auto& [path, file] : files_) {
    const auto now = look_at(path);
    differs = differs || now != file.noted;
    settled = settled && now == file.latest;
    file.latest = now;
  }
  return differs && settled;
}

}  // namespace flowersec::apps
