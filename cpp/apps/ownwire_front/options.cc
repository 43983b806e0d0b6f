#include "ownwire_front/options.h"

#include "cli/values.h"
#include "flowersec/base/text.h"
#include "flowersec/base/web_url.h"

namespace flowersec::apps {
namespace {

constexpr std::int64_t max_port = 65'535;

std::optional<std::string> assets_url_problem(const std::string& url) {
  if (url.empty()) return std::nullopt;
  const bool has_more = url.find_first_of("?#\"<>'`") != url.npos;
  if (!has_more && parse_web_url(url, http_schemes)) return std::nullopt;
  return "invalid --assets-url: " + url +
         " is not an absolute http or https URL without query, such as https://cdn.example/ownwire/";
}

}  // namespace

void front_command::fill_blanks() {
  const front_command standard;
  if (bind.empty()) bind = standard.bind;
  if (bind.starts_with('[') && bind.ends_with(']')) bind = bind.substr(1, bind.size() - 2);
  if (log_level.empty()) log_level = standard.log_level;
  if (log_format.empty()) log_format = standard.log_format;
  if (!assets_url.empty() && !assets_url.ends_with('/')) assets_url += '/';
}

std::string front_command::public_address() const {
  const bool is_v6 = bind.find(':') != bind.npos;
  return (is_v6 ? '[' + bind + ']' : bind) + ':' + std::to_string(port);
}

std::vector<option> front_options(front_command& c) {
  return {
      {"port", &c.port, "public port; 0 lets the system choose", {"OWNWIRE_PORT"}},
      {"bind", &c.bind, "IP address of the public port; 0.0.0.0 for every interface, as in a container"},
      {"allow-origin", &c.allowed_origins,
       "origin of a page that may connect, beside pages of this host (repeatable): full origin, *.domain, host:port or "
       "host; also who may put the chat into a frame"},
      {"allow-no-origin", &c.allow_no_origin, "accept programs, which send no Origin"},
      {"trusted-proxy", &c.trusted_proxies,
       "address or network of a proxy whose X-Forwarded-For is believed (repeatable; not given means this machine)"},
      {"custom-css", &c.custom_css, "stylesheet that is appended to the built-in one, read at start"},
      {"assets-url", &c.assets_url, "root URL of a copy of the assets, to which the pages refer instead"},
      not_blank(command_line_only({"extract-assets", &c.extract_to,
                                   "write stylesheet, scripts and icon to ownwire_assets below this folder, and end"})),
      not_blank(command_line_only({"a", &c.extract_to, "the same as --extract-assets"})),
      {"metrics-listen", &c.metrics_listen, "host:port of a listener for /metrics; blank means none"},
      {"log-level", &c.log_level, "least level of the log: debug, info, warn or error"},
      {"log-format", &c.log_format, "text or json"},
      command_line_only({"check-config", &c.check_config, "check flags and files, say what is wrong, and end"}),
  };
}

std::optional<std::string> front_problem(const front_command& c) {
  if (c.port < 0 || c.port > max_port) return "--port (OWNWIRE_PORT) must be between 0 and 65535";
  if (c.bind != "localhost" && (c.bind.find('/') != c.bind.npos || !is_network(c.bind))) {
    return "invalid --bind: " + c.bind + " is no IP address; the port has a flag of its own, --port";
  }
  if (auto complaint = origins_problem(c.allowed_origins)) return complaint;
  if (auto complaint = proxies_problem(c.trusted_proxies)) return complaint;
  if (auto complaint = assets_url_problem(c.assets_url)) return complaint;
  if (!c.metrics_listen.empty()) {
    if (auto complaint = address_problem("--metrics-listen", c.metrics_listen)) return complaint;
  }
  if (!parse_level_word(c.log_level)) return "--log-level must be debug, info, warn or error";
  if (!parse_log_format(c.log_format)) return "--log-format must be text or json";
  return std::nullopt;
}

}  // namespace flowersec::apps
