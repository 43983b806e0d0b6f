// Reads files again while a program serves: all of them when told to, and a part of them when its files have changed.
// Layer apps. Runs on the context it is given; blocking file I/O.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "cli/problem.h"
#include "serving/file_watch.h"

namespace flowersec::apps {

/// Something made of files that stands or falls as a whole.
struct reloadable {
  /// Reads the files, noting each in the watch, and puts the outcome in force. On a problem nothing has changed.
  std::function<std::optional<problem>(file_watch&)> load;
  /// The files as they were when they were loaded last.
  file_watch files;
  std::string done_line;      ///< what the log says when it is in force
  std::string failed_prefix;  ///< what the log says before the problem
};

/// A part named `name` that is made of these files, which have just been loaded.
[[nodiscard]] reloadable reload_part(std::vector<std::string> paths, const std::string& name,
                                     std::function<std::optional<problem>()> load);

class reloader {
 public:
  /// How often files are looked at. A change is loaded after the second look that finds it.
  static constexpr std::chrono::seconds look_interval{1};

  explicit reloader(boost::asio::io_context& context) : timer_(context) {}
  void add(reloadable part) { parts_.push_back(std::move(part)); }
  /// Looks at the files from now on.
  void watch();
  /// Not any more.
  void stop() { timer_.cancel(); }
  void reload_all();

 private:
  void look();

  boost::asio::steady_timer timer_;
  std::list<reloadable> parts_;
};

}  // namespace flowersec::apps
