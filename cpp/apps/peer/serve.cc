#include "peer/serve.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <exception>
#include <list>
#include <ostream>
#include <utility>

#include "flowersec/base/json.h"
#include "flowersec/endpoint/connect.h"
#include "flowersec/endpoint/direct_listener.h"
#include "flowersec/endpoint/serve.h"
#include "peer/credentials.h"
#include "peer/dial.h"
#include "peer/failures.h"
#include "peer/listen_address.h"
#include "peer/services.h"

namespace flowersec::apps {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using namespace asio::experimental::awaitable_operators;

/// A peer that leaves ends its session; that is how a session is supposed to end.
bool ended_well(const endpoint::termination& end) {
  return end.closed_here || end.info.code == endpoint::endpoint_errc::not_connected;
}

std::string session_line(endpoint::path path, const endpoint::termination& end, const serve_figures& figures) {
  std::string text;
  json_object_writer line{text};
  line.field("role", "server")
      .field("path", to_string(path))
      .field("ok", ended_well(end))
      .field("calls", figures.calls)
      .field("notifications", figures.notifications)
      .field("streams", figures.streams)
      .field("failed_streams", figures.failed_streams)
      .field("bytes_in", figures.bytes_in)
      .field("bytes_out", figures.bytes_out);
  if (!ended_well(end)) line.field("error", to_string(end.info) + ": " + end.cause.message());
  line.end();
  return text;
}

/// One command, from the credential to the last session.
class serving {
 public:
  serving(const serve_command& command, const invocation& io)
      : command_(command),
        io_(io),
        signals_(context_, SIGINT, SIGTERM),
        first_ended_(context_, asio::steady_timer::time_point::max()) {}

  int run() {
    std::signal(SIGPIPE, SIG_IGN);
    asio::co_spawn(context_, until_stopped(), asio::detached);
    context_.run();
    return exit_code_;
  }

 private:
  awaitable<void> until_stopped() {
    co_await (reporting(serve_as_told()) || stop_signal());
    signals_.cancel();
    for (auto& session : sessions_) session.emit(asio::cancellation_type::terminal);
  }

  awaitable<void> serve_as_told() {
    if (!command_.control.empty()) return serve_endpoint();
    return command_.direct.empty() ? serve_tunnel() : serve_direct();
  }

  /// Ends well in any case: a failure, too, is a reason to stop waiting for a signal. Being cancelled by the signal is
  /// none.
  awaitable<void> reporting(awaitable<void> work) {
    std::exception_ptr failure;
    try {
      co_await std::move(work);
    } catch (...) {
      failure = std::current_exception();
    }
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (failure && cancellation.cancelled() == asio::cancellation_type::none) {
      exit_code_ = fail(io_, exit_runtime, explain(failure));
    }
  }

  awaitable<void> stop_signal() {
    co_await signals_.async_wait(asio::use_awaitable);
    stopping_ = true;
  }

  awaitable<void> serve_tunnel() {
    auto grant = load_grant(command_.dial, endpoint::role::server);
    if (!grant) throw std::runtime_error{grant.error().text};
    auto options = attach_options();
    auto session = co_await endpoint::async_attach_server(context_.get_executor(), std::move(*grant), options);
    co_await serve_session(std::move(session));
  }

  [[nodiscard]] endpoint::connect_options attach_options() const {
    auto options = connect_options_of(command_.dial);
    options.common.session.handshake_timeout = std::chrono::ceil<std::chrono::milliseconds>(command_.wait);
    return options;
  }

  awaitable<void> serve_endpoint() {
    auto dial = command_.dial;
    dial.info = command_.control;
    auto credential = load_info(dial);
    if (!credential) throw std::runtime_error{credential.error().text};
    endpoint::serve_options options;
    options.control = std::move(*credential);
    options.endpoint_id = command_.endpoint_id;
    options.control_connect = connect_options_of(command_.dial);
    options.attach = attach_options();
    options.make_router = [this](const endpoint::session& session) { return services_of(session); };
    options.on_registered = [this](const error_code& lost) { report_registration(lost); };
    auto registered = endpoint::serve(context_.get_executor(), std::move(options), asio::as_tuple(asio::use_awaitable));
    const auto ended = co_await (std::move(registered) || first_ended_.async_wait(asio::as_tuple(asio::use_awaitable)));
    if (ended.index() == 0) throw boost::system::system_error{std::get<0>(std::get<0>(ended))};
  }

  /// The first line is for whoever waits until clients may come.
  void report_registration(const error_code& lost) {
    if (lost) {
      io_.err << "not registered: " << explain(lost) << '\n' << std::flush;
    } else if (std::exchange(was_registered_, true)) {
      io_.err << "registered again\n" << std::flush;
    } else {
      std::string text;
      json_object_writer{text}.field("status", "registered").field("endpoint_id", command_.endpoint_id).end();
      io_.out << text << '\n' << std::flush;
    }
  }

  endpoint::stream_router services_of(endpoint::session session) {
    auto figures = std::make_shared<serve_figures>();
    session.async_wait_end([this, figures, path = session.path()](const error_code&, const endpoint::termination& end) {
      report_session(path, end, *figures);
      if (command_.once) first_ended_.cancel();
    });
    return make_services(std::move(figures));
  }

  awaitable<void> serve_direct() {
    auto listener = open_listener();
    io_.out << R"({"status":"listening","url":")" << listener.url() << "\"}\n" << std::flush;
    while (true) {
      auto [error, session] = co_await listener.async_accept(asio::as_tuple(endpoint::default_token{}));
      if (stopping_) co_return;
      if (error) {
        io_.err << "refused a client: " << explain(error) << '\n' << std::flush;
      } else if (command_.once) {
        co_return co_await serve_session(std::move(session));
      } else {
        start_session(std::move(session));
      }
    }
  }

  void start_session(endpoint::session session) {
    const auto mine = sessions_.emplace(sessions_.end());
    // Not forgotten inside its own cancellation.
    auto ended = [this, mine](const std::exception_ptr&) {
      asio::post(context_, [this, mine] { sessions_.erase(mine); });
    };
    asio::co_spawn(context_, serve_session(std::move(session)),
                   asio::bind_cancellation_slot(mine->slot(), std::move(ended)));
  }

  endpoint::direct_listener open_listener() {
    const auto info = load_info(command_.dial);
    if (!info) throw std::runtime_error{info.error().text};
    auto options = listen_options_of(command_, info->ws_url);
    if (!options) throw std::runtime_error{options.error().text};
    auto credential = endpoint::fixed_credential::from(*info);
    if (!credential) throw boost::system::system_error{credential.error()};
    auto listener =
        endpoint::direct_listener::open(context_.get_executor(), std::move(*credential), std::move(*options));
    if (!listener) throw boost::system::system_error{listener.error()};
    return std::move(*listener);
  }

  awaitable<void> serve_session(endpoint::session session) {
    auto figures = std::make_shared<serve_figures>();
    // How it ended is asked for below, whatever ended it.
    co_await session.async_serve(make_services(figures), asio::as_tuple(endpoint::default_token{}));
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await session.async_close(asio::as_tuple(endpoint::default_token{}));
    const auto end = co_await session.async_wait_end();
    report_session(session.path(), end, *figures);
  }

  void report_session(endpoint::path path, const endpoint::termination& end, const serve_figures& figures) {
    if (!ended_well(end)) exit_code_ = exit_runtime;
    io_.out << session_line(path, end, figures) << '\n' << std::flush;
  }

  const serve_command& command_;
  const invocation& io_;
  asio::io_context context_{1};
  asio::signal_set signals_;
  asio::steady_timer first_ended_;  // never fires; cancelled when the first session of a registered endpoint has ended
  bool was_registered_ = false;
  bool stopping_ = false;
  std::list<asio::cancellation_signal> sessions_;  // of the direct listener, one each
  int exit_code_ = exit_ok;
};

}  // namespace

int run_serve(const serve_command& command, const invocation& io) { return serving{command, io}.run(); }

}  // namespace flowersec::apps
