// Where the lines of the log go: spdlog gives them their time and their level. See log.h.
#include "serving/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace flowersec::apps {
namespace {

struct log_settings {
  log_format format = log_format::text;
  log_level least = log_level::info;
};

log_settings& settings() {
  static log_settings present;
  return present;
}

spdlog::logger make_logger() {
  spdlog::logger logger{"flowersec", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
  if (settings().format == log_format::json) {
    // The message is the rest of the object.
    logger.set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})", spdlog::pattern_time_type::utc);
  } else {
    logger.set_pattern("%Y/%m/%d %H:%M:%S %v");
  }
  logger.set_level(spdlog::level::debug);
  logger.flush_on(spdlog::level::debug);
  return logger;
}

spdlog::logger& logger() {
  static spdlog::logger present = make_logger();
  return present;
}

spdlog::level::level_enum to_spdlog(log_level level) noexcept {
  switch (level) {
    case log_level::error:
      return spdlog::level::err;
    case log_level::warning:
      return spdlog::level::warn;
    case log_level::info:
      return spdlog::level::info;
    case log_level::debug:
      break;
  }
  return spdlog::level::debug;
}

}  // namespace

void configure_log(log_format format, log_level least) { settings() = {format, least}; }

bool logs(log_level level) noexcept { return level <= settings().least; }

void log_line(log_level level, std::string_view message, const log_fields& fields) {
  if (!logs(level)) return;
  const bool json = settings().format == log_format::json;
  logger().log(to_spdlog(level), json ? log_members(message, fields) : log_text(level, message, fields));
}

void log_line(std::string_view message) { log_line(log_level::info, message); }

}  // namespace flowersec::apps
