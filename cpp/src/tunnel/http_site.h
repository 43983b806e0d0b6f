// What the main listener answers to a request, as text and as a decision. No I/O.
// Layer tunnel. Source: PROTOCOL, "Opening handshake" and "Origin policy".
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "flowersec/tunnel/server.h"
#include "flowersec/ws/origin_policy.h"
#include "flowersec/ws/request_head.h"
#include "tunnel/drain.h"

namespace flowersec::tunnel {

struct http_answer {
  enum class then : std::uint8_t {
    keep,     ///< the connection may carry another request
    close,    ///< end it
    upgrade,  ///< it is a WebSocket from now on
  };
  std::string text;
  then next = then::close;
  bool upgrade_refused = false;  ///< counts as a failed attach
};

class http_site {
 public:
  /// nullopt when the options hold no usable origin rule or a bad path.
  /// `loaded_keys_text`: see readiness.h; without it there is no page about readiness.
  [[nodiscard]] static std::optional<http_site> make(const server_options& options,
                                                     std::function<std::optional<std::string>()> metrics_text,
                                                     std::function<std::string()> loaded_keys_text = nullptr);

  /// On its way down the tunnel is not ready, and takes nobody new.
  [[nodiscard]] http_answer answer(const ws::request_head& head, tunnel_phase phase) const;
  /// To bytes that are no request, or too long a one.
  [[nodiscard]] static http_answer answer_defect(ws::head_status defect);
  /// To a source that has all it may have.
  [[nodiscard]] static http_answer answer_bound(source_bound bound);

 private:
  http_site(std::string ws_path, ws::origin_policy origins) noexcept
      : ws_path_(std::move(ws_path)), origins_(std::move(origins)) {}
  [[nodiscard]] http_answer answer_upgrade(const ws::request_head& head, tunnel_phase phase) const;
  /// nullopt when no page of its own has this path.
  [[nodiscard]] std::optional<std::string> answer_page(std::string_view path, bool keep, tunnel_phase phase) const;

  std::string ws_path_;
  ws::origin_policy origins_;
  std::function<std::optional<std::string>()> metrics_text_;
  std::function<std::string()> loaded_keys_text_;
};

}  // namespace flowersec::tunnel
