#include "controlplane/demo_routes.h"

#include <boost/json/stream_parser.hpp>

#include "flowersec/base/text.h"
#include "flowersec/token/artifact.h"
#include "serving/log.h"

namespace flowersec::apps::plane {

using controlplane::hook_failure;
using controlplane::http_refusal;

namespace {

const http_refusal bad_payload{400, "invalid_request", "bad payload"};
const http_refusal unavailable{503, "unavailable", "no server endpoint connected"};
const http_refusal undelivered{503, "delivery_failed", "failed to deliver grant_server"};
const http_refusal broken{500, "internal_error", "the control plane cannot issue artifacts"};

/// The first JSON value of a text, when it is an object of at most 32 levels. What follows is not looked at.
std::optional<boost::json::object> first_object(std::string_view text) {
  boost::json::stream_parser parser;
  error_code failed;
  parser.write_some(text.data(), text.size(), failed);
  if (failed || !parser.done()) return std::nullopt;
  auto value = parser.release();
  return value.is_object() ? std::optional{std::move(value.get_object())} : std::nullopt;
}

/// A member that may be missing: blank then. nullopt: it is no text.
std::optional<std::string> text_member(const boost::json::object& object, std::string_view name) {
  const auto* member = object.if_contains(name);
  if (member == nullptr) return "";
  if (!member->is_string()) return std::nullopt;
  return std::string{trim(std::string_view{member->get_string()})};
}

std::optional<std::string> unless_blank(std::string text) {
  return text.empty() ? std::nullopt : std::optional{std::move(text)};
}

}  // namespace

void demo_routes::offer(std::string_view route, const wanted& what, offered done) const {
  const auto began = std::chrono::steady_clock::now();
  offered counted = [metrics = metrics_, route, began, done = std::move(done)](outcome got) {
    const auto code = got ? "ok" : got.error().answer->code;
    metrics->issued(route, code, std::chrono::steady_clock::now() - began);
    done(std::move(got));
  };
  const auto refuse = [&counted](http_refusal why) { counted(hook_failure{std::move(why)}); };
  auto channel_id =
      what.channel_id ? result<std::string>{*what.channel_id} : controlplane::random_channel_id(system_random());
  if (!channel_id) return refuse(broken);
  auto minted = artifacts_->mint(*channel_id);
  if (minted.has_error() && minted.error() == controlplane::controlplane_errc::bad_channel_id) {
    return refuse({400, "invalid_request", minted.error().message()});
  }
  if (!minted) return refuse(broken);
  if (!endpoints_->is_online(what.endpoint_id)) return refuse(unavailable);
  auto server_grant = encode(minted->server);
  const auto grants = std::make_shared<controlplane::channel_grants>(std::move(*minted));
  endpoints_->deliver(
      what.endpoint_id, std::move(server_grant), [counted, grants, route, endpoint = what.endpoint_id](bool delivered) {
        if (!delivered) return counted(hook_failure{undelivered});
        log_line(log_level::info, "artifact issued",
                 {{"endpoint", endpoint}, {"route", std::string{route}}, {"channel", grants->client.channel_id}});
        counted(std::move(grants->client));
      });
}

void demo_routes::init_channel(const http::request& request, http::responder answer) const {
  if (request.method != "POST") return answer(http::error_response(405, "method not allowed"));
  if (request.body.size() > max_init_body_bytes) return answer(refuse_unread(413));
  const auto body = trim(request.body).empty() ? boost::json::object{} : first_object(request.body);
  auto channel_id = body ? text_member(*body, "channel_id") : std::nullopt;
  auto endpoint_id = body ? text_member(*body, "endpoint_id") : std::nullopt;
  if (!channel_id || !endpoint_id) return answer(http::error_response(400, "bad request"));
  wanted what{.channel_id = unless_blank(std::move(*channel_id)), .endpoint_id = std::move(*endpoint_id)};
  if (what.endpoint_id.empty()) what.endpoint_id = endpoints_->newest();
  offer("init", what, [answer = std::move(answer)](outcome grant) {
    if (!grant) return answer(http::error_response(grant.error().answer->status, grant.error().answer->message));
    answer(http::json_response(200, R"({"grant_client":)" + encode(*grant) + '}'));
  });
}

http::response demo_routes::refuse_unread(unsigned status) {
  return http::error_response(status, status == 413 ? "request too large" : "bad request");
}

controlplane::artifact_endpoint demo_routes::artifact_route() const {
  return controlplane::artifact_endpoint{{.issue = [demo = *this](const controlplane::artifact_question& question,
                                                                  const controlplane::issue_reply& reply) {
    wanted what{.channel_id = std::nullopt, .endpoint_id = question.request.endpoint_id};
    const auto payload = question.request.payload ? first_object(*question.request.payload) : std::nullopt;
    if (question.request.payload && !payload) return reply(hook_failure{bad_payload});
    const auto given = payload ? text_member(*payload, "channel_id") : std::nullopt;
    if (given) what.channel_id = unless_blank(*given);
    demo.offer("normal", what, [reply, trace_id = question.request.trace_id](outcome grant) {
      if (!grant) return reply(grant.error());
      token::connect_artifact artifact{.body = std::move(*grant)};
      if (trace_id && token::is_correlation_id(*trace_id)) {
        artifact.correlation = {.v = 1, .trace_id = trace_id};
      }
      reply(std::move(artifact));
    });
  }}};
}

}  // namespace flowersec::apps::plane
