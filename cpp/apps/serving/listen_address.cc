#include "serving/listen_address.h"

#include <charconv>
#include <sstream>

namespace flowersec::apps {

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), port);
  return wrong == std::errc{} && end == text.data() + text.size();
}

result<boost::asio::ip::tcp::endpoint> resolve_listen_address(boost::asio::io_context& context,
                                                              const std::string& listen, error_code malformed) {
  const auto colon = listen.rfind(':');
  // The resolver would take the lowest 16 bits of any number.
  if (colon == listen.npos || !is_port(std::string_view{listen}.substr(colon + 1))) return malformed;
  auto host = listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  // Every interface means both families on one socket, as on the main listener of a tunnel.
  if (host.empty()) host = "::";
  boost::asio::ip::tcp::resolver resolver{context};
  error_code error;
  const auto found = resolver.resolve(host, listen.substr(colon + 1), boost::asio::ip::resolver_base::passive, error);
  if (error) return error;
  return found.begin()->endpoint();
}

std::string to_text(const boost::asio::ip::tcp::endpoint& bound) {
  std::ostringstream text;
  text << bound;
  return text.str();
}

}  // namespace flowersec::apps
