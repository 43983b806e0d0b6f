#include "tools/output.h"

#include <filesystem>
#include <ostream>

#include "cli/json_text.h"
#include "flowersec/base/text.h"
#include "flowersec/controlplane/file.h"
#include "flowersec/messages/sensitive_text.h"

namespace flowersec::apps {

std::optional<std::string> overwrite_refusal(const std::vector<std::string>& paths, bool overwrite) {
  if (overwrite) return std::nullopt;
  for (const auto& path : paths) {
    std::error_code ignored;
    // A link that leads nowhere is something to keep, too.
    if (!path.empty() &&
        std::filesystem::symlink_status(path, ignored).type() != std::filesystem::file_type::not_found) {
      return "refusing to overwrite existing file: " + path + " (use --overwrite)";
    }
  }
  return std::nullopt;
}

namespace {

/// Without links, as far as they can be followed.
std::filesystem::path resolved(const std::string& path) {
  std::error_code failed;
  const auto whole = std::filesystem::absolute(path, failed);
  auto found = std::filesystem::weakly_canonical(whole, failed);
  return failed ? whole.lexically_normal() : found;
}

}  // namespace

bool same_file(const std::string& a, const std::string& b) {
  return !a.empty() && !b.empty() && resolved(a) == resolved(b);
}

controlplane::outcome<void> write_json(const invocation& io, const std::string& path, std::string_view compact,
                                       bool pretty) {
  const messages::sensitive_text text{pretty ? indent_json(compact) : std::string{compact}};
  if (!path.empty()) return controlplane::write_file_atomically(path, text.view(), controlplane::secret_file_mode);
  io.out << text.view() << '\n' << std::flush;
  if (io.out) return {};
  return controlplane::failure{make_error_code(boost::system::errc::io_error), "cannot write to stdout"};
}

std::optional<output_format> parse_output_format(std::string_view word) {
  const auto name = ascii_lower(trim(word));
  if (name.empty() || name == "legacy") return output_format::legacy;
  if (name == "artifact") return output_format::artifact;
  return std::nullopt;
}

}  // namespace flowersec::apps
