// flowersec-adversary-shim: clients, and a server in public-key mode, as tests/adversary plays against them; many in
// one process. One JSON object a line:
// {"id":n,"do":"direct|sealed|tunnel_client|tunnel_server|register|chat|leave|serve",...} on stdin,
// {"id":n,"said":"ok", or path and code of the error} on stdout when it is over. Ends with its stdin.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <iostream>
#include <map>
#include <thread>

#include "adversary_chat.h"
#include "endpoint/reconnect_machine.h"
#include "flowersec/endpoint/connect.h"
#include "flowersec/endpoint/direct_listener.h"
#include "flowersec/messages/grant_file.h"
#include "flowersec/rendezvous/secure_socket_client.h"

namespace flowersec {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::awaitable;
using endpoint::default_token;
constexpr auto with_error = asio::as_tuple(default_token{});

void say(json::object line) { std::cout << json::serialize(line) << std::endl; }

void said(const json::object& command, std::string_view what) { say({{"id", command.at("id")}, {"said", what}}); }

std::string words_of(const error_code& error) {
  if (const auto info = endpoint::describe_error(error)) return to_string(*info);
  if (error.category() == make_error_code(rendezvous::rendezvous_errc::closed).category()) {
    return std::string{to_string(static_cast<rendezvous::rendezvous_errc>(error.value()))};
  }
  return error.message();
}

/// How a session ended, and why.
std::string words_of(const endpoint::termination& end) { return to_string(end.info) + ": " + end.cause.message(); }

std::string text_in(const json::object& command, std::string_view name) {
  const auto* value = command.if_contains(name);
  return value == nullptr ? std::string{} : std::string{value->as_string()};
}

endpoint::connect_options connect_options() {
  endpoint::connect_options options;
  options.origin = "http://127.0.0.1";
  options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  return options;
}

/// A text there and back on an echo stream.
awaitable<std::string> echo(endpoint::session session, std::string text) {
  auto stream = co_await session.async_open_stream("echo");
  co_await asio::async_write(stream, asio::buffer(text), default_token{});
  co_await stream.async_shutdown_send();
  std::string heard;
  auto [error, count] = co_await asio::async_read(stream, asio::dynamic_buffer(heard, text.size() + 1), with_error);
  if (error && error != asio::error::eof) throw boost::system::system_error{error};
  co_return heard;
}

awaitable<endpoint::session> connect(const json::object& command) {
  const auto executor = co_await asio::this_coro::executor;
  const auto what = text_in(command, "do");
  const auto url = text_in(command, "url");
  if (what == "direct") {
    auto info = messages::read_direct_info(json::serialize(command.at("info"))).value();
    info.ws_url = url;
    co_return co_await endpoint::async_connect(executor, std::move(info), connect_options());
  }
  if (what == "sealed") {
    endpoint::sealed_connect_info info;
    info.ws_url = url;
    info.server_keys.push_back(*sealed::public_key::parse(text_in(command, "key")));
    co_return co_await endpoint::async_connect(executor, std::move(info), connect_options());
  }
  const auto text = json::serialize(command.at("grant"));
  if (what == "tunnel_client") {
    auto grant = messages::read_client_grant(text).value();
    co_return co_await endpoint::async_connect(executor, std::move(grant), connect_options());
  }
  auto grant = messages::read_server_grant(text).value();
  co_return co_await endpoint::async_attach_server(executor, std::move(grant), connect_options());
}

/// What became of a call.
awaitable<std::string> call(endpoint::session session) {
  auto [error, reply] = co_await session.async_call(7, R"("x")", with_error);
  if (error) co_return words_of(error);
  if (reply.error) co_return "refused " + std::to_string(reply.error->code) + " " + reply.error->message;
  co_return "answered " + reply.payload;
}

/// Connects, and says a text, or calls, when the command has it so.
awaitable<void> run_client(json::object command) {
  std::string outcome = "ok";
  endpoint::session session;
  try {
    session = co_await connect(command);
    if (command.contains("call")) {
      said(command, co_await call(session));
      co_await session.async_close(with_error);
      co_return;
    }
    const auto text = text_in(command, "say");
    if (!text.empty() && co_await echo(session, text) != text) outcome = "another text came back";
  } catch (const boost::system::system_error& error) {
    outcome = words_of(error.code());
    if (command.contains("grant") && !endpoint::is_retryable(error.code())) outcome += ", final";
  }
  // How a session that was there ended says more than which of its streams noticed.
  if (session && outcome != "ok") outcome = words_of(co_await session.async_wait_end());
  said(command, outcome);
  if (session) co_await session.async_close(with_error);
}

identity::public_key contact_in(const json::object& command) {
  return identity::public_key::parse(text_in(command, "contact")).value();
}

rendezvous::secure_socket_options options_of_registration(const json::object& command) {
  rendezvous::secure_socket_options options;
  const auto key = identity::public_key::parse(text_in(command, "key")).value();
  options.registries.push_back({.url = text_in(command, "url"), .keys = {key}});
  auto self = std::make_shared<identity::identity>(identity::identity::generate(system_random()).value());
  options.contacts = std::make_shared<identity::contacts>(self);
  options.transport = rendezvous::registry_transport::plain;
  options.reconnect = {.enabled = false};
  options.calls = {.enabled = false};
  options.on_message = [](const rendezvous::received_message&) {};
  options.contacts->add(contact_in(command), "the contact").value();
  return options;
}

awaitable<void> run_registered(json::object command) {
  auto options = options_of_registration(command);
  const bool sends = command.contains("send");
  bool failed = false;
  error_code why;
  asio::steady_timer over{co_await asio::this_coro::executor, asio::steady_timer::time_point::max()};
  options.on_state = [&](const rendezvous::socket_event& event) {
    const auto* changed = std::get_if<rendezvous::registry_changed>(&event);
    if (changed == nullptr || changed->status != rendezvous::registry_status::failed) return;
    failed = true;
    why = changed->why;
    over.cancel();
  };
  auto client =
      rendezvous::secure_socket_client::create(co_await asio::this_coro::executor, std::move(options)).value();
  auto [refused] = co_await client.async_start(with_error);
  if (!refused && sends) {
    auto [not_sent] = co_await client.async_send(contact_in(command), "1", with_error);
    said(command, not_sent ? words_of(not_sent) : "ok");
  }
  if (!refused && !failed) co_await over.async_wait(with_error);
  if (refused || !sends) said(command, words_of(failed ? why : refused));
  co_await client.async_close(with_error);
}

/// Clients of registries that come back, by the command that began them.
std::map<std::int64_t, std::function<void()>>& staying() {
  static std::map<std::int64_t, std::function<void()>> all;
  return all;
}

/// Comes back until it is told to leave; then it says why it had to, each time.
awaitable<void> run_returning(json::object command) {
  auto options = options_of_registration(command);
  options.reconnect = {.enabled = true, .max_attempts = 100, .initial_delay = {}, .max_delay = {}, .jitter_ratio = 0};
  options.reconnect.drain_spread = std::chrono::milliseconds{command.at("spread").as_int64()};
  std::string words;
  options.on_state = [&words](const rendezvous::socket_event& event) {
    const auto* changed = std::get_if<rendezvous::registry_changed>(&event);
    if (changed == nullptr || !changed->why) return;
    if (!words.empty()) words += "; ";
    words += words_of(changed->why);
  };
  const auto executor = co_await asio::this_coro::executor;
  auto client = rendezvous::secure_socket_client::create(executor, std::move(options)).value();
  asio::steady_timer left{executor, asio::steady_timer::time_point::max()};
  const auto id = command.at("id").as_int64();
  staying().emplace(id, [&left] { left.cancel(); });
  client.async_start([](error_code /*told by events*/) {});
  co_await left.async_wait(with_error);
  staying().erase(id);
  co_await client.async_close(with_error);
  said(command, words);
}

/// Says how it ended: of a session whose peer went away, which is how one is supposed to end, "left".
awaitable<void> serve_echo(endpoint::session session, std::int64_t id) {
  endpoint::stream_router router;
  router.on("echo", [](flowersec::stream stream) -> awaitable<void> {
    byte_buffer block(65'536);
    for (;;) {
      auto [error, count] = co_await stream.async_read_some(asio::buffer(block), with_error);
      if (error) break;
      co_await asio::async_write(stream, asio::buffer(block.data(), count), default_token{});
    }
    co_await stream.async_shutdown_send();
  });
  router.on("source", [](flowersec::stream stream) -> awaitable<void> {
    const byte_buffer block(65'536);
    for (error_code error; !error;)
      error = std::get<0>(co_await asio::async_write(stream, asio::buffer(block), with_error));
  });
  co_await session.async_serve(std::move(router), with_error);
  co_await session.async_close(with_error);
  const auto end = co_await session.async_wait_end();
  const bool has_left = end.closed_here || end.info.code == endpoint::endpoint_errc::not_connected;
  say({{"id", id}, {"of", has_left ? "left" : words_of(end)}});
}

/// Public-key mode with the keys of a key file's text.
awaitable<void> run_server(json::object command) {
  const auto executor = co_await asio::this_coro::executor;
  endpoint::listen_options options;
  options.path = "/direct";
  options.any_origin = true;
  if (const auto* given = command.if_contains("send_ms")) {  // that a peer may take nothing
    options.common.session.send_timeout = std::chrono::milliseconds{given->as_int64()};
  }
  auto keys = sealed::parse_key_file(text_in(command, "keys")).value();
  auto listener = endpoint::direct_listener::open(executor, endpoint::sealed_credentials::of(std::move(keys)), options);
  say({{"id", command.at("id")}, {"url", listener.value().url()}});
  for (;;) {
    auto [error, session] = co_await listener->async_accept(with_error);
    if (error) {
      say({{"id", command.at("id")}, {"of", words_of(error)}});
    } else {
      asio::co_spawn(executor, serve_echo(std::move(session), command.at("id").as_int64()), asio::detached);
    }
  }
}

awaitable<void> run_registration(json::object command) {
  return command.contains("spread") ? run_returning(std::move(command)) : run_registered(std::move(command));
}

void begin(asio::io_context& context, const std::string& line) {
  auto command = json::parse(line).as_object();
  const auto what = text_in(command, "do");
  if (what == "chat") return start_chat(context.get_executor(), command, say);
  if (what == "leave") {
    const auto found = staying().find(command.at("of").as_int64());
    return found == staying().end() ? leave_chat(command) : found->second();
  }
  auto work = what == "serve"      ? run_server(std::move(command))
              : what == "register" ? run_registration(std::move(command))
                                   : run_client(std::move(command));
  asio::co_spawn(context, std::move(work), [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
}

}  // namespace
}  // namespace flowersec

int main() {
  std::signal(SIGPIPE, SIG_IGN);
  boost::asio::io_context context{1};
  const auto guard = boost::asio::make_work_guard(context);
  std::jthread reader{[&context] {
    for (std::string line; std::getline(std::cin, line);) {
      boost::asio::post(context, [&context, line] { flowersec::begin(context, line); });
    }
    context.stop();
  }};
  context.run();
  std::cout.flush();
  std::_Exit(0);  // whoever closed our input waits for nothing
}
