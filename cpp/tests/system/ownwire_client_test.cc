// The chat client for programs through a running ownwire, which goes away and comes back.
#include "flowersec/ownwire/client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <thread>

#include "support/own_loopback.h"
#include "system/ownwire_world.h"

namespace flowersec::testing {
namespace {

using testing_support::temporary_folder;

/// A context that another thread runs.
struct running_context {
  boost::asio::io_context context;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread{[this] { context.run(); }};
  ~running_context() {
    context.stop();
    thread.join();
  }
};

std::uint64_t id_of(std::future<std::uint64_t>& sent) {
  if (sent.wait_for(std::chrono::seconds{20}) != std::future_status::ready) throw std::runtime_error("not delivered");
  return sent.get();
}

TEST(ownwire_client, texts_outlive_a_gateway_that_is_killed_and_none_comes_twice) {
  const temporary_folder folder;
  std::optional<ownwire_program> program;
  const auto bind = "--bind=" + testing_support::own_loopback();
  program.emplace(folder.path(), ownwire_program::words{bind});
  const auto port = program->address().substr(program->address().rfind(':') + 1);
  const ownwire_program::words flags{bind, "--port", port};

  running_context runner;
  ownwire::client_options options;
  options.url = program->ready("ws_url");
  options.server_keys = {*sealed::public_key::parse(program->ready("server_key"))};
  options.metadata = "from a program";
  options.reconnect.initial_delay = std::chrono::milliseconds{20};
  options.reconnect.max_delay = std::chrono::milliseconds{200};
  options.reconnect.max_attempts = 1000;  // while the next gateway starts, which may take its time
  auto chat = ownwire::client::create(runner.context.get_executor(), std::move(options)).value();
  auto connected = chat.async_connect(boost::asio::use_future);
  ASSERT_EQ(connected.wait_for(std::chrono::seconds{20}), std::future_status::ready);
  connected.get();

  std::string session;
  {
    internal_client backend{program->internal()};
    auto one = chat.async_send("one", boost::asio::use_future);
    const auto text = backend.next();
    EXPECT_EQ(text.content, "one");
    EXPECT_EQ(text.metadata, "from a program");
    EXPECT_GT(id_of(one), 0U);
    session = text.session_id;
    program->process.send_signal(SIGKILL);
    EXPECT_EQ(program->process.wait().signal, SIGKILL);
  }
  auto two = chat.async_send("two", boost::asio::use_future);
  auto three = chat.async_send("three", boost::asio::use_future);
  program.emplace(folder.path(), flags);
  internal_client backend{program->internal()};
  const auto text = backend.next();
  EXPECT_EQ(text.content, "two");
  EXPECT_NE(text.session_id, session);
  EXPECT_EQ(backend.next().content, "three");
  id_of(two);
  id_of(three);
  auto four = chat.async_send("four", boost::asio::use_future);
  EXPECT_EQ(backend.next().content, "four");
  id_of(four);
}

}  // namespace
}  // namespace flowersec::testing
