#include "flowersec/endpoint/observer.h"

#include "flowersec/base/json.h"
#include "flowersec/base/text.h"

namespace flowersec::endpoint {
namespace {

// Ids come from artifacts, which other programs write.
std::optional<std::string_view> printable(const std::optional<std::string>& id) {
  return id && is_valid_utf8(*id) ? std::optional<std::string_view>{*id} : std::nullopt;
}

}  // namespace

std::string_view to_string(event_result result) noexcept {
  switch (result) {
    case event_result::ok:
      return "ok";
    case event_result::fail:
      return "fail";
    case event_result::retry:
      return "retry";
    case event_result::skip:
      return "skip";
  }
  return "fail";
}

std::string_view event::code_domain() const noexcept { return parse_endpoint_errc(code) ? "error" : "event"; }

std::string to_json(const event& happened) {
  std::string out;
  json_object_writer json{out};
  json.field("v", 1)
      .field("namespace", "connect")
      .field("path", to_string(happened.path))
      .field("stage", happened.stage)
      .field("code_domain", happened.code_domain())
      .field("code", happened.code)
      .field("result", to_string(happened.result))
      .field("elapsed_ms", happened.elapsed.count())
      .field("attempt_seq", happened.attempt_seq)
      .field("trace_id", printable(happened.trace_id))
      .field("session_id", printable(happened.session_id));
  if (happened.resource) {
    json.field("resource", happened.resource->name)
        .field("current", happened.resource->current)
        .field("limit", happened.resource->limit);
  }
  json.end();
  return out;
}

}  // namespace flowersec::endpoint
