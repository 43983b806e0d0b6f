// flowersec-directinit: mints the connect info of a direct endpoint.
#include "cli/version.h"
#include "directinit/options.h"
#include "flowersec/controlplane/direct_init.h"
#include "tools/output.h"

namespace flowersec::apps {
namespace {

using messages::sensitive_text;
using messages::direct::v1::direct_connect_info;

std::optional<std::string> usage_problem(const directinit_options& options) {
  if (options.ws_url.empty()) return "missing --ws-url";
  if (!options.psk_b64u.empty() && !crypto::psk::from_base64url(options.psk_b64u)) {
    return "invalid --psk-b64u: not 32 bytes in base64url";
  }
  if (!controlplane::parse_suite_name(options.suite)) return "invalid --suite: " + options.suite + " (x25519 or p256)";
  if (options.init_exp_seconds <= 0) return "--init-exp-seconds must be > 0";
  if (!parse_output_format(options.format)) return "invalid --format: " + options.format + " (legacy or artifact)";
  return std::nullopt;
}

controlplane::direct_init_options init_options(const directinit_options& options) {
  controlplane::direct_init_options init;
  init.ws_url = options.ws_url;
  if (!options.channel_id.empty()) init.channel_id = options.channel_id;
  if (!options.psk_b64u.empty()) init.psk = crypto::psk::from_base64url(options.psk_b64u);
  init.suite = *controlplane::parse_suite_name(options.suite);
  init.init_window = std::chrono::seconds{options.init_exp_seconds};
  return init;
}

sensitive_text output_object(const directinit_options& options, const direct_connect_info& info) {
  namespace direct = messages::direct::v1;
  if (parse_output_format(options.format) == output_format::artifact) {
    return sensitive_text{encode(direct::direct_artifact{.v = 1, .transport = "direct", .direct_info = info.clone()})};
  }
  const auto& build = build_version();
  return sensitive_text{
      encode(direct::direct_info_file{.version = build.version,
                                      .commit = build.commit,
                                      .date = build.date,
                                      .ws_url = info.ws_url,
                                      .channel_id = info.channel_id,
                                      .e2ee_psk_b64u = info.e2ee_psk_b64u.clone(),
                                      .channel_init_expire_at_unix_s = info.channel_init_expire_at_unix_s,
                                      .default_suite = info.default_suite})};
}

int run(const invocation& io) {
  directinit_options options;
  const auto described = describe_directinit(options);
  if (const auto code = read_command_line(described, io)) return *code;
  if (const auto problem = usage_problem(options)) return usage_error(described, io, *problem);
  if (const auto refusal = overwrite_refusal({options.out}, options.overwrite)) return fail(io, exit_usage, *refusal);

  const auto info =
      controlplane::issue_direct(init_options(options), system_random(), to_unix_seconds(system_clocks().wall_now()));
  if (info.has_error() && info.error() == controlplane::controlplane_errc::bad_init_window) {
    return usage_error(described, io, "--init-exp-seconds is too large");
  }
  if (!info) return fail(io, exit_runtime, "cannot mint the connect info: " + info.error().message());
  const auto written = write_json(io, options.out, output_object(options, *info).view(), options.pretty);
  return written ? exit_ok : fail(io, exit_runtime, written.error().text);
}

}  // namespace
}  // namespace flowersec::apps

int main(int argc, char** argv) { return flowersec::apps::run(flowersec::apps::process_invocation(argc, argv)); }
