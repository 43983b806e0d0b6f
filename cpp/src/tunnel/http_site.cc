// See http_site.h.
#include "tunnel/http_site.h"

#include <algorithm>
#include <utility>

#include "flowersec/ws/upgrade.h"
#include "tunnel/readiness.h"

namespace flowersec::tunnel {

namespace {

using then = http_answer::then;

std::string page(std::string_view status, std::string_view content_type, std::string_view body, bool keep_alive) {
  std::string text = "HTTP/1.1 ";
  text += status;
  text += "\r\nContent-Type: ";
  text += content_type;
  text += "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  if (!keep_alive) text += "Connection: close\r\n";
  text += "\r\n";
  text += body;
  return text;
}

std::string plain_ok(std::string_view content_type, std::string_view body, bool keep_alive) {
  return page("200 OK", content_type, body, keep_alive);
}

/// Without empty and dot segments. A slash at the end stays.
std::string cleaned(std::string_view path) {
  if (!path.starts_with('/')) return std::string{path};
  std::string clean;
  for (std::size_t at = 1; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    const auto segment = path.substr(at, end - at);
    if (segment == "..") {
      clean.resize(clean.empty() ? 0 : clean.rfind('/'));
    } else if (!segment.empty() && segment != ".") {
      clean.append(1, '/').append(segment);
    }
    at = end + 1;
  }
  if (clean.empty() || path.ends_with('/')) clean += '/';
  return clean;
}

/// What no reader of a Location header takes for something else: a backslash, for one, may pass for a slash and turn
/// the path into another host.
std::string escaped(std::string_view location) {
  constexpr std::string_view safe =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/%?";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text;
  for (const char c : location) {
    if (safe.find(c) != std::string_view::npos) {
      text += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    text.append(1, '%').append(1, digits[byte >> 4]).append(1, digits[byte & 0x0f]);
  }
  return text;
}

std::string moved(std::string_view location, bool keep_alive) {
  constexpr std::string_view body = "Moved Permanently\n";
  std::string text = "HTTP/1.1 301 Moved Permanently\r\nContent-Type: text/plain; charset=utf-8\r\nLocation: ";
  text += escaped(location);
  text += "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  if (!keep_alive) text += "Connection: close\r\n";
  text += "\r\n";
  text += body;
  return text;
}

}  // namespace

std::optional<http_site> http_site::make(const server_options& options,
                                         std::function<std::optional<std::string>()> metrics_text,
                                         std::function<std::string()> loaded_keys_text) {
  const std::string path = options.ws_path.empty() ? "/ws" : options.ws_path;
  if (path.front() != '/' || path == "/healthz" || path == "/readyz") return std::nullopt;
  if (path == "/metrics" && options.metrics_on_main_listener) return std::nullopt;
  auto origins = options.origins.loopback_only
                     ? std::optional{ws::origin_policy::loopback_only()}
                     : ws::origin_policy::allow_list(options.origins.allowed, options.origins.allow_absent);
  if (!origins) return std::nullopt;
  http_site site{path, *std::move(origins)};
  if (options.metrics_on_main_listener) site.metrics_text_ = std::move(metrics_text);
  site.loaded_keys_text_ = std::move(loaded_keys_text);
  return site;
}

http_answer http_site::answer(const ws::request_head& head, tunnel_phase phase) const {
  const auto path = head.path();
  if (path == ws_path_) return answer_upgrade(head, phase);
  // A body is not read; what follows it could not be told from it.
  const bool keep = head.keep_alive && !head.has_body && phase != tunnel_phase::closing;
  std::string text;
  if (auto clean = cleaned(path); clean != path) {
    text = moved(clean.append(head.query()), keep);
  } else if (phase == tunnel_phase::draining && path == "/healthz") {
    // Whoever spreads connections over several tunnels looks here, and is to send no more.
    text = ws::plain_answer_text(503, "draining", keep);
  } else if (auto page = answer_page(path, keep, phase)) {
    text = *std::move(page);
  } else if (ws_path_.ends_with('/') && path.starts_with(ws_path_)) {
    return answer_upgrade(head, phase);
  } else {
    text = ws::plain_answer_text(404, "404 page not found", keep);
  }
  return {head.method == "HEAD" ? ws::head_only(std::move(text)) : std::move(text), keep ? then::keep : then::close,
          false};
}

std::optional<std::string> http_site::answer_page(std::string_view path, bool keep, tunnel_phase phase) const {
  if (path == "/healthz") return plain_ok("text/plain; charset=utf-8", "ok", keep);
  if (path == "/readyz" && loaded_keys_text_) {
    const bool ready = phase == tunnel_phase::serving;
    return page(ready ? "200 OK" : "503 Service Unavailable", "application/json",
                readiness_text(ready, loaded_keys_text_()), keep);
  }
  if (path != "/metrics" || !metrics_text_) return std::nullopt;
  const auto text = metrics_text_();
  return text ? plain_ok("text/plain; version=0.0.4; charset=utf-8", *text, keep)
              : ws::plain_answer_text(404, "404 page not found", keep);
}

http_answer http_site::answer_upgrade(const ws::request_head& head, tunnel_phase phase) const {
  if (phase != tunnel_phase::serving)
    return {ws::plain_answer_text(503, "tunnel server closed", false), then::close, false};
  if (const auto why = ws::check_upgrade(head, origins_)) {
    const bool keep = head.keep_alive && !head.has_body;
    auto text = ws::refusal_text(*why, keep);
    return {head.method == "HEAD" ? ws::head_only(std::move(text)) : std::move(text), keep ? then::keep : then::close,
            true};
  }
  return {ws::accept_text(head), then::upgrade, false};
}

http_answer http_site::answer_bound(source_bound bound) {
  const auto* const body = bound == source_bound::connections ? "too many connections from this address"
                                                              : "too many attaches from this address";
  return {ws::too_many_requests_text(body), then::close, false};
}

http_answer http_site::answer_defect(ws::head_status defect) {
  if (defect == ws::head_status::too_large) {
    return {ws::plain_answer_text(431, "431 Request Header Fields Too Large", false), then::close, false};
  }
  return {ws::plain_answer_text(400, "400 Bad Request", false), then::close, false};
}

}  // namespace flowersec::tunnel
