// flowersec-channelinit: mints the two grants of one channel.
#include <limits>

#include "channelinit/options.h"
#include "cli/version.h"
#include "flowersec/controlplane/channel_init.h"
#include "tools/output.h"

namespace flowersec::apps {
namespace {

using messages::sensitive_text;

std::optional<std::string> usage_problem(const channelinit_options& options) {
  if (options.issuer_private_key_file.empty() || options.tunnel_url.empty() || options.audience.empty() ||
      options.issuer.empty()) {
    return "missing --issuer-private-key-file, --tunnel-url, --aud, or --iss";
  }
  const auto format = parse_output_format(options.format);
  if (!format) return "invalid --format: " + options.format + " (legacy or artifact)";
  if (options.token_exp_seconds < 0) return "--token-exp-seconds must be >= 0";
  if (options.idle_timeout_seconds < 0) return "--idle-timeout-seconds must be >= 0";
  if (options.idle_timeout_seconds > std::numeric_limits<std::int32_t>::max()) {
    return "--idle-timeout-seconds must be <= 2147483647";
  }
  if (*format == output_format::artifact && same_file(options.out, options.server_grant_out)) {
    return "--server-grant-out must differ from --out";
  }
  return std::nullopt;
}

controlplane::channel_init_options init_options(const channelinit_options& options) {
  controlplane::channel_init_options init;
  init.tunnel_url = options.tunnel_url;
  init.audience = options.audience;
  init.issuer = options.issuer;
  init.token_lifetime = std::chrono::seconds{options.token_exp_seconds};
  init.idle_timeout = std::chrono::seconds{options.idle_timeout_seconds};
  return init;
}

sensitive_text legacy_object(const controlplane::channel_grants& grants) {
  const auto& build = build_version();
  return sensitive_text{encode(messages::controlplane::v1::grants_file{.version = build.version,
                                                                       .commit = build.commit,
                                                                       .date = build.date,
                                                                       .grant_client = grants.client.clone(),
                                                                       .grant_server = grants.server.clone()})};
}

sensitive_text artifact_object(const messages::controlplane::v1::channel_init_grant& grant) {
  return sensitive_text{encode(
      messages::controlplane::v1::tunnel_artifact{.v = 1, .transport = "tunnel", .tunnel_grant = grant.clone()})};
}

/// The server's grant first: who reads the main output may rely on the file being there.
controlplane::outcome<void> write_grants(const channelinit_options& options, const invocation& io,
                                         const controlplane::channel_grants& grants) {
  if (parse_output_format(options.format) == output_format::legacy) {
    return write_json(io, options.out, legacy_object(grants).view(), options.pretty);
  }
  if (!options.server_grant_out.empty()) {
    const sensitive_text server{encode(grants.server)};
    if (auto written = write_json(io, options.server_grant_out, server.view(), options.pretty); !written)
      return written;
  }
  return write_json(io, options.out, artifact_object(grants.client).view(), options.pretty);
}

int run(const invocation& io) {
  channelinit_options options;
  const auto described = describe_channelinit(options);
  if (const auto code = read_command_line(described, io)) return *code;
  if (const auto problem = usage_problem(options)) return usage_error(described, io, *problem);
  if (parse_output_format(options.format) == output_format::legacy) options.server_grant_out.clear();
  if (const auto refusal = overwrite_refusal({options.out, options.server_grant_out}, options.overwrite)) {
    return fail(io, exit_usage, *refusal);
  }

  if (options.channel_id.empty()) {
    auto random_id = controlplane::random_channel_id(system_random());
    if (!random_id) return fail(io, exit_runtime, random_id.error().message());
    options.channel_id = std::move(*random_id);
  }
  const auto keys = controlplane::issuer_keyset::load_private_key_file(options.issuer_private_key_file);
  if (!keys) return fail(io, exit_runtime, keys.error().text);
  const auto grants = controlplane::issue_channel(*keys, init_options(options), options.channel_id, system_random(),
                                                  to_unix_seconds(system_clocks().wall_now()));
  if (!grants) return fail(io, exit_runtime, "cannot mint the grants: " + grants.error().message());
  const auto written = write_grants(options, io, *grants);
  return written ? exit_ok : fail(io, exit_runtime, written.error().text);
}

}  // namespace
}  // namespace flowersec::apps

int main(int argc, char** argv) { return flowersec::apps::run(flowersec::apps::process_invocation(argc, argv)); }
