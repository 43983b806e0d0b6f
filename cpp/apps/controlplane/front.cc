#include "controlplane/front.h"

namespace flowersec::apps::plane {
front::front(issuing& artifacts, messages::sensitive_text bearer_key, controlplane::state_store& store,
             plane_metrics& metrics)
    : artifacts_(artifacts),
      normal_(artifacts.normal_route(std::move(bearer_key))),
      entry_(artifacts.entry_route()),
      store_(store),
      metrics_(metrics) {}

front::front(issuing& artifacts, demo_routes demo, controlplane::state_store& store, plane_metrics& metrics)
    : artifacts_(artifacts), normal_(demo.artifact_route()), demo_(demo), store_(store), metrics_(metrics) {}

std::string_view front::route_of(std::string_view path) const {
  if (path == controlplane::default_artifact_path) return "normal";
  if (path == controlplane::default_entry_artifact_path && entry_) return "entry";
  if (path == demo_routes::init_path && demo_) return "init";
  if (path == "/healthz" || path == "/readyz") return "health";
  return "other";
}

void front::operator()(http::request request, http::responder answer) const {
  const auto route = route_of(request.path());
  http::responder counted = [&metrics = metrics_, route, answer = std::move(answer)](http::response given) {
    metrics.answered(route, given.status);
    answer(std::move(given));
  };
  if (route == "normal") return normal_(std::move(request), std::move(counted));
  if (route == "entry") return (*entry_)(std::move(request), std::move(counted));
  if (route == "init") return demo_->init_channel(request, std::move(counted));
  if (route == "other") return counted(http::not_found());
  if (request.method != "GET" && request.method != "HEAD") return counted(http::method_not_allowed());
  counted(request.path() == "/readyz" ? readiness() : http::healthy());
}

void front::replace_bearer_key(messages::sensitive_text bearer_key) {
  normal_ = artifacts_.normal_route(std::move(bearer_key));
}

http::response front::readiness() const {
  if (const auto usable = store_.revision(); !usable) return http::error_response(503, "the state file cannot be used");
  return http::healthy();
}

http::response front::refuse_unread(unsigned status, const http::request& head) const {
  auto given = route_of(head.path()) == "init" ? demo_->refuse_unread(status) : normal_.refuse_unread(status, head);
  metrics_.answered("unread", given.status);
  return given;
}

}  // namespace flowersec::apps::plane
