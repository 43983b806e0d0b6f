// What the family's demonstration programs ask a control plane for, without a key.
// Layer apps. One thread. Its channels are not noted in the state file. Source: CONTROLPLANE, "Demonstrations".
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "controlplane/control_listener.h"
#include "controlplane/issuing.h"
#include "controlplane/plane_metrics.h"
#include "flowersec/http/message.h"

namespace flowersec::apps::plane {

class demo_routes {
 public:
  static constexpr std::string_view init_path = "/v1/channel/init";
  static constexpr std::size_t max_init_body_bytes = 8192;

  /// All outlive it, and what it hands out.
  demo_routes(issuing& artifacts, control_listener& endpoints, plane_metrics& metrics)
      : artifacts_(&artifacts), endpoints_(&endpoints), metrics_(&metrics) {}

  /// A client's grant for an endpoint: {"channel_id"?, "endpoint_id"?} in, {"grant_client":{...}} or a line of text
  /// out. Without an endpoint id it is for the one that registered last.
  void init_channel(const http::request& request, http::responder answer) const;
  /// For a request to the same whose body could not be read.
  [[nodiscard]] static http::response refuse_unread(unsigned status);
  /// The normal route. The caller may choose the channel id, as payload.channel_id.
  [[nodiscard]] controlplane::artifact_endpoint artifact_route() const;

 private:
  struct wanted {
    std::optional<std::string> channel_id;  ///< nullopt: a random one
    std::string endpoint_id;
  };
  /// A client's grant, or what to tell the caller.
  using outcome = boost::system::result<messages::controlplane::v1::channel_init_grant, controlplane::hook_failure>;
  using offered = std::function<void(outcome)>;

  /// Mints a channel, gives the endpoint its grant, and only then the caller his.
  void offer(std::string_view route, const wanted& what, offered done) const;

  issuing* artifacts_;
  control_listener* endpoints_;
  plane_metrics* metrics_;
};

}  // namespace flowersec::apps::plane
