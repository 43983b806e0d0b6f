#include "serving/config_check.h"

#include <unistd.h>

#include <filesystem>
#include <ostream>

#include "flowersec/sealed/key_file.h"

namespace flowersec::apps {

config_check check_key_file(const std::string& path) {
  config_check check{"key file " + path};
  const auto read = sealed::read_key_file(path);
  if (read) {
    check.what += ", kid " + read->current().kid();
  } else if (read.error().code != boost::system::errc::no_such_file_or_directory) {
    check.wrong = read.error().text;
  } else {
    check.what += " (none yet: the first start makes it)";
    auto folder = std::filesystem::path{path}.parent_path();
    if (folder.empty()) folder = ".";
    if (::access(folder.c_str(), W_OK) != 0) check.wrong = "cannot write to " + folder.native();
  }
  return check;
}

int report_checks(const std::vector<config_check>& checks, const invocation& io) {
  int code = exit_ok;
  for (const auto& check : checks) {
    if (check.wrong) code = exit_usage;
    (check.wrong ? io.err : io.out) << (check.wrong ? "bad  " : "ok   ") << check.what
                                    << (check.wrong ? ": " + *check.wrong : "") << '\n';
  }
  io.out << std::flush;
  io.err << std::flush;
  return code;
}

}  // namespace flowersec::apps
