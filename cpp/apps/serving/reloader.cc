#include "serving/reloader.h"

#include "flowersec/base/error.h"
#include "serving/log.h"

namespace flowersec::apps {

reloadable reload_part(std::vector<std::string> paths, const std::string& name,
                       std::function<std::optional<problem>()> load) {
  file_watch present;
  for (const auto& path : paths) present.note(path);
  return {.load =
              [paths = std::move(paths), load = std::move(load)](file_watch& files) {
                for (const auto& path : paths) files.note(path);
                return load();
              },
          .files = std::move(present),
          .done_line = "reloaded " + name,
          .failed_prefix = "reload " + name + " failed, the old one stays: "};
}
namespace {

void reload(reloadable& part) {
  // Files that failed are not tried again until one of them changes, so a bad file is one line of the log.
  part.files = {};
  const auto failed = part.load(part.files);
  if (failed) {
    log_line(log_level::error, part.failed_prefix + failed->text);
  } else {
    log_line(part.done_line);
  }
}

}  // namespace

void reloader::reload_all() {
  for (auto& part : parts_) reload(part);
}

void reloader::watch() {
  timer_.expires_after(look_interval);
  timer_.async_wait([this](const error_code& canceled) {
    if (canceled) return;
    look();
    watch();
  });
}

void reloader::look() {
  for (auto& part : parts_) {
    if (part.files.changed()) reload(part);
  }
}

}  // namespace flowersec::apps
