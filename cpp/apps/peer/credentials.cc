#include "peer/credentials.h"

#include "cli/file.h"
#include "flowersec/base/json_scan.h"
#include "flowersec/messages/grant_file.h"

namespace flowersec::apps {
namespace {

/// The artifact inside a control plane's answer; a view into the text. Anything else as it is.
std::string_view artifact_in(std::string_view text) {
  auto artifact = text;
  const bool is_object = scan_json_object(text, [&](const json_member& member) {
    if (member.raw_name == "connect_artifact") artifact = member.raw_value;
  });
  return is_object ? artifact : text;
}

/// What the text has inside, if it is an object at all; views into the text.
messages::controlplane::v1::credential_wrapper wrapper_of(std::string_view text) {
  auto wrapper = messages::controlplane::v1::decode_credential_wrapper(text);
  return wrapper ? *wrapper : messages::controlplane::v1::credential_wrapper{};
}

template <class T>
or_problem<T> or_problem_of(messages::decoded<T> decoded) {
  if (!decoded) return problem{decoded.error().text()};
  return std::move(*decoded);
}

or_problem<std::string> read_input(const std::string& file) {
  return read_text_file(file == "-" ? "/dev/stdin" : file, messages::max_text_bytes);
}

template <class T>
or_problem<T> with_file_name(or_problem<T> parsed, const std::string& file) {
  if (parsed) return parsed;
  return problem{(file == "-" ? "stdin" : file) + ": " + parsed.error().text};
}

}  // namespace

or_problem<endpoint::channel_init_grant> parse_grant(std::string_view text, endpoint::role role) {
  if (role == endpoint::role::server) return or_problem_of(messages::read_server_grant(text));
  text = artifact_in(text);
  const auto wrapper = wrapper_of(text);
  if (wrapper.direct_info) return problem{"this artifact is for the direct path; use --info"};
  return or_problem_of(messages::read_client_grant(wrapper.tunnel_grant.value_or(text)));
}

or_problem<endpoint::direct_connect_info> parse_info(std::string_view text) {
  text = artifact_in(text);
  const auto wrapper = wrapper_of(text);
  if (wrapper.tunnel_grant || wrapper.grant_client) {
    return problem{"this is a grant for the tunnel path; use --grant"};
  }
  return or_problem_of(messages::read_direct_info(wrapper.direct_info.value_or(text)));
}

or_problem<endpoint::channel_init_grant> load_grant(const dial_command& command, endpoint::role role) {
  const auto text = read_input(command.grant);
  if (!text) return text.error();
  auto grant = with_file_name(parse_grant(*text, role), command.grant);
  if (grant && !command.url.empty()) grant->tunnel_url = command.url;
  return grant;
}

or_problem<endpoint::direct_connect_info> load_info(const dial_command& command) {
  const auto text = read_input(command.info);
  if (!text) return text.error();
  auto info = with_file_name(parse_info(*text), command.info);
  if (info && !command.url.empty()) info->ws_url = command.url;
  return info;
}

}  // namespace flowersec::apps
