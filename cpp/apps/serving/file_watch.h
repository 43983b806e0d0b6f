// Which files something was made of, and whether they are different now.
// Layer apps. Looks at what a path leads to, links included, so it notices a file written in place, a file renamed over
// another, and a link in the middle of the path that points elsewhere. Not thread-safe; blocking file I/O.
#pragma once

#include <sys/stat.h>

#include <map>
#include <optional>
#include <string>

namespace flowersec::apps {

class file_watch {
 public:
  /// Remembers what `path` leads to now. To be called before the file is read: what changes during the reading is then
  /// a change.
  void note(const std::string& path);

  /// Looks at every noted file. True when one differs from what was noted and nothing moved since the look before:
  /// files that are being written, or exchanged one after the other, are left to finish.
  [[nodiscard]] bool changed();

 private:
  /// What tells two versions of a file apart without reading them.
  struct version {
    dev_t device = 0;
    ino_t inode = 0;
    off_t bytes = 0;
    timespec modified{};
    timespec status_changed{};
    [[nodiscard]] bool operator==(const version& other) const noexcept;
  };
  /// nullopt: there is no such file.
  using look = std::optional<version>;
  struct watched {
    look noted;
    look latest;
  };
  [[nodiscard]] static look look_at(const std::string& path);

  std::map<std::string, watched> files_;
};

}  // namespace flowersec::apps
