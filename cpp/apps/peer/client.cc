#include "peer/client.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <csignal>
#include <functional>
#include <ostream>

#include "flowersec/endpoint/connect.h"
#include "peer/bulk.h"
#include "peer/checks.h"
#include "peer/credentials.h"
#include "peer/dial.h"
#include "peer/failures.h"

namespace flowersec::apps {
namespace {

namespace asio = boost::asio;
using asio::awaitable;

class client_run {
 public:
  client_run(const client_command& command, const invocation& io) : command_(command), io_(io) {}

  int run() {
    std::signal(SIGPIPE, SIG_IGN);
    asio::co_spawn(context_, all(), asio::detached);
    context_.run();
    return exit_code_;
  }

 private:
  awaitable<void> all() {
    const auto started = std::chrono::steady_clock::now();
    try {
      session_ = co_await connect();
    } catch (...) {
      report_.failed("connect", explain(std::current_exception()));
      co_return finish();
    }
    const hello_counter hellos{session_};
    report_.passed("connect");
    report_.figure("connect_ms",
                   std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started).count());
    if (command_.say.empty()) {
      co_await try_everything(hellos);
    } else {
      co_await check("say", say());
    }
    co_await session_.async_close(asio::as_tuple(endpoint::default_token{}));
    finish();
  }

  awaitable<endpoint::session> connect() {
    const auto options = connect_options_of(command_.dial);
    const auto executor = context_.get_executor();
    if (!command_.dial.info.empty()) {
      auto info = load_info(command_.dial);
      if (!info) throw std::runtime_error{info.error().text};
      path_ = endpoint::path::direct;
      co_return co_await endpoint::async_connect(executor, std::move(*info), options);
    }
    auto grant = load_grant(command_.dial, endpoint::role::client);
    if (!grant) throw std::runtime_error{grant.error().text};
    path_ = endpoint::path::tunnel;
    co_return co_await endpoint::async_connect(executor, std::move(*grant), options);
  }

  awaitable<void> try_everything(const hello_counter& hellos) {
    if (!command_.only_bulk) {
      co_await check("call", check_call(session_, report_));
      co_await check("notification", check_notification(session_, hellos));
      co_await check("payloads", check_call_payloads(session_));
      co_await check("errors", check_call_errors(session_));
      co_await check("concurrent_calls", check_concurrent_calls(session_, report_));
      co_await check("echo_and_rekey", check_echo(session_));
    }
    if (command_.mib > 0) {
      const bulk_plan plan{.bytes = static_cast<std::uint64_t>(command_.mib) << 20,
                           .streams = static_cast<unsigned>(command_.streams),
                           .show_progress = !command_.quiet};
      co_await check("upload", check_upload(session_, plan, report_));
      co_await check("download", check_download(session_, plan, report_));
    }
    if (command_.only_bulk) co_return;
    co_await check("probe", check_probe(session_, report_));
    co_await check("unknown_kind", check_unknown_kind(session_));
    co_await check("call_afterwards", check_call_payloads(session_));
  }

  awaitable<void> say() {
    const auto heard = co_await echo_text(session_, command_.say);
    require(heard == command_.say, "another text came back");
  }

  /// Runs one check and notes its outcome; the ones after it run all the same.
  awaitable<void> check(std::string name, awaitable<void> body) {
    try {
      co_await std::move(body);
      report_.passed(std::move(name));
    } catch (...) {
      report_.failed(std::move(name), explain(std::current_exception()));
    }
  }

  void finish() {
    exit_code_ = report_.ok() ? exit_ok : exit_runtime;
    io_.out << report_.line(to_string(path_)) << '\n' << std::flush;
  }

  const client_command& command_;
  const invocation& io_;
  asio::io_context context_{1};
  endpoint::session session_;
  endpoint::path path_ = endpoint::path::automatic;
  client_report report_;
  int exit_code_ = exit_runtime;
};

}  // namespace

int run_client(const client_command& command, const invocation& io) { return client_run{command, io}.run(); }

}  // namespace flowersec::apps
