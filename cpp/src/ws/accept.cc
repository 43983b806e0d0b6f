#include "flowersec/ws/accept.h"

#include <array>
#include <boost/asio/this_coro.hpp>

#include "flowersec/ws/request_head.h"
#include "flowersec/ws/upgrade.h"
#include "ws/message_connection.h"
#include "ws/opening.h"

namespace flowersec::ws {

namespace asio = boost::asio;

namespace {

constexpr std::size_t head_read_bytes = 4096;

/// What an unusable request is told, and what the caller is told about it.
struct decline {
  std::string text;
  ws_errc error;
};

decline plain(unsigned status, std::string_view body, ws_errc error) {
  return {plain_answer_text(status, body, false), error};
}

std::optional<decline> judge(const request_head& head, const accept_options& options, const head_pass& passed) {
  if (options.busy) return plain(503, "Service Unavailable", ws_errc::upgrade_declined);
  if (options.path && head.path() != *options.path) {
    return plain(404, "404 page not found", ws_errc::upgrade_declined);
  }
  static const auto everybody = origin_policy::everybody();
  if (const auto refused = check_upgrade(head, passed.any_origin ? everybody : options.origins)) {
    return decline{refusal_text(*refused, false), ws_errc::upgrade_declined};
  }
  return std::nullopt;
}

/// Input that nobody read would turn the close into a reset that overtakes the answer.
void drop_input(opening& connection) {
  std::array<std::byte, head_read_bytes> dropped;
  constexpr int most_reads = 16;
  for (int i = 0; i < most_reads && connection.io.read(dropped).status == io_status::done; ++i) {
  }
}

asio::awaitable<error_code> answer(opening& connection, decline why) {
  if (const auto error = co_await write_all(connection, std::move(why.text))) co_return error;
  connection.io.end_writing();
  drop_input(connection);
  co_return make_error_code(why.error);
}

asio::awaitable<error_code> answer(opening& connection, const request_head& to, decline why) {
  if (to.method == "HEAD") why.text = head_only(std::move(why.text));
  return answer(connection, std::move(why));
}

asio::awaitable<error_code> secure(opening& connection, const tls_context& context) {
  auto session = tls_session::accept(context, connection.socket.native_handle());
  if (!session) co_return session.error();
  connection.io.start_tls(std::move(*session));
  co_return co_await shake_tls(connection);
}

/// Reads the request into `parser`. The result is what came behind it.
asio::awaitable<result<byte_buffer>> await_request(opening& connection, request_head_parser& parser) {
  std::array<std::byte, head_read_bytes> buffer;
  while (true) {
    const auto received = co_await read_some(connection, buffer);
    if (!received) co_return received.error();
    byte_view rest{buffer.data(), *received};
    switch (parser.consume(rest)) {
      case head_status::need_more:
        break;
      case head_status::complete:
        co_return to_buffer(rest);
      case head_status::invalid:
        co_return co_await answer(connection, plain(400, "400 Bad Request", ws_errc::request_invalid));
      case head_status::too_large:
        co_return co_await answer(connection,
                                  plain(431, "431 Request Header Fields Too Large", ws_errc::request_too_large));
    }
  }
}

asio::awaitable<result<accepted_socket>> open(asio::ip::tcp::socket socket, accept_options options) {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  if (const auto error = prepare(socket)) co_return error;
  opening connection{std::move(socket)};
  if (options.tls) {
    if (const auto error = co_await secure(connection, *options.tls)) co_return error;
  }
  request_head_parser parser;
  const auto early = co_await await_request(connection, parser);
  if (!early) co_return early.error();
  const auto& head = parser.head();
  auto decision = options.on_head ? options.on_head(head) : head_decision{};
  if (auto* answered = std::get_if<head_answer>(&decision)) {
    decline told{.text = std::move(answered->text), .error = ws_errc::upgrade_declined};
    co_return co_await answer(connection, head, std::move(told));
  }
  auto& passed = std::get<head_pass>(decision);
  if (auto declined = judge(head, options, passed)) co_return co_await answer(connection, head, std::move(*declined));
  if (const auto error = co_await write_all(connection, accept_text(head, passed.subprotocol))) co_return error;

  auto made = std::make_shared<message_connection>(std::move(connection.socket), std::move(connection.io), role::server,
                                                   options.socket, *early, std::move(passed.subprotocol));
  made->run();
  accepted_socket accepted{.socket = message_socket{std::move(made)}, .target = std::string{head.target}};
  co_return accepted;
}

}  // namespace

void detail::start_accept(asio::ip::tcp::socket socket, accept_options options, accept_handler handler) {
  const auto executor = socket.get_executor();
  spawn_opening<accepted_socket>(executor, open(std::move(socket), std::move(options)), std::move(handler));
}

}  // namespace flowersec::ws
