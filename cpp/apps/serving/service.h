// What programs that serve have in common: worker threads, addresses, a ready line, a start that fails with a sentence.
// Layer apps.
#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "cli/problem.h"
#include "cli/program.h"
#include "cli/version.h"
#include "flowersec/base/json.h"
#include "serving/listen_address.h"
#include "serving/log.h"
#include "serving/token_file.h"

namespace flowersec::apps {

/// A sentence for the operator, after which the start is given up.
struct start_failure {
  std::string text;
};

template <class T>
T or_fail(or_problem<T> outcome) {
  if (!outcome) throw start_failure{outcome.error().text};
  return std::move(*outcome);
}

inline std::size_t worker_threads() {
  constexpr unsigned most = 8;  // there is little to compute; more threads only cost memory
  return std::clamp(std::thread::hardware_concurrency(), 1U, most);
}

/// Hooks run on worker threads; behind this, none runs any more.
struct worker_end {
  boost::asio::thread_pool& workers;
  ~worker_end() {
    workers.stop();
    workers.join();
  }
};

/// `flag` is named when the address cannot be resolved.
inline boost::asio::ip::tcp::endpoint resolve_or_fail(boost::asio::io_context& context, const char* flag,
                                                      const std::string& address) {
  const auto malformed = make_error_code(boost::system::errc::invalid_argument);
  const auto where = resolve_listen_address(context, address, malformed);
  if (where) return *where;
  throw start_failure{"cannot listen on " + std::string{flag} + ' ' + address + ": " + where.error().message()};
}

/// Says that others can read a file that is secret; the program goes on.
inline void warn_exposed(std::string_view flag, const std::string& path) {
  if (path.empty()) return;
  if (const auto exposed = secret_file_problem(flag, path)) log_line(log_level::warning, exposed->text);
}

inline std::string port_taken(const std::string& address, const char* flags) {
  return "cannot listen on " + address + ": taken by another program, or no address of this machine; " + flags;
}

/// The fields with which every ready line begins.
inline json_object_writer& write_build(json_object_writer& line) {
  const auto& build = build_version();
  return line.field("version", build.version).field("commit", build.commit).field("date", build.date);
}

/// A program whose ready line nobody can read does not go on.
inline void print_ready_line(const invocation& io, const std::string& text) {
  io.out << text << '\n' << std::flush;
  if (!io.out) throw start_failure{"cannot write the ready line to stdout"};
}

/// Makes a Service of the command and runs it to its end.
/// Result   the exit code.
template <class Service, class Command>
int run_service(const Command& command, const invocation& io) {
  boost::asio::io_context context{1};
  try {
    Service all{context, command, io};
    all.run();
    return exit_ok;
  } catch (const start_failure& failed) {
    return fail(io, exit_runtime, failed.text);
  }
}

}  // namespace flowersec::apps
