// The files that a running control plane follows: the bearer key, and its certificate when it has one. The state file
// has revisions of its own. Layer apps. Runs on the context it is given; blocking file I/O.
#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>

#include "controlplane/control_listener.h"
#include "controlplane/front.h"
#include "controlplane/options.h"
#include "serving/certificate_files.h"
#include "serving/reloader.h"

namespace flowersec::apps::plane {

class live_files {
 public:
  /// Make it before the files are read first: what changes from here on is a change. `command` outlives it.
  live_files(boost::asio::io_context& context, const serve_command& command);
  live_files(const live_files&) = delete;
  live_files& operator=(const live_files&) = delete;

  /// A listener beside the control connections' that takes each new certificate.
  void add_listener(certificate_files::take_context take);
  /// Follows the files from now on, for these, which outlive it.
  void watch(front& requests, control_listener& endpoints);
  void stop() { reloader_.stop(); }
  /// Reads all of them again. Only after watch().
  void reload() { reloader_.reload_all(); }

 private:
  [[nodiscard]] reloadable bearer_key();

  const serve_command& command_;
  front* requests_ = nullptr;
  control_listener* endpoints_ = nullptr;
  std::optional<certificate_files> certificate_;
  reloader reloader_;
};

}  // namespace flowersec::apps::plane
