#include "scrape.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>

#include "sockets.h"
#include "worker.h"

namespace flowersec::load {

samples scrape(std::uint16_t metrics_port) {
  const auto connection = bench::connect_to(metrics_port);
  bench::set_timeout(connection.get(), std::chrono::seconds{5});
  bench::write_all(connection.get(), as_bytes("GET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
  std::string answer;
  std::array<char, 16384> chunk{};
  for (;;) {
    const auto count = ::recv(connection.get(), chunk.data(), chunk.size(), 0);
    if (count < 0) bench::fail_with_errno("scrape");
    if (count == 0) break;
    answer.append(chunk.data(), static_cast<std::size_t>(count));
  }
  if (!answer.starts_with("HTTP/1.1 200 ")) throw bench::bench_error("no metrics: " + answer);
  samples found;
  std::istringstream lines{answer.substr(answer.find("\r\n\r\n") + 4)};
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.rfind(' ');
    if (line.starts_with('#') || space == std::string::npos) continue;
    found[line.substr(0, space)] = std::stod(line.substr(space + 1));
  }
  return found;
}

double sum_of(const samples& from, const std::string& prefix, const std::string& part) {
  double sum = 0;
  for (auto at = from.lower_bound(prefix); at != from.end() && at->first.starts_with(prefix); ++at) {
    if (at->first.find(part) != std::string::npos) sum += at->second;
  }
  return sum;
}

std::size_t open_descriptors(pid_t pid) {
  const std::filesystem::directory_iterator all{"/proc/" + std::to_string(pid) + "/fd"};
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

bool wait_until(const std::function<bool()>& holds, std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const ticker beat{std::chrono::milliseconds{100}};
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    beat.wait();
  }
  return true;
}

}  // namespace flowersec::load
