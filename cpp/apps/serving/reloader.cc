#include "serving/reloader.h"

#include "flowersec/base/error.h"
#include "serving/log.h"

namespace flowersec::apps {
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
