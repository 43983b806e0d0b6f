// The files that a running tunnel follows: its keys, and its certificate when it has one.
// Layer apps. Runs on the context it is given; blocking file I/O.
#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>

#include "serving/certificate_files.h"
#include "serving/reloader.h"
#include "tunneld/options.h"

namespace flowersec::apps {

class live_files {
 public:
  /// Make it before `server` starts: what changes from here on is a change. `verifier_files` are noted as they were
  /// when the server's verifier was loaded. `command` and `server` must outlive it.
  live_files(boost::asio::io_context& context, const tunnel_command& command, tunnel::server& server,
             file_watch verifier_files);
  live_files(const live_files&) = delete;
  live_files& operator=(const live_files&) = delete;

  /// A listener beside the main one that takes each new certificate.
  void add_listener(certificate_files::take_context take);
  /// Follows the files from now on. The server runs.
  void watch();
  /// Reads all of them again.
  void reload() { reloader_.reload_all(); }

 private:
  std::optional<certificate_files> certificate_;
  reloader reloader_;
};

}  // namespace flowersec::apps
