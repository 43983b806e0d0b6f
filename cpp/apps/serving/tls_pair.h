// A certificate and its key, as two flags name them.
// Layer apps. Blocking file I/O.
#pragma once

#include <string>
#include <string_view>

#include "cli/problem.h"
#include "flowersec/ws/tls.h"

namespace flowersec::apps {

/// Problems name flags and files.
[[nodiscard]] or_problem<ws::tls_context> load_tls_pair(std::string_view cert_flag, const std::string& cert,
                                                        std::string_view key_flag, const std::string& key);

}  // namespace flowersec::apps
