// What the three issuing tools do with their results: refuse to overwrite, then write to a file or to stdout.
// Layer apps. Results may hold secrets: files are for their owner only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/program.h"
#include "flowersec/controlplane/error.h"

namespace flowersec::apps {

/// The refusal for the first path that exists, or nullopt. Blank paths are stdout and always free.
[[nodiscard]] std::optional<std::string> overwrite_refusal(const std::vector<std::string>& paths, bool overwrite);

/// Whether both name the same file, also when it does not exist yet.
[[nodiscard]] bool same_file(const std::string& a, const std::string& b);

/// Compact, or indented when `pretty`. To the file (mode 0600, no newline at the end), or to stdout (with one) when
/// `path` is blank.
[[nodiscard]] controlplane::outcome<void> write_json(const invocation& io, const std::string& path,
                                                     std::string_view compact, bool pretty);

/// The `--format` word of the tools that print either the older flat object or a connect artifact.
enum class output_format { legacy, artifact };
/// Case does not matter; blank is legacy.
[[nodiscard]] std::optional<output_format> parse_output_format(std::string_view word);

}  // namespace flowersec::apps
