// The registry as a part of a program: its options, and sockets that came in elsewhere.
#include "flowersec/rendezvous/registry_server.h"

#include "flowersec/ws/accept.h"
#include "rendezvous/registry_link.h"
#include "support/registry_clients.h"
#include "support/run_coroutine.h"

namespace flowersec::rendezvous {
namespace {

using namespace flowersec::testing;

/// Time does not pass, so nobody gets a registration back.
struct still_clock final : clock_source {
  [[nodiscard]] mono_time mono_now() const noexcept override { return mono_time{std::chrono::hours{1}}; }
  [[nodiscard]] wall_time wall_now() const noexcept override { return system_clocks().wall_now(); }
};
const still_clock still{};

registry_options good_options() {
  std::array<std::byte, sealed::key_bytes> bytes{};
  bytes.fill(std::byte{'r'});
  sealed::keyring::entry only{.key = sealed::key_pair::from_private(bytes)};
  const auto ring = std::make_shared<const sealed::keyring>(std::move(only));
  registry_options options;
  options.keys = [ring] { return ring; };
  options.mint = []() -> result<ticket_pair> { return make_error_code(boost::system::errc::io_error); };
  return options;
}

TEST(registry_server, options_that_cannot_be) {
  asio::io_context context;
  const auto refused = [&](auto change) {
    auto options = good_options();
    options.port.emplace().listen.port(0);
    change(options);
    const auto opened = registry_server::open(context.get_executor(), std::move(options));
    EXPECT_TRUE(opened.has_error() && opened.error() == registry_errc::invalid_option);
  };
  refused([](registry_options& o) { o.keys = nullptr; });
  refused([](registry_options& o) { o.keys = [] { return nullptr; }; });
  refused([](registry_options& o) { o.mint = nullptr; });
  refused([](registry_options& o) { o.limits.max_keys = 0; });
  refused([](registry_options& o) { o.port->trusted_proxies = {"nowhere"}; });
  refused([](registry_options& o) { o.port->allowed_origins = {" "}; });
  refused([](registry_options& o) { o.port->max_handshakes = 0; });
  refused([](registry_options& o) { o.port->max_handshakes_per_address = 0; });
}

TEST(registry_server, a_port_that_is_taken) {
  asio::io_context context;
  tcp::acceptor other{context, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
  auto options = good_options();
  options.port.emplace().listen = other.local_endpoint();
  const auto opened = registry_server::open(context.get_executor(), std::move(options));
  EXPECT_TRUE(opened.has_error() && opened.error() == registry_errc::port_taken);
}

awaitable<void> accept_one(tcp::acceptor& acceptor, registry_server& registry,
                           registry_server::transport how = registry_server::transport::clear) {
  auto socket = co_await acceptor.async_accept(asio::use_awaitable);
  ws::accept_options options{.origins = ws::origin_policy::everybody()};
  auto [failed, accepted] = co_await ws::async_accept(std::move(socket), std::move(options), as_result);
  EXPECT_FALSE(failed);
  registry.attach(std::move(accepted.socket), "192.0.2.7", how);
}

awaitable<void> attach_and_stop(tcp::acceptor& acceptor, registry_server& registry) {
  asio::co_spawn(co_await asio::this_coro::executor, accept_one(acceptor, registry), asio::detached);
  auto client = co_await registry_client::registered(acceptor.local_endpoint(), asio::ip::address_v4::loopback(), 1);
  EXPECT_EQ(registry.counts().keys, 1U);
  EXPECT_EQ(registry.port(), 0U);
  // A second one of the same address, which is the one that was told.
  const auto executor = co_await asio::this_coro::executor;
  for (int i = 0; i < 3; ++i) {
    asio::co_spawn(executor, accept_one(acceptor, registry), asio::detached);
    auto next = co_await registry_client::open(acceptor.local_endpoint(), asio::ip::address_v4::loopback());
    co_await next.hear_a<challenge_frame>();
  }
  asio::co_spawn(executor, accept_one(acceptor, registry), asio::detached);
  auto refused = co_await registry_client::open(acceptor.local_endpoint(), asio::ip::address_v4::loopback());
  EXPECT_EQ((co_await refused.hear_a<error_frame>()).code, rendezvous_errc::rate_limited);
  asio::co_spawn(executor, accept_one(acceptor, registry, registry_server::transport::legacy), asio::detached);
  auto original = co_await registry_client::open(acceptor.local_endpoint(), asio::ip::address_v4::loopback());
  EXPECT_EQ((co_await original.hear_text()).value_or(""),
            R"({"type":"REGISTER_FAILURE","error":"too many registrations"})");

  bool stopped = false;
  registry.async_stop([&stopped](error_code) { stopped = true; });
  EXPECT_EQ((co_await client.hear_a<error_frame>()).code, rendezvous_errc::shutting_down);
  EXPECT_FALSE(co_await client.hear());
  EXPECT_EQ(client.close_code, 1001);
  client.abort();
  asio::steady_timer look{executor};
  while (!stopped) {
    look.expires_after(std::chrono::milliseconds{1});
    co_await look.async_wait(asio::use_awaitable);
  }
}

TEST(registry_server, serves_sockets_that_came_in_elsewhere_under_its_limits) {
  asio::io_context context;
  tcp::acceptor acceptor{context, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
  auto options = good_options();
  options.clocks = &still;
  auto registry = registry_server::open(context.get_executor(), std::move(options)).value();
  testing::run(context, attach_and_stop(acceptor, registry));
}

awaitable<void> be_refused(registry_server& registry) {
  const tcp::endpoint at{asio::ip::address_v4::loopback(), registry.port()};
  auto first = co_await registry_client::open(at, at.address());
  co_await first.hear_a<challenge_frame>();
  auto refused = co_await registry_client::open(at, at.address());
  EXPECT_EQ((co_await refused.hear_a<error_frame>()).code, rendezvous_errc::rate_limited);
  EXPECT_FALSE(co_await registry_client::open(at, at.address())) << "it is not closed yet";
  refused.abort();
  while (!co_await registry_client::open(at, at.address())) {
  }
  first.abort();
  const auto [failed] = co_await registry.async_stop(as_result);
  EXPECT_FALSE(failed);
}

TEST(registry_server, whom_it_refuses_holds_a_place_until_it_is_closed) {
  asio::io_context context;
  auto options = good_options();
  options.clocks = &still;
  options.limits.registration_burst = 1;
  auto& port = options.port.emplace();
  port.listen.port(0);
  port.max_handshakes_per_address = 1;
  auto registry = registry_server::open(context.get_executor(), std::move(options)).value();
  testing::run(context, be_refused(registry));
}

/// Connected from a loopback address, and silent.
awaitable<tcp::socket> arrive(tcp::endpoint to, unsigned number) {
  tcp::socket socket{co_await asio::this_coro::executor};
  socket.open(tcp::v4());
  socket.bind({loopback_number(number), 0});
  co_await socket.async_connect(to, asio::use_awaitable);
  co_return socket;
}

/// The first line of the answer to a request for the page; empty when there is none.
awaitable<std::string> ask(tcp::socket& socket) {
  const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  co_await asio::async_write(socket, asio::buffer(request), as_result);
  std::array<char, 4096> buffer;
  const auto [failed, bytes] = co_await socket.async_read_some(asio::buffer(buffer), as_result);
  const std::string_view answer{buffer.data(), failed ? 0 : bytes};
  co_return std::string{answer.substr(0, answer.find("\r\n"))};
}

awaitable<void> fill_the_entrance(registry_server& registry) {
  const tcp::endpoint at{asio::ip::address_v4::loopback(), registry.port()};
  auto first = co_await arrive(at, 1);
  auto second = co_await arrive(at, 1);
  auto third = co_await arrive(at, 1);
  EXPECT_EQ(co_await ask(third), "") << "one more of an address";
  auto other = co_await arrive(at, 2);
  auto beyond = co_await arrive(at, 3);
  EXPECT_EQ(co_await ask(beyond), "HTTP/1.1 503 Service Unavailable") << "one more of all";
  EXPECT_EQ(co_await ask(first), "HTTP/1.1 404 Not Found");
  EXPECT_EQ(co_await ask(other), "HTTP/1.1 404 Not Found");
}

TEST(registry_server, has_so_many_places_on_the_way_in_and_fewer_for_one_address) {
  asio::io_context context;
  auto options = good_options();
  auto& port = options.port.emplace();
  port.listen.port(0);
  port.trusted_proxies.clear();
  port.max_handshakes = 3;
  port.max_handshakes_per_address = 2;
  auto registry = registry_server::open(context.get_executor(), std::move(options)).value();
  testing::run(context, fill_the_entrance(registry));
}

/// A socket that never takes anything.
class deaf_link final : public registry_link {
 public:
  deaf_link(asio::any_io_executor strand, const registry_limits& limits)
      : registry_link(nullptr, socket_id{1}, std::move(strand), limits) {}

 protected:
  awaitable<void> read() override { co_return; }
  awaitable<bool> write(const std::string& /*text*/) override { co_return false; }
  awaitable<void> close(std::uint16_t /*close_code*/, const std::string& /*reason*/) override { co_return; }
  void abort() override {}
};

TEST(registry_queue, holds_its_bytes_and_not_one_more) {
  asio::io_context context;  // nobody runs it: what is queued stays
  const registry_limits limits;
  const auto link = std::make_shared<deaf_link>(context.get_executor(), limits);
  const auto half = limits.max_queue_bytes / 2;
  EXPECT_TRUE(link->send(std::string(half - 1, 'a')));
  EXPECT_TRUE(link->has_room());
  EXPECT_TRUE(link->send("a"));
  EXPECT_FALSE(link->has_room()) << "messages of the compatible mode go back from half of it on";
  EXPECT_TRUE(link->send(std::string(half, 'a')));
  EXPECT_FALSE(link->send("a")) << "the socket is dropped";
}

}  // namespace
}  // namespace flowersec::rendezvous
