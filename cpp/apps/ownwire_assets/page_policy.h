// The Content-Security-Policy of OwnWire's pages.
// Layer apps. Pure. Source: W3C CSP 3.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowersec::apps {

enum class page_role {
  chat,     ///< the page in the widget's frame
  example,  ///< the page that shows the widget
};

/// The page's own scripts and nothing else: this origin's, those of `assets_url`, and what stands in `html` itself, by
/// digest. Connections to this origin, to any wss: and to this machine, since the page is told where its WebSocket is.
/// With `allowed_origins`, only their pages and this origin's may frame it; without, no frame-ancestors is said.
[[nodiscard]] std::string page_policy(page_role role, std::string_view html, std::string_view assets_url,
                                      const std::vector<std::string>& allowed_origins);

/// An entry of --allow-origin as source expressions of frame-ancestors; empty for one that no expression says.
///   scheme://host[:port]  the same
///   *.base                https://*.base:*
///   host:port             https://host:port
///   host                  https://host:*
/// Hosts of this machine also with http, since browsers take them for secure origins.
[[nodiscard]] std::string frame_ancestors_of(std::string_view entry);

}  // namespace flowersec::apps
