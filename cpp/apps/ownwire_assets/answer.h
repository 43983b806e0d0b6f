// Answers the plain requests of OwnWire's public port from a set of assets.
// Layer apps. A pure function of the request.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ownwire_assets/assets.h"

namespace flowersec::apps {

struct page_request {
  std::string_view method;
  std::string_view path;  ///< without the query
  std::optional<std::string_view> if_none_match{};
};

struct page_answer {
  unsigned status = 200;
  std::string text;  ///< the whole response, after which the connection is closed
};

/// 200, 304 to a client that has the asset, 404 for a path that is none of ours, 405 for methods beside GET and HEAD.
/// /healthz is 200 "ok".
[[nodiscard]] page_answer answer_page(const asset_set& assets, const page_request& asked);

}  // namespace flowersec::apps
