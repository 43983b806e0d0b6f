// See http_site.h.
#include "tunnel/http_site.h"

#include <utility>

#include "flowersec/ws/upgrade.h"

namespace flowersec::tunnel {

namespace {

using then = http_answer::then;

std::string plain_ok(std::string_view content_type, std::string_view body, bool with_body, bool keep_alive) {
  std::string text = "HTTP/1.1 200 OK\r\nContent-Type: ";
  text += content_type;
  text += "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  if (!keep_alive) text += "Connection: close\r\n";
  text += "\r\n";
  if (with_body) text += body;
  return text;
}

/// The text without its body, for HEAD.
std::string head_only(std::string text) {
  text.resize(text.find("\r\n\r\n") + 4);
  return text;
}

}  // namespace

std::optional<http_site> http_site::make(const server_options& options,
                                         std::function<std::optional<std::string>()> metrics_text) {
  const std::string path = options.ws_path.empty() ? "/ws" : options.ws_path;
  if (path.front() != '/' || path == "/healthz" || path == "/metrics") return std::nullopt;
  auto origins = options.origins.loopback_only
                     ? std::optional{ws::origin_policy::loopback_only()}
                     : ws::origin_policy::allow_list(options.origins.allowed, options.origins.allow_absent);
  if (!origins) return std::nullopt;
  http_site site{path, *std::move(origins)};
  if (options.metrics_on_main_listener) site.metrics_text_ = std::move(metrics_text);
  return site;
}

http_answer http_site::answer(const ws::request_head& head, bool closing) const {
  if (head.path() == ws_path_) return answer_upgrade(head, closing);
  // A body is not read; what follows it could not be told from it.
  const bool keep = head.keep_alive && !head.has_body && !closing;
  const bool with_body = head.method != "HEAD";
  const auto next = keep ? then::keep : then::close;
  if (head.path() == "/healthz") {
    return {plain_ok("text/plain; charset=utf-8", "ok", with_body, keep), next, false};
  }
  if (head.path() == "/metrics" && metrics_text_) {
    if (const auto text = metrics_text_()) {
      return {plain_ok("text/plain; version=0.0.4; charset=utf-8", *text, with_body, keep), next, false};
    }
  }
  auto not_found = ws::plain_answer_text(404, "404 page not found", keep);
  return {with_body ? std::move(not_found) : head_only(std::move(not_found)), next, false};
}

http_answer http_site::answer_upgrade(const ws::request_head& head, bool closing) const {
  if (closing) return {ws::plain_answer_text(503, "tunnel server closed", false), then::close, false};
  if (const auto why = ws::check_upgrade(head, origins_)) {
    const bool keep = head.keep_alive && !head.has_body;
    auto text = ws::refusal_text(*why, keep);
    return {head.method == "HEAD" ? head_only(std::move(text)) : std::move(text), keep ? then::keep : then::close,
            true};
  }
  return {ws::accept_text(head), then::upgrade, false};
}

http_answer http_site::answer_defect(ws::head_status defect) {
  if (defect == ws::head_status::too_large) {
    return {ws::plain_answer_text(431, "431 Request Header Fields Too Large", false), then::close, false};
  }
  return {ws::plain_answer_text(400, "400 Bad Request", false), then::close, false};
}

}  // namespace flowersec::tunnel
