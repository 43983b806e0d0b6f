#include "controlplane/tunnel_keys.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "flowersec/base/json.h"
#include "flowersec/http/client.h"

namespace flowersec::apps::plane {
namespace {

constexpr std::size_t max_page_bytes = 1048576;
constexpr std::chrono::milliseconds pause_between{500};
/// Of a tunnel that is asked when no time is left: each is asked once at least.
constexpr std::chrono::milliseconds shortest_fetch{100};

/// The page, or why there is none. A page is one with 503 as well: a tunnel that drains still says what it knows.
struct fetched {
  error_code failed;
  std::string body;
};

fetched fetch(const http::url& from, std::chrono::nanoseconds within) {
  using std::chrono::milliseconds;
  boost::asio::io_context context;
  fetched got;
  http::fetch_request request{.to = from};
  http::fetch_options options;
  options.timeout = std::clamp(std::chrono::ceil<milliseconds>(within), shortest_fetch, options.timeout);
  http::async_fetch(context.get_executor(), std::move(request), std::move(options),
                    [&got](error_code failed, http::response answer) {
                      got = {failed, std::move(answer.body)};
                    });
  context.run();
  return got;
}

void pause(std::chrono::nanoseconds left) {
  boost::asio::io_context context;
  boost::asio::steady_timer timer{context, std::min<std::chrono::nanoseconds>(pause_between, left)};
  timer.wait();
}

/// Whether a member is there and is this text.
bool says(const boost::json::object& object, std::string_view name, std::string_view text) {
  const auto* member = object.if_contains(name);
  return member != nullptr && member->is_string() && std::string_view{member->get_string()} == text;
}

bool takes_tokens_of(const boost::json::object& tenant, const key_of_issuer& key) {
  const bool any_issuer = !tenant.contains("iss");
  return says(tenant, "aud", key.audience) && (any_issuer || says(tenant, "iss", key.issuer));
}

bool has_key(const boost::json::value& tenant, const key_of_issuer& key) {
  const auto* object = tenant.if_object();
  if (object == nullptr || !takes_tokens_of(*object, key)) return false;
  const auto* ids = object->if_contains("key_ids");
  const auto* list = ids == nullptr ? nullptr : ids->if_array();
  return list != nullptr && std::any_of(list->begin(), list->end(), [&key](const boost::json::value& id) {
           return id.is_string() && std::string_view{id.get_string()} == key.kid;
         });
}

std::string not_listed(const key_of_issuer& key) {
  return "the tunnel does not list key " + key.kid + " for --aud " + key.audience + " and --iss " + key.issuer;
}

}  // namespace

bool lists_key(std::string_view ready_page, const key_of_issuer& key) {
  const auto page = parse_json_object(ready_page, max_page_bytes);
  const auto* tenants = page ? page->if_contains("tenants") : nullptr;
  const auto* list = tenants == nullptr ? nullptr : tenants->if_array();
  return list != nullptr &&
         std::any_of(list->begin(), list->end(), [&key](const auto& tenant) { return has_key(tenant, key); });
}

std::optional<std::string> wait_for_key(const std::vector<std::string>& ready_urls, const key_of_issuer& key,
                                        std::chrono::nanoseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (const auto& text : ready_urls) {
    const auto url = http::parse_url(text);
    if (!url) return "invalid --tunnel-ready-url: " + text + " is not an http or https URL";
    while (true) {
      const auto page = fetch(*url, until - std::chrono::steady_clock::now());
      if (!page.failed && lists_key(page.body, key)) break;
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= left.zero()) {
        return text + ": " + (page.failed ? page.failed.message() : not_listed(key));
      }
      pause(left);
    }
  }
  return std::nullopt;
}

}  // namespace flowersec::apps::plane
