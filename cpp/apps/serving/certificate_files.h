// The certificate and key of a program that serves, exchanged on all its listeners or on none.
// Layer apps. Blocking file I/O.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/problem.h"
#include "flowersec/base/error.h"
#include "serving/file_watch.h"
#include "serving/reloader.h"

struct ssl_ctx_st;

namespace flowersec::apps {

/// Paths of --tls-cert-file and --tls-key-file.
struct certificate_paths {
  std::string chain;
  std::string key;
};

/// Why one of them cannot be read, or would be waited for: to be asked before the pair is loaded by its paths.
[[nodiscard]] std::optional<problem> unreadable_problem(const certificate_paths& paths);
/// Why the pair cannot be used, in words for an operator; names the files.
[[nodiscard]] problem describe_unusable(const certificate_paths& paths);

class certificate_files {
 public:
  /// A listener that reads the files itself; an error means that it keeps what it has.
  using take_paths = std::function<error_code(const certificate_paths&)>;
  using take_context = std::function<void(std::shared_ptr<ssl_ctx_st>)>;

  certificate_files(certificate_paths paths, take_paths main) : paths_(std::move(paths)), main_(std::move(main)) {}
  /// A listener beside the main one.
  void add_listener(take_context take) { listeners_.push_back(std::move(take)); }
  void note(file_watch& files) const;
  /// Puts what the files hold now in force. On a problem every listener keeps what it has.
  [[nodiscard]] std::optional<problem> load(file_watch& files) const;

 private:
  certificate_paths paths_;
  take_paths main_;
  std::vector<take_context> listeners_;
};

/// As a part of what is read again, for reloader. `certificate` outlives it; its files are noted as they are now.
[[nodiscard]] reloadable reloadable_certificate(const certificate_files& certificate);

}  // namespace flowersec::apps
