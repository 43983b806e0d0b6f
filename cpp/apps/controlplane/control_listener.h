// The control connections: who is connected, who is registered, and how a grant reaches an endpoint.
// Layer apps, on the direct listener. An endpoint is who its credential says it is: the credential of the channel that
// its session proved the key of. The state file is asked each time, so that a credential is worth nothing from the
// moment it is revoked. Everything runs on the executor's one thread. Source: CONTROLPLANE, "Control connection".
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/plane_metrics.h"
#include "flowersec/controlplane/state_store.h"
#include "flowersec/endpoint/direct_listener.h"

namespace flowersec::apps {

/// A credential that is no endpoint's own: whoever has it may register any id that has none of its own.
struct shared_credential {
  std::string channel_id;
  crypto::psk psk;
  unix_seconds init_exp{0};
};

struct control_options {
  std::string address;  ///< a literal
  std::uint16_t port = 0;
  std::string path = "/control/ws";
  std::optional<endpoint::server_certificate> certificate{};
  std::optional<shared_credential> shared{};
  /// As of endpoint::listen_options.
  std::vector<std::string> trusted_proxies = endpoint::listen_options{}.trusted_proxies;
  /// Control connections at once; one more is closed, or takes the place of one of the same endpoint.
  std::size_t max_connections = 10'000;
  /// From the handshake to the first registration; later the connection is closed.
  std::chrono::milliseconds registration_timeout{10'000};
  /// How long an endpoint may take to have a grant; a connection that takes longer is closed.
  std::chrono::nanoseconds delivery_timeout = std::chrono::seconds{5};
  /// An endpoint that does not answer is taken for gone after both together.
  endpoint::liveness liveness{.interval = std::chrono::seconds{15}, .timeout = std::chrono::seconds{10}};
};

class control_listener {
 public:
  /// `store` and `metrics` outlive it. Errors   those of direct_listener::open.
  [[nodiscard]] static result<control_listener> open(boost::asio::any_io_executor executor, control_options options,
                                                     controlplane::state_store& store, plane_metrics& metrics);
  control_listener(control_listener&&) noexcept;
  /// Closes every connection.
  ~control_listener();

  [[nodiscard]] std::string url() const;
  /// For the connections to come. Errors   those of direct_listener::replace_certificate; nothing has changed then.
  [[nodiscard]] error_code replace_certificate(const endpoint::server_certificate& next);
  /// Whether it is registered with a credential that is good now. One that is not is dropped.
  [[nodiscard]] bool is_online(std::string_view endpoint_id);
  /// The endpoint that registered last; blank when it has left.
  [[nodiscard]] const std::string& newest() const noexcept;
  /// Whether the endpoint has the grant: not when it is not registered, has left, or does not answer in time.
  using delivered = std::function<void(bool)>;
  /// Sends the grant to the endpoint. `done` is called once, perhaps from inside this call, but not after close().
  /// The frames know no receipt. Bytes are read in order, though, and a session answers pings by itself: an answer to
  /// one that was sent behind the grant says that the endpoint's session has read it. Grants that are sent
  /// while a ping is under way share the next one; one that the session sent to see whether the endpoint lives counts.
  void deliver(std::string_view endpoint_id, std::string grant, delivered done);
  /// Closes the connections whose credential is not in the state file any more, or whose id has one of its own by now.
  void drop_revoked();
  [[nodiscard]] std::size_t connections() const noexcept;
  [[nodiscard]] std::size_t registered() const noexcept;
  /// No more endpoints; those that are here are told that it is over. What was not delivered has failed.
  void close();

 private:
  class impl;
  explicit control_listener(std::shared_ptr<impl> state) noexcept;

  std::shared_ptr<impl> impl_;
};

}  // namespace flowersec::apps
