// flowersec-issuer-keygen: makes an issuer's key files.
#include <sys/stat.h>

#include <filesystem>
#include <system_error>

#include "cli/version.h"
#include "flowersec/base/json.h"
#include "flowersec/controlplane/file.h"
#include "flowersec/controlplane/issuer_keyset.h"
#include "issuer_keygen/options.h"
#include "tools/output.h"

namespace flowersec::apps {
namespace {

namespace fs = std::filesystem;

/// A blank name means the standard one.
fs::path target_path(const issuer_keygen_options& options, const std::string& name, const std::string& standard) {
  return fs::absolute(fs::path{options.out_dir} / (name.empty() ? standard : name)).lexically_normal();
}

/// Makes what is missing, for the owner only. A directory that was there keeps its mode: it may be shared on purpose.
std::error_code make_private_directories(const fs::path& directory) {
  fs::path made;
  for (const auto& part : directory) {
    made /= part;
    if (::mkdir(made.c_str(), S_IRWXU) != 0 && errno != EEXIST) return {errno, std::generic_category()};
  }
  return fs::is_directory(directory) ? std::error_code{} : std::make_error_code(std::errc::not_a_directory);
}

controlplane::outcome<void> write_keys(const controlplane::issuer_keyset& keys, const fs::path& private_file,
                                       const fs::path& public_file) {
  const auto secret = keys.export_private_key_file();
  if (auto written = controlplane::write_file_atomically(private_file, secret.view(), controlplane::secret_file_mode);
      !written) {
    return written;
  }
  return controlplane::write_file_atomically(public_file, keys.export_keyset_file(), controlplane::public_file_mode);
}

std::string summary(const std::string& kid, const fs::path& private_file, const fs::path& public_file) {
  const auto& build = build_version();
  std::string text;
  json_object_writer{text}
      .field("version", build.version)
      .field("commit", build.commit)
      .field("date", build.date)
      .field("kid", kid)
      .field("private_key_file", private_file.native())
      .field("issuer_keys_file", public_file.native())
      .end();
  return text;
}

int run(const invocation& io) {
  issuer_keygen_options options;
  const auto described = describe_issuer_keygen(options);
  if (const auto code = read_command_line(described, io)) return *code;
  if (options.kid.empty()) return usage_error(described, io, "missing --kid");
  if (options.out_dir.empty()) options.out_dir = ".";

  const auto private_file = target_path(options, options.private_key_file, "issuer_key.json");
  const auto public_file = target_path(options, options.issuer_keys_file, "issuer_keys.json");
  if (same_file(private_file, public_file)) {
    return usage_error(described, io, "--private-key-file and --issuer-keys-file must differ");
  }
  if (const auto refusal = overwrite_refusal({private_file, public_file}, options.overwrite)) {
    return fail(io, exit_usage, *refusal);
  }

  const auto directory = fs::absolute(options.out_dir).lexically_normal();
  if (const auto error = make_private_directories(directory)) {
    return fail(io, exit_runtime, "cannot make directory " + directory.native() + ": " + error.message());
  }
  const auto keys = controlplane::issuer_keyset::generate(options.kid, system_random());
  if (!keys) return fail(io, exit_runtime, "cannot make a key: " + keys.error().message());
  if (const auto written = write_keys(*keys, private_file, public_file); !written) {
    return fail(io, exit_runtime, written.error().text);
  }
  // Paths and a key id, nothing secret.
  const auto printed = write_json(io, {}, summary(keys->current_kid(), private_file, public_file), options.pretty);
  return printed ? exit_ok : fail(io, exit_runtime, printed.error().text);
}

}  // namespace
}  // namespace flowersec::apps

int main(int argc, char** argv) { return flowersec::apps::run(flowersec::apps::process_invocation(argc, argv)); }
