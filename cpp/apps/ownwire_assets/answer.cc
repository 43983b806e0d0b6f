#include "ownwire_assets/answer.h"

#include "flowersec/http/message.h"
#include "ownwire_assets/integrity.h"

namespace flowersec::apps {
namespace {

const char* content_type(const asset& one) {
  switch (one.kind) {
    case asset_kind::page:
      return "text/html; charset=utf-8";
    case asset_kind::style:
      return "text/css; charset=utf-8";
    case asset_kind::script:
      return "text/javascript; charset=utf-8";
    case asset_kind::image:
      break;
  }
  return "image/png";
}

http::response response_for(const asset& one, bool is_known) {
  http::response answer{.status = is_known ? 304U : 200U, .headers = {}, .body = {}};
  auto& headers = answer.headers;
  if (!is_known) headers.push_back({"Content-Type", content_type(one)});
  headers.push_back({"ETag", one.entity_tag});
  // Scripts carry keys: whoever kept an old copy could not reach a server with new ones.
  headers.push_back({"Cache-Control", "no-cache"});
  headers.push_back({"X-Content-Type-Options", "nosniff"});
  headers.push_back({"Cross-Origin-Resource-Policy", "cross-origin"});
  // Integrity values of another origin's page are only checked on answers that the page may read.
  if (one.kind == asset_kind::script || one.kind == asset_kind::style) {
    headers.push_back({"Access-Control-Allow-Origin", "*"});
  }
  if (one.kind == asset_kind::page) {
    headers.push_back({"Content-Security-Policy", one.policy});
    headers.push_back({"Referrer-Policy", "no-referrer"});
  }
  if (!is_known) answer.body = one.body;
  return answer;
}

http::response response_to(const asset_set& assets, const page_request& asked) {
  const auto* found = assets.find(asked.path);
  const bool is_health = asked.path == "/healthz";
  if (found == nullptr && !is_health) return http::not_found();
  if (asked.method != "GET" && asked.method != "HEAD") {
    auto refused = http::method_not_allowed();
    refused.headers.push_back({"Allow", "GET, HEAD"});
    return refused;
  }
  if (is_health) return http::healthy();
  return response_for(*found, asked.if_none_match && names_tag(*asked.if_none_match, found->entity_tag));
}

}  // namespace

page_answer answer_page(const asset_set& assets, const page_request& asked) {
  const auto answer = response_to(assets, asked);
  return {.status = answer.status, .text = http::serialize(answer, {.head_request = asked.method == "HEAD"})};
}

}  // namespace flowersec::apps
