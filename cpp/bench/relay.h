// The contenders as the load generator sees them: something with a process whose CPU can be read, which joins
// connections into pairs. Part of flowersec-bench.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "frames.h"
#include "generator.h"
#include "process.h"

namespace flowersec::bench {

class relay {
 public:
  virtual ~relay() = default;
  [[nodiscard]] virtual delivery what_arrives() const = 0;
  [[nodiscard]] virtual std::vector<connection_pair> connect(std::size_t pairs) = 0;
  [[nodiscard]] virtual const child_process& process() const = 0;
};

/// The baseline. See byte_relay.cc.
[[nodiscard]] std::unique_ptr<relay> start_byte_relay();
/// Beast's WebSocket stream as a message relay. See beast_programs.cc.
[[nodiscard]] std::unique_ptr<relay> start_beast_relay();
/// haproxy in TCP mode with its defaults and one thread; nullptr when it is not installed.
[[nodiscard]] std::unique_ptr<relay> start_haproxy(const std::vector<std::string>& environment);

/// This program as one of the children in programs.h.
[[nodiscard]] child_process start_own_child(const std::string& name, const std::vector<std::string>& arguments = {});

/// The client's half of an upgrade on a connected blocking socket: request out, 101 in; together or one by one.
void upgrade_to_websocket(int fd, const std::string& path, const std::string& origin);
void request_upgrade(int fd, const std::string& path, const std::string& origin);
void expect_upgraded(int fd);
/// The texts of both, for connections of other kinds.
[[nodiscard]] std::string upgrade_request(const std::string& path, const std::string& origin);
void check_upgrade_answer(const std::string& answer);

}  // namespace flowersec::bench
