#include "tunneld/authorizer_options.h"

#include <algorithm>

#include "flowersec/base/text.h"

namespace flowersec::apps {
namespace {

/// Split at the first colon, both parts trimmed. nullopt: no such pair, or one that HTTP cannot carry.
std::optional<http::header> read_header(std::string_view item) {
  const auto colon = item.find(':');
  if (colon == item.npos) return std::nullopt;
  http::header read{std::string{trim(item.substr(0, colon))}, std::string{trim(item.substr(colon + 1))}};
  if (read.name.empty() || read.value.empty() || !http::can_send(read)) return std::nullopt;
  return read;
}

template <class Duration>
std::chrono::milliseconds or_standard(Duration given, Duration standard) {
  // Rounded up: a positive time must not become none.
  return std::chrono::ceil<std::chrono::milliseconds>(given.count() == 0 ? standard : given);
}

}  // namespace

std::optional<std::string> authorizer_header_problem(const tunnel_command& c) {
  const bool fine = std::ranges::all_of(
      c.authorizer_headers, [](const std::string& item) { return is_blank(item) || read_header(item).has_value(); });
  if (fine) return std::nullopt;
  return "invalid --authorizer-header: it must be \"Name: value\", and none of the headers that HTTP itself needs";
}

std::optional<std::string> authorizer_url_problem(const tunnel_command& c) {
  const auto bad = [](const std::string& url) { return !url.empty() && !parse_web_url(url, http_schemes); };
  constexpr const char* want = ": it must be an http or https URL with a host and without user-info";
  if (bad(c.attach_authorizer_url)) return std::string{"invalid --attach-authorizer-url"} + want;
  if (bad(c.observe_authorizer_url)) return std::string{"invalid --observe-authorizer-url"} + want;
  return std::nullopt;
}

std::optional<authorizer_options> authorizer_options_of(const tunnel_command& c) {
  const tunnel_command standard;
  auto attach = parse_web_url(c.attach_authorizer_url, http_schemes);
  if (!attach) return std::nullopt;
  authorizer_options options{
      .attach = *std::move(attach),
      .observe = parse_web_url(c.observe_authorizer_url, http_schemes),
      .headers = {},
      .request_timeout = or_standard(c.policy_request_timeout, standard.policy_request_timeout),
      .observe_interval = or_standard(c.policy_observe_interval, standard.policy_observe_interval),
      .batch_size =
          static_cast<std::size_t>(c.policy_batch_size == 0 ? standard.policy_batch_size : c.policy_batch_size)};
  options.request_timeout = std::min<std::chrono::milliseconds>(options.request_timeout, longest_policy_request);
  options.observe_interval = std::min<std::chrono::milliseconds>(options.observe_interval, tunnel::longest_time);
  for (const auto& item : c.authorizer_headers) {
    if (auto header = read_header(item)) options.headers.push_back(*std::move(header));
  }
  return options;
}

}  // namespace flowersec::apps
