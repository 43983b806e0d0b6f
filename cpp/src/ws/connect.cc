#include "flowersec/ws/connect.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "ws/client_upgrade.h"
#include "ws/message_connection.h"
#include "ws/opening.h"
#include "ws/resolve.h"

namespace flowersec::ws {

namespace asio = boost::asio;

namespace {

constexpr std::size_t head_read_bytes = 4096;

asio::awaitable<result<asio::ip::tcp::socket>> dial(const url& target) {
  auto [unresolved, endpoints] = co_await resolve(target.host, target.port);
  if (unresolved) co_return unresolved;
  asio::ip::tcp::socket socket{co_await asio::this_coro::executor};
  const auto [refused, endpoint] = co_await asio::async_connect(socket, endpoints, asio::as_tuple(asio::use_awaitable));
  if (refused) co_return refused;
  if (const auto error = prepare(socket)) co_return error;
  co_return socket;
}

asio::awaitable<error_code> secure(opening& connection, const url& target, const connect_options& options) {
  const auto context = options.tls ? result<tls_context>{*options.tls} : tls_context::client();
  if (!context) co_return context.error();
  auto session = tls_session::connect(*context, connection.socket.native_handle(), target.host, target.host_is_ip);
  if (!session) co_return session.error();
  connection.io.start_tls(std::move(*session));
  co_return co_await shake_tls(connection);
}

/// What a server answered with.
struct upgraded {
  std::string subprotocol;
  byte_buffer early;  ///< what came behind the answer: the first frames
};

asio::awaitable<result<upgraded>> await_upgrade(opening& connection, const std::string& key,
                                                const connect_options& options) {
  response_head_parser parser;
  std::array<std::byte, head_read_bytes> buffer;
  while (true) {
    const auto received = co_await read_some(connection, buffer);
    if (!received) co_return received.error();
    byte_view rest{buffer.data(), *received};
    const auto status = parser.consume(rest);
    if (status == head_status::need_more) continue;
    if (status != head_status::complete) co_return make_error_code(ws_errc::upgrade_invalid);
    if (const auto error = check_upgrade_response(parser.head(), key, options.subprotocol)) co_return error;
    upgraded made{.subprotocol = selected_subprotocol(parser.head()), .early = to_buffer(rest)};
    co_return made;
  }
}

asio::awaitable<result<message_socket>> open(url target, connect_options options) {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  const auto key = make_upgrade_key(system_random());
  if (!key) co_return key.error();
  auto request = upgrade_request_text(target, *key, options.origin, options.headers, options.subprotocol);
  if (!request) co_return request.error();

  auto dialed = co_await dial(target);
  if (!dialed) co_return dialed.error();
  opening connection{std::move(*dialed)};
  if (target.secure) {
    if (const auto error = co_await secure(connection, target, options)) co_return error;
  }
  if (const auto error = co_await write_all(connection, std::move(*request))) co_return error;
  auto answer = co_await await_upgrade(connection, *key, options);
  if (!answer) co_return answer.error();

  auto made = std::make_shared<message_connection>(std::move(connection.socket), std::move(connection.io), role::client,
                                                   options.socket, answer->early, std::move(answer->subprotocol));
  made->run();
  co_return message_socket{std::move(made)};
}

}  // namespace

void detail::start_connect(asio::any_io_executor executor, url target, connect_options options,
                           connect_handler handler) {
  spawn_opening<message_socket>(executor, open(std::move(target), std::move(options)), std::move(handler));
}

}  // namespace flowersec::ws
