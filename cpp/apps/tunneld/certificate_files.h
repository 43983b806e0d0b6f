// The certificate and key of a running tunnel, exchanged on all its listeners or on none.
// Layer apps. Blocking file I/O.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/problem.h"
#include "flowersec/tunnel/server.h"
#include "tunneld/file_watch.h"

struct ssl_ctx_st;

namespace flowersec::apps {

/// Why the pair cannot be used, in words for an operator; names the files.
[[nodiscard]] problem describe_unusable(const tunnel::tls_files& files);

class certificate_files {
 public:
  using take_context = std::function<void(std::shared_ptr<ssl_ctx_st>)>;

  /// `server` must outlive it, and runs with these files.
  certificate_files(tunnel::tls_files files, tunnel::server& server) : files_(std::move(files)), server_(server) {}
  /// A listener beside the main one.
  void add_listener(take_context take) { listeners_.push_back(std::move(take)); }
  void note(file_watch& files) const;
  /// Puts what the files hold now in force. On a problem every listener keeps what it has.
  [[nodiscard]] std::optional<problem> load(file_watch& files) const;

 private:
  tunnel::tls_files files_;
  tunnel::server& server_;
  std::vector<take_context> listeners_;
};

}  // namespace flowersec::apps
