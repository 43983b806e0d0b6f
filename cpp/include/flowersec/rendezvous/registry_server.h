// A registry: one port for clients, registrations and calls behind it.
// Layer rendezvous, part `registry`, on Asio. Serves no pages and reads no files: a hook answers plain HTTP requests,
// keys and grants come as values. Source: REGISTRY.
// Threads: every member may be called from any thread. Hooks must not throw; on_event and may_call run on the
// registry's strand, page on the strand of a connection, so several of it may run at once.
//
//   rendezvous::registry_options options;
//   options.keys = [&] { return keyring; };
//   options.mint = rendezvous::make_mint(issuer, channel_options);
//   options.port = rendezvous::registry_port_options{.listen = {address, 8090}};
//   auto registry = rendezvous::registry_server::open(executor, std::move(options));
//   ...
//   co_await registry->async_stop();
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "flowersec/endpoint/accept.h"
#include "flowersec/rendezvous/frames.h"
#include "flowersec/rendezvous/registry_events.h"
#include "flowersec/rendezvous/ticket_mint.h"
#include "flowersec/session/completion.h"
#include "flowersec/ws/request_head.h"
#include "flowersec/ws/tls.h"

namespace flowersec::rendezvous {

struct registry_port_options {
  /// Port 0 lets the system choose.
  boost::asio::ip::tcp::endpoint listen{boost::asio::ip::address_v4::loopback(), 8090};
  /// Beside the origin that the request's Host stands for: entries of ws::origin_policy::allow_list.
  std::vector<std::string> allowed_origins{};
  /// Lets programs in that send no Origin.
  bool allow_no_origin = false;
  /// Networks (address or address/prefix) whose X-Forwarded-For is believed.
  std::vector<std::string> trusted_proxies{};
  /// Absent: plaintext.
  std::optional<ws::tls_context> tls{};
  /// Answers every request that is none for a WebSocket or /healthz: a whole HTTP response that says `Connection:
  /// close`, or nullopt for 404. Absent: always 404.
  std::function<std::optional<std::string>(const ws::request_head&)> page{};
  /// Connections before the end of their handshake; one more is answered 503. At least 1.
  std::size_t max_handshakes = 1024;
};

struct registry_options {
  /// The keys at this moment, asked on any thread; reload_keys() asks again. Not null.
  std::function<std::shared_ptr<const sealed::keyring>()> keys{};
  ticket_mint mint{};
  /// Absent: clients come as attached sockets only.
  std::optional<registry_port_options> port{};
  registry_limits limits{};
  /// Asks for a proof of work instead of refusing an address that registers too often.
  bool work = false;
  /// Serves the compatible mode at /legacy and /<public key>.
  bool legacy = false;
  /// Whether a call may go on; one that may not is answered as if nobody were there. Absent: all may.
  std::function<bool(const public_key& from, const public_key& to)> may_call{};
  /// Absent: nobody listens.
  std::function<void(const registry_event&)> on_event{};
  /// For tests. Both must outlive the registry.
  const clock_source* clocks = &system_clocks();
  random_source* random = &system_random();
};

enum class registry_errc {
  invalid_option = 1,  ///< keys, mint, limits, networks or origins that cannot be
  port_taken,          ///< the address cannot be bound
};
[[nodiscard]] const char* describe(registry_errc code) noexcept;
[[nodiscard]] error_code make_error_code(registry_errc code) noexcept;

class registry_server {
 public:
  using executor_type = boost::asio::any_io_executor;

  /// Binds and starts.
  /// Errors   those of registry_errc. Nothing is left open after one.
  [[nodiscard]] static result<registry_server> open(executor_type executor, registry_options options);

  /// Ends everything at once.
  ~registry_server();
  registry_server(registry_server&&) noexcept;
  registry_server& operator=(registry_server&&) noexcept;

  /// 0 without a port.
  [[nodiscard]] std::uint16_t port() const noexcept;

  /// What a socket that came in elsewhere speaks; the names are those of the paths.
  enum class transport : std::uint8_t { clear, sealed, legacy };
  /// Serves it under the same limits as on the port.
  void attach(ws::message_socket socket, std::string remote_addr, transport how = transport::clear);

  /// Asks for the keys again. Errors   invalid_option; the old ones stay.
  [[nodiscard]] error_code reload_keys();
  /// For the connections to come.
  void replace_tls(ws::tls_context next);

  /// As of the last moment the registry did something.
  [[nodiscard]] registry_counts counts() const;

  /// Stops accepting, tells every client (error shutting_down, code 1001), and completes when they are gone, at most
  /// limits.stop_timeout later. Signature void(error_code), always success.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = endpoint::default_token>
  auto async_stop(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, registry_server* self) {
          self->start_stop({std::move(handler), self->get_executor()});
        },
        token, this);
  }
  [[nodiscard]] executor_type get_executor() const noexcept;

  class impl;  ///< internal

 private:
  explicit registry_server(std::shared_ptr<impl> state) noexcept;
  void start_stop(::flowersec::session::completion<error_code> done);

  std::shared_ptr<impl> impl_;
};

}  // namespace flowersec::rendezvous

FLOWERSEC_REGISTER_ERRC(flowersec::rendezvous::registry_errc)
