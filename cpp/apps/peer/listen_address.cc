#include "peer/listen_address.h"

#include <boost/asio/ip/address.hpp>
#include <charconv>

#include "flowersec/ws/url.h"
#include "peer/dial.h"

namespace flowersec::apps {
or_problem<endpoint::listen_options> listen_options_of(const serve_command& command, std::string_view ws_url) {
  const auto& direct = command.direct;
  const auto colon = direct.rfind(':');
  auto host = direct.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  error_code not_an_address;
  const auto address = boost::asio::ip::make_address(host, not_an_address);
  std::uint16_t port = 0;
  const auto* const text_end = direct.data() + direct.size();
  const auto* const port_text = colon == direct.npos ? text_end : direct.data() + colon + 1;
  const auto parsed = std::from_chars(port_text, text_end, port);
  if (not_an_address || parsed.ec != std::errc{} || parsed.ptr != text_end) {
    return problem{"invalid --direct " + direct + ": not address:port, such as 127.0.0.1:9000 or [::1]:9000"};
  }
  const auto url = ws::parse_url(ws_url);
  if (!url) return problem{"the connect info's ws_url is not a WebSocket URL"};

  endpoint::listen_options options;
  options.address = address.to_string();
  options.port = port;
  options.path = url->target.substr(0, url->target.find('?'));
  if (!command.cert.empty()) options.certificate = endpoint::server_certificate{command.cert, command.key};
  set_limits(command.dial, options.common.session);
  options.allowed_origins = command.allowed_origins;
  if (options.allowed_origins.empty()) {
    if (!address.is_loopback()) return problem{"missing --allow-origin (only a loopback --direct can do without)"};
    options.allowed_origins = {"localhost", "127.0.0.1", "::1"};
    options.allow_missing_origin = true;
  }
  return options;
}

}  // namespace flowersec::apps
