// yamux::session as a program: mux-peer client|server [active=N] [inbound=N] [out=N] [queue=N] [session=N]
// A request a line on stdin; on stdout what became known, and the answer. Test support.
#include <iostream>

#include "peer.h"

int main(int count, char** words) {
  using namespace flowersec;
  const std::string role = count > 1 ? words[1] : "";
  yamux::yamux_limits limits;
  bool good = role == "client" || role == "server";
  for (int i = 2; i < count; ++i) good = good && mux::parse_limit(words[i], limits);
  if (!good || !limits.validate()) {
    std::cerr << "mux-peer client|server [active=N] [inbound=N] [out=N] [queue=N] [session=N]\n";
    return 2;
  }
  const auto peer = mux::make_session_peer(role == "client" ? mux::side::client : mux::side::server, limits);
  for (std::string line; std::getline(std::cin, line);) {
    const auto asked = mux::parse_request(line);
    if (!asked) return 1;
    std::cout << mux::to_lines(asked->what, (*peer)(*asked)) << std::flush;
  }
  return 0;
}
