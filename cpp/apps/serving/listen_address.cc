#include "serving/listen_address.h"

#include <sstream>

namespace flowersec::apps {

result<boost::asio::ip::tcp::endpoint> resolve_listen_address(boost::asio::io_context& context,
                                                              const std::string& listen, error_code malformed) {
  const auto colon = listen.rfind(':');
  if (colon == listen.npos) return malformed;
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
