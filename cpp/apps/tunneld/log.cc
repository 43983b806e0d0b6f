#include "tunneld/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace flowersec::apps {
namespace {

spdlog::logger make_logger() {
  spdlog::logger logger{"tunnel", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
  logger.set_pattern("%Y/%m/%d %H:%M:%S %v");
  logger.flush_on(spdlog::level::info);
  return logger;
}

}  // namespace

void log_line(std::string_view message) {
  static spdlog::logger logger = make_logger();
  logger.info(message);
}

}  // namespace flowersec::apps
