#include "serving/certificate_files.h"

#include "cli/file.h"
#include "flowersec/http/server.h"
#include "serving/tls_reason.h"

namespace flowersec::apps {

std::optional<problem> unreadable_problem(const certificate_paths& paths) {
  auto chain = unreadable_problem(paths.chain);
  return chain ? chain : unreadable_problem(paths.key);
}

problem describe_unusable(const certificate_paths& paths) {
  if (auto unreadable = unreadable_problem(paths)) return *std::move(unreadable);
  return {"cannot use --tls-cert-file " + paths.chain + " with --tls-key-file " + paths.key + ": " +
          std::string{tls_reason(paths.chain, paths.key)}};
}

void certificate_files::note(file_watch& files) const {
  files.note(paths_.chain);
  files.note(paths_.key);
}

std::optional<problem> certificate_files::load(file_watch& files) const {
  note(files);
  if (auto unreadable = unreadable_problem(paths_)) return unreadable;
  // The main listener comes second, for it may refuse; from then on nothing can.
  auto context = http::load_server_tls(paths_.chain, paths_.key);
  if (!context || main_(paths_)) return describe_unusable(paths_);
  for (const auto& take : listeners_) take(*context);
  return std::nullopt;
}

reloadable reloadable_certificate(const certificate_files& certificate) {
  file_watch present;
  certificate.note(present);
  return {.load = [&certificate](file_watch& files) { return certificate.load(files); },
          .files = std::move(present),
          .done_line = "reloaded certificate",
          .failed_prefix = "reload certificate failed, the old one stays: "};
}

}  // namespace flowersec::apps
