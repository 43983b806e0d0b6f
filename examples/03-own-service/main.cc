// A typed call and a typed notification, from notes.proto. Server and client share one process, without a tunnel.
//
//   ./own-service

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <ctime>
#include <iostream>

#include "acme/notes/v1/service.gen.h"
#include "flowersec/endpoint/connect.h"
#include "flowersec/endpoint/direct_listener.h"

namespace asio = boost::asio;
namespace endpoint = flowersec::endpoint;
namespace notes = acme::notes::v1;
using asio::awaitable;

// [handler]
class notebook final : public notes::notes_handler {
 public:
  explicit notebook(notes::notes_notifier listener) : listener_(std::move(listener)) {}

  void add(notes::add_request request, flowersec::rpc::typed_responder<notes::add_response> answer) override {
    if (request.text.empty()) return answer.fail(422, "nothing to note");
    static_cast<void>(listener_.added({.text = request.text}));
    answer.succeed({.count = ++count_});
  }

 private:
  notes::notes_notifier listener_;
  std::uint32_t count_ = 0;
};
// [handler]

// [serve]
awaitable<void> serve(endpoint::direct_listener& listener) {
  auto session = co_await listener.async_accept();
  // One router for each RPC stream, so that the handler knows whom to notify.
  const auto make_router = [](endpoint::rpc_peer peer) {
    flowersec::rpc::router calls;
    notes::register_notes(calls, std::make_shared<notebook>(notes::notes_notifier{peer}));
    return calls;
  };
  co_await session.async_serve(endpoint::stream_router{}.on_rpc(make_router),
                               asio::as_tuple(endpoint::default_token{}));
}
// [serve]

// [call]
awaitable<void> call(endpoint::session session) {
  notes::notes_client client{session};
  const auto subscription =
      client.on_added([](const notes::note_added& note) { std::cout << "client: told of \"" << note.text << "\"\n"; });

  const notes::add_request milk{.text = "milk"};
  const auto answer = co_await client.async_add(milk);
  std::cout << "client: " << answer.value().count << " note\n";

  const notes::add_request nothing;
  const auto refused = co_await client.async_add(nothing);
  std::cout << "client: refused with " << refused.error().code << ", " << refused.error().message << '\n';
}
// [call]

awaitable<void> run_client(endpoint::direct_connect_info info) {
  endpoint::connect_options options;
  options.origin = "https://app.example";
  options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  auto session = co_await endpoint::async_connect(co_await asio::this_coro::executor, std::move(info), options);
  co_await call(session);
  co_await session.async_close();
}

int main() {
  asio::io_context context;
  endpoint::direct_connect_info info;
  info.channel_id = "notes";
  const auto key = flowersec::crypto::psk::generate(flowersec::system_random());
  info.e2ee_psk_b64u = flowersec::messages::sensitive_text{key.value().to_base64url()};
  info.channel_init_expire_at_unix_s = std::time(nullptr) + 60;
  info.default_suite = flowersec::messages::direct::v1::suite::x25519_hkdf_sha256_aes_256_gcm;
  endpoint::listen_options options;
  options.allowed_origins = {"https://app.example"};
  auto listener =
      endpoint::direct_listener::open(context.get_executor(), endpoint::fixed_credential::from(info).value(), options)
          .value();
  info.ws_url = listener.url();

  int exit_code = 0;
  asio::co_spawn(context, serve(listener), asio::detached);
  asio::co_spawn(context, run_client(std::move(info)), [&](std::exception_ptr failed) {
    try {
      if (failed) std::rethrow_exception(failed);
    } catch (const std::exception& error) {
      std::cerr << "client: " << error.what() << '\n';
      exit_code = 1;
    }
    listener.close();
  });
  context.run();
  return exit_code;
}
