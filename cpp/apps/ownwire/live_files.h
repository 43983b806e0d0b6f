// The files that a running gateway follows: key file, tokens, certificate.
// Layer apps. Runs on the context it is given; blocking file I/O.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>

#include "flowersec/ownwire/gateway.h"
#include "flowersec/ws/tls.h"
#include "ownwire/options.h"
#include "ownwire_front/site.h"
#include "serving/live_keys.h"
#include "serving/reloader.h"

namespace flowersec::apps {

/// The pair of --internal-tls-cert and --internal-tls-key.
[[nodiscard]] or_problem<ws::tls_context> load_certificate(const ownwire_command& command);

class live_files {
 public:
  /// All of them outlive it.
  live_files(boost::asio::io_context& context, const ownwire_command& command, live_keys& keys, site& pages,
             ownwire::gateway& gateway);
  live_files(const live_files&) = delete;
  live_files& operator=(const live_files&) = delete;

  /// The token for the edge, for `take` when it changes.
  void add_behind_token(std::function<void(std::string)> take);
  /// Follows changes from now on.
  void watch() { reloader_.watch(); }
  /// Reads all of them again.
  void reload() { reloader_.reload_all(); }

 private:
  [[nodiscard]] std::optional<problem> replace_keys();
  [[nodiscard]] std::optional<problem> replace_token();
  [[nodiscard]] std::optional<problem> replace_certificate();

  const ownwire_command& command_;
  live_keys& keys_;
  site& pages_;
  ownwire::gateway& gateway_;
  reloader reloader_;
};

}  // namespace flowersec::apps
