// A server endpoint, as a service would run it: behind a tunnel, or reached directly. services.h says what it offers.
//
//   ./demo-server tunnel --origin http://127.0.0.1:5173 [--endpoint-id server-1] [--control FILE] < credential.json
//   ./demo-server direct --allow-origin http://127.0.0.1:5173 [--listen 127.0.0.1:0] [--ws-path /ws] [--channel-id
//   demo]
//
// tunnel: stays registered at the control plane that issued the credential (flowersec-controlplane add-endpoint), and
//         meets each client that asks for it there. A control plane or tunnel that went away is tried again.
// direct: listens itself, and prints the connect info that clients need; handshakes may begin for so many seconds.
//
// The first line of output is JSON: the server is ready. SIGINT and SIGTERM end it.

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <utility>

#include "flowersec/base/json.h"
#include "flowersec/endpoint/direct_listener.h"
#include "flowersec/endpoint/serve.h"
#include "flowersec/messages/grant_file.h"
#include "services.h"

namespace asio = boost::asio;
namespace endpoint = flowersec::endpoint;
using asio::awaitable;
using flags = std::multimap<std::string, std::string>;

struct usage_error : std::runtime_error {
  using runtime_error::runtime_error;
};

std::string flag_or(const flags& given, const std::string& name, std::string fallback) {
  const auto found = given.find(name);
  return found == given.end() ? fallback : found->second;
}

void report_end(endpoint::session session) {
  session.async_wait_end([](const flowersec::error_code&, const endpoint::termination& end) {
    std::cerr << "a session ended: " << to_string(end.info) << '\n';
  });
}

// [tunnel]
/// Until it is cancelled, or turned away for good.
awaitable<void> serve_tunnel(endpoint::serve_options options) {
  options.make_router = [](const endpoint::session& session) {
    report_end(session);
    return demo::make_services();
  };
  options.on_registered = [id = options.endpoint_id, first = true](const flowersec::error_code& lost) mutable {
    std::cerr << (lost ? "not registered: " + lost.message() : "registered as " + id) << '\n';
    if (lost || !std::exchange(first, false)) return;
    std::string ready;
    flowersec::json_object_writer{ready}.field("status", "ready").field("endpoint_id", id).end();
    std::cout << ready << std::endl;
  };
  co_await endpoint::serve(co_await asio::this_coro::executor, std::move(options));
}
// [tunnel]

// [direct]
awaitable<void> serve(endpoint::session session) {
  report_end(session);
  co_await session.async_serve(demo::make_services(), asio::as_tuple(endpoint::default_token{}));
}

awaitable<void> serve_direct(std::string channel_id, std::time_t init_seconds, endpoint::listen_options options) {
  const auto executor = co_await asio::this_coro::executor;
  endpoint::direct_connect_info info;
  info.channel_id = std::move(channel_id);
  const auto key = flowersec::crypto::psk::generate(flowersec::system_random());
  info.e2ee_psk_b64u = flowersec::messages::sensitive_text{key.value().to_base64url()};
  info.channel_init_expire_at_unix_s = std::time(nullptr) + init_seconds;
  info.default_suite = flowersec::messages::direct::v1::suite::x25519_hkdf_sha256_aes_256_gcm;
  auto credential = endpoint::fixed_credential::from(info);
  if (!credential) throw boost::system::system_error{credential.error()};
  auto listener = endpoint::direct_listener::open(executor, std::move(*credential), std::move(options));
  if (!listener) throw boost::system::system_error{listener.error()};
  info.ws_url = listener->url();

  auto ready = encode(info);
  ready.back() = ',';  // the info, and what there is to call
  std::cout << ready << R"("example_type_ids":{"rpc_request":1,"rpc_notify":2},)"
            << R"("example_stream_kinds":["rpc","echo","upload","download","meta_bytes"]})" << std::endl;
  while (true) {
    auto [error, session] = co_await listener->async_accept(asio::as_tuple(endpoint::default_token{}));
    if (error == endpoint::endpoint_errc::canceled) co_return;
    if (error) {
      std::cerr << "refused a client: " << error.message() << '\n';
      continue;
    }
    asio::co_spawn(executor, serve(std::move(session)), asio::detached);
  }
}
// [direct]

flags read_flags(int argc, char** argv, const std::vector<std::string>& known) {
  flags given;
  for (int at = 2; at < argc; at += 2) {
    const std::string name = argv[at];
    if (std::find(known.begin(), known.end(), name) == known.end()) throw usage_error{"unknown flag " + name};
    if (at + 1 == argc) throw usage_error{name + " needs a value"};
    given.emplace(name, argv[at + 1]);
  }
  return given;
}

/// A file, or stdin without a name.
std::string read_all(const std::string& file_name) {
  std::ifstream file;
  if (!file_name.empty()) {
    file.open(file_name);
    if (!file) throw usage_error{"cannot read " + file_name};
  }
  std::istream& from = file_name.empty() ? std::cin : file;
  return {std::istreambuf_iterator<char>{from}, {}};
}

awaitable<void> run_tunnel(const flags& given) {
  auto credential = flowersec::messages::read_direct_info(read_all(flag_or(given, "--control", "")));
  if (!credential) throw usage_error{"the credential: " + credential.error().text()};
  const auto* fallback = std::getenv("FSEC_ORIGIN");
  endpoint::serve_options options;
  options.control = std::move(*credential);
  options.endpoint_id = flag_or(given, "--endpoint-id", "server-1");
  auto& dial = options.control_connect;
  dial.origin = flag_or(given, "--origin", fallback == nullptr ? "" : fallback);
  if (dial.origin.empty()) throw usage_error{"--origin or FSEC_ORIGIN is required"};
  dial.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  options.attach = dial;
  options.attach.common.session.handshake_timeout = std::chrono::minutes{1};  // includes waiting for the client
  return serve_tunnel(std::move(options));
}

template <class Number>
Number number(std::string_view name, std::string_view text) {
  Number value{};
  const auto* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || last != end)
    throw usage_error{std::string{name} + ": not a number: " + std::string{text}};
  return value;
}

awaitable<void> run_direct(const flags& given) {
  endpoint::listen_options options;
  const auto listen = flag_or(given, "--listen", "127.0.0.1:0");
  const auto colon = listen.rfind(':');
  if (colon == std::string::npos) throw usage_error{"--listen takes address:port"};
  options.port = number<std::uint16_t>("--listen", std::string_view{listen}.substr(colon + 1));
  options.address = listen.substr(0, colon);
  options.path = flag_or(given, "--ws-path", "/ws");
  for (auto [at, last] = given.equal_range("--allow-origin"); at != last; ++at) {
    options.allowed_origins.push_back(at->second);
  }
  if (options.allowed_origins.empty()) throw usage_error{"--allow-origin is required"};
  const auto init_seconds = number<std::uint32_t>("--init-exp-seconds", flag_or(given, "--init-exp-seconds", "120"));
  return serve_direct(flag_or(given, "--channel-id", "demo"), init_seconds, std::move(options));
}

awaitable<void> run(int argc, char** argv) {
  const std::string mode = argc < 2 ? "" : argv[1];
  if (mode == "tunnel") return run_tunnel(read_flags(argc, argv, {"--control", "--origin", "--endpoint-id"}));
  if (mode == "direct") {
    return run_direct(
        read_flags(argc, argv, {"--listen", "--ws-path", "--channel-id", "--allow-origin", "--init-exp-seconds"}));
  }
  throw usage_error{"usage: demo-server tunnel|direct [flags]; the top of main.cc has them"};
}

int exit_code_of(std::exception_ptr failed) {
  try {
    std::rethrow_exception(std::move(failed));
  } catch (const usage_error& error) {
    std::cerr << "demo-server: " << error.what() << '\n';
    return 2;
  } catch (const boost::system::system_error& error) {
    std::cerr << "demo-server: " << error.code().message() << '\n';
  } catch (const std::exception& error) {
    std::cerr << "demo-server: " << error.what() << '\n';
  }
  return 1;
}

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  asio::io_context context;
  int exit_code = 0;
  bool stopping = false;
  asio::cancellation_signal stop;
  asio::signal_set signals{context, SIGINT, SIGTERM};
  signals.async_wait([&](auto, auto) {
    stopping = true;
    stop.emit(asio::cancellation_type::terminal);
  });
  try {
    auto ended = [&](std::exception_ptr failed) {
      if (failed && !stopping) exit_code = exit_code_of(std::move(failed));
      context.stop();
    };
    asio::co_spawn(context, run(argc, argv), asio::bind_cancellation_slot(stop.slot(), std::move(ended)));
    context.run();
  } catch (...) {
    exit_code = exit_code_of(std::current_exception());
  }
  return exit_code;
}
