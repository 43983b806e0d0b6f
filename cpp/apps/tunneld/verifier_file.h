// From the files of the command line to a verifier, at start and at each reload.
// Layer apps. Blocking file I/O.
#pragma once

#include <memory>
#include <string>

#include "cli/problem.h"
#include "flowersec/tunnel/verifier.h"
#include "serving/file_watch.h"
#include "tunneld/options.h"

namespace flowersec::apps {

/// Reads the keyset file, or the tenants file and every keyset file it names: all or nothing. Problems name the file,
/// and the tenant and member when there are any. Each file is noted in `files` before it is read, the missing ones of a
/// tenants file too, so that a problem can be mended by changing any of them.
[[nodiscard]] or_problem<std::shared_ptr<const tunnel::token_verifier>> load_verifier(const tunnel_command& command,
                                                                                      file_watch& files);

}  // namespace flowersec::apps
