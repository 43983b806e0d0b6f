#include "peer/report.h"

#include <algorithm>
#include <cstdio>

namespace flowersec::apps {

bool client_report::ok() const noexcept {
  return !checks_.empty() && std::all_of(checks_.begin(), checks_.end(), [](const check& c) { return c.why.empty(); });
}

std::string client_report::line(std::string_view path) const {
  std::string checks;
  json_object_writer checks_writer{checks};
  for (const auto& entry : checks_) checks_writer.field(entry.name, entry.why.empty() ? std::string{"ok"} : entry.why);
  checks_writer.end();

  std::string figures;
  json_object_writer figures_writer{figures};
  for (const auto& [name, value] : figures_) {
    char number[32];
    std::snprintf(number, sizeof number, "%.1f", value);
    figures_writer.raw(name, number);
  }
  figures_writer.end();

  std::string text;
  json_object_writer{text}
      .field("role", "client")
      .field("path", path)
      .field("ok", ok())
      .raw("checks", checks)
      .raw("figures", figures)
      .end();
  return text;
}

}  // namespace flowersec::apps
