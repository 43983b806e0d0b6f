// A connection that still speaks HTTP: small requests are answered, an upgrade goes on to the door.
// Layer tunnel. PROTOCOL, "Opening handshake". Bounded by a header limit and by a time for each step.
#pragma once

#include <string>

#include "flowersec/ws/request_head.h"
#include "tunnel/connection.h"
#include "tunnel/http_site.h"
#include "tunnel/shard.h"

namespace flowersec::tunnel {

class http_front final : public connection {
 public:
  /// `site` outlives it.
  http_front(shard& home, link_ptr pipe, const http_site& site, std::string remote_addr);
  ~http_front() override;

  void open();
  void on_ready(readiness ready) override;
  void on_deadline() override { home().retire(*this); }
  void on_shutdown() override {}

 private:
  /// Requests may be tiny; this many end the turn as well.
  static constexpr int most_answers_per_turn = 16;
  static constexpr std::chrono::seconds head_timeout{5};
  static constexpr std::chrono::seconds write_timeout{10};
  static constexpr std::chrono::seconds idle_timeout{60};

  void advance();
  [[nodiscard]] bool parse();
  [[nodiscard]] std::optional<source_bound> enter_attach();
  void refuse_source(source_bound bound);
  [[nodiscard]] bool write_answer();
  void finish_answer();
  void begin_request();
  void end_request();

  const http_site& site_;
  std::string remote_addr_;
  source_visit visit_;
  connection_ticket refusal_;  ///< of a source that has all its connections
  std::string origin_;
  ws::request_head_parser parser_;
  byte_buffer input_;
  http_answer answer_;
  std::size_t answered_ = 0;
  bool in_request_ = false;
  bool has_answer_ = false;
};

}  // namespace flowersec::tunnel
