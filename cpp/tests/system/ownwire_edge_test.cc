// The blind front: ownwire-edge has the public port, ownwire --behind has the keys, the sessions and the internal port.
#include <sys/stat.h>

#include "flowersec/ownwire/behind.h"
#include "system/ownwire_user.h"
#include "system/ownwire_world.h"

namespace flowersec::testing {
namespace {

using ownwire::ack_frame;
using ownwire::behind_options;
using ownwire::chat_error;
using ownwire::error_frame;
using ownwire::hello_frame;
using ownwire::reply_frame;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using testing_support::http_get;
using testing_support::process;
using testing_support::run_program;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

class ownwire_edge : public ::testing::Test {
 protected:
  ownwire_edge() {
    write_token("a-token-that-both-sides-have");
    const auto printed = run_program("ownwire", {"--print-key", "--new-key"}, {}, folder.path()).out;
    key = printed.substr(0, printed.find(' '));
    edge.emplace("ownwire-edge",
                 process::words{"--port=0", "--server-key", key, "--backend-token-file", folder.file("token"),
                                "--metrics-listen=127.0.0.1:0"},
                 process::environment{}, folder.path());
    ready = read_ready_line(*edge);
  }

  void write_token(const std::string& token) {
    write_whole_file(folder.file("token"), token);
    ::chmod(folder.file("token").c_str(), 0600);
  }
  [[nodiscard]] std::string of_edge(std::string_view name) const { return std::string{ready.at(name).as_string()}; }
  void start_backend() {
    backend.emplace(folder.path(), ownwire_program::words{"--behind", of_edge("backend_url"), "--behind-token-file",
                                                          folder.file("token")});
  }
  void wait_for_backend() { ASSERT_TRUE(backend->process.wait_for_err("waiting at the edge")); }
  [[nodiscard]] std::string metrics() const {
    const auto url = of_edge("metrics_url");
    return http_get(url.substr(7, url.rfind('/') - 7), "/metrics");
  }
  /// The backend says that it waits at the first of them.
  void wait_for_all_sockets() const {
    const auto all = "\nownwire_edge_waiting_backends " + std::to_string(behind_options{}.waiting) + "\n";
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    auto seen = metrics();
    while (seen.find(all) == std::string::npos && std::chrono::steady_clock::now() < until) seen = metrics();
    ASSERT_THAT(seen, HasSubstr(all));
  }

  temporary_folder folder;
  std::string key;
  std::optional<process> edge;
  boost::json::object ready;
  std::optional<ownwire_program> backend;
};

TEST_F(ownwire_edge, joins_users_to_the_backend_that_has_the_key) {
  start_backend();
  wait_for_backend();
  EXPECT_EQ(backend->ready("listen"), "");
  EXPECT_EQ(backend->ready("behind"), of_edge("backend_url"));
  internal_client operator_side{backend->internal()};
  // More users than sockets wait at once: each one that is taken is replaced.
  std::vector<std::unique_ptr<chat_user>> users;
  for (int i = 0; i < 20; ++i) {
    users.push_back(std::make_unique<chat_user>(of_edge("ws_url"), key, hello_frame{.metadata = std::to_string(i)}));
    users.back()->say(1, "from " + std::to_string(i));
    const auto text = operator_side.next();
    EXPECT_EQ(text.content, "from " + std::to_string(i));
    EXPECT_EQ(users.back()->expect<ack_frame>().id, 1U);
    operator_side.reply(text.session_id, "to " + std::to_string(i));
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(users[static_cast<std::size_t>(i)]->expect<reply_frame>().content, "to " + std::to_string(i));
  }
  EXPECT_THAT(metrics(), AllOf(HasSubstr("\nownwire_edge_users 20\n"), HasSubstr("\nownwire_edge_joined_total 20\n"),
                               HasSubstr("ownwire_edge_build_info{")));
}

TEST_F(ownwire_edge, serves_the_pages_with_the_key_of_the_backend) {
  EXPECT_THAT(http_get(of_edge("listen"), "/js/ownwire.js"), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr(key)));
  EXPECT_THAT(http_get(of_edge("listen"), "/"), HasSubstr("Content-Security-Policy: "));
  EXPECT_THAT(http_get(of_edge("listen"), "/healthz"), StartsWith("HTTP/1.1 200 "));
  const auto extracted = run_program("ownwire-edge", {"--server-key", key, "-a", "public"}, {}, folder.path());
  EXPECT_EQ(extracted.exit_code, 0) << extracted.err;
  EXPECT_THAT(testing_support::read_whole_file(folder.file("public/ownwire_assets/js/ownwire.js")), HasSubstr(key));
}

TEST_F(ownwire_edge, without_a_backend_a_user_is_asked_to_try_again_later) {
  tunnel_client user{of_edge("listen"), {}};
  user.send_text("GET /ws HTTP/1.1\r\nHost: " + of_edge("listen") + "\r\n" +
                 upgrade_headers("Origin: http://" + of_edge("listen") + "\r\n") + "\r\n");
  EXPECT_THAT(user.read_http_head(), StartsWith("HTTP/1.1 101 "));
  const auto closed = user.frame();
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->op, op_close);
  EXPECT_EQ(to_buffer(byte_view{closed->payload}.first(2)), (byte_buffer{std::byte{0x03}, std::byte{0xf5}}));  // 1013
}

TEST_F(ownwire_edge, a_backend_shows_the_token_and_a_page_its_origin) {
  const auto upgrade = [&](const std::string& path, const std::string& headers) {
    return answer_head(of_edge("listen"), "GET " + path, upgrade_headers(headers));
  };
  EXPECT_THAT(upgrade("/backend", ""), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(upgrade("/backend", "Authorization: Bearer another-token-altogether\r\n"), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(upgrade("/backend", "Authorization: Bearer a-token-that-both-sides-have\r\n"),
              StartsWith("HTTP/1.1 101 "));
  EXPECT_THAT(upgrade("/ws", "Origin: https://evil.example\r\n"), StartsWith("HTTP/1.1 403 "));
  EXPECT_TRUE(edge->wait_for_err("--allow-origin"));
}

TEST_F(ownwire_edge, a_token_that_changes_on_both_sides_keeps_what_waits_and_lets_the_backend_back_in) {
  start_backend();
  wait_for_backend();
  // One that comes in while the token changes would tell of a backend that is back before it is.
  wait_for_all_sockets();
  write_token("the-token-of-the-next-month");
  edge->send_signal(SIGHUP);
  ASSERT_TRUE(edge->wait_for_err("reloaded backend token"));
  // This one's place at the edge cannot be filled with the old token.
  chat_user early{of_edge("ws_url"), key, hello_frame{}};
  ASSERT_TRUE(backend->process.wait_for_err("cannot reach the edge"));
  backend->process.take_err();
  backend->process.send_signal(SIGHUP);
  wait_for_backend();
  // More than waited before.
  std::vector<std::unique_ptr<chat_user>> users;
  for (int i = 0; i < 20; ++i) users.push_back(std::make_unique<chat_user>(of_edge("ws_url"), key, hello_frame{}));
}

TEST_F(ownwire_edge, a_reload_with_the_same_token_leaves_the_waiting_sockets) {
  start_backend();
  wait_for_backend();
  backend->process.take_err();
  backend->process.send_signal(SIGHUP);
  ASSERT_TRUE(backend->process.wait_for_err("reloaded token for the edge"));
  EXPECT_NO_THROW((chat_user{of_edge("ws_url"), key, hello_frame{}}));
  EXPECT_THAT(backend->process.take_err(), Not(HasSubstr("waiting at the edge"))) << "it never left";
}

TEST_F(ownwire_edge, a_stop_of_the_backend_tells_its_users_and_a_stop_of_the_edge_ends_it) {
  start_backend();
  wait_for_backend();
  chat_user user{of_edge("ws_url"), key, hello_frame{}};
  backend->process.send_signal(SIGTERM);
  EXPECT_EQ(user.expect<error_frame>().code, chat_error::shutting_down);
  EXPECT_EQ(backend->process.wait().exit_code, 0);
  edge->send_signal(SIGTERM);
  EXPECT_EQ(edge->wait().exit_code, 0);
}

TEST_F(ownwire_edge, a_stop_tells_users_who_have_said_nothing_yet) {
  start_backend();
  wait_for_backend();
  const auto arrive = [&] {
    tunnel_client user{of_edge("listen")};
    user.send_text("GET /ws HTTP/1.1\r\nHost: " + of_edge("listen") + "\r\n" +
                   upgrade_headers("Origin: http://" + of_edge("listen") + "\r\n") + "\r\n");
    EXPECT_THAT(user.read_http_head(), StartsWith("HTTP/1.1 101 "));
    return user;
  };
  auto joined = arrive();
  const auto url = of_edge("metrics_url");
  const auto has = [&](const std::string& line) {
    return http_get(url.substr(7, url.rfind('/') - 7), "/metrics").find(line) != std::string::npos;
  };
  while (!has("\nownwire_edge_joined_total 1\n")) {
  }
  // The backend's own stop is heard through the edge as well.
  backend->process.send_signal(SIGTERM);
  EXPECT_EQ(close_code(joined), 1001U);
  joined.close();
  EXPECT_EQ(backend->process.wait().exit_code, 0);
  start_backend();
  wait_for_backend();
  joined = arrive();
  while (!has("\nownwire_edge_joined_total 2\n")) {
  }
  edge->send_signal(SIGTERM);
  EXPECT_EQ(close_code(joined), 1001U);
  joined.close();
  EXPECT_EQ(edge->wait().exit_code, 0);
}

TEST_F(ownwire_edge, mistakes_end_with_2_and_failures_with_1) {
  EXPECT_EQ(run_program("ownwire-edge", {"--help"}).exit_code, 0);
  EXPECT_EQ(run_program("ownwire-edge", {}).exit_code, 2);
  EXPECT_EQ(run_program("ownwire-edge", {"--server-key=short", "--backend-token-file=t"}).exit_code, 2);
  const auto taken =
      run_program("ownwire-edge", {"--server-key", key, "--backend-token-file", folder.file("token"), "--port",
                                   of_edge("listen").substr(of_edge("listen").rfind(':') + 1)});
  EXPECT_EQ(taken.exit_code, 1);
  EXPECT_THAT(taken.err, HasSubstr("--port"));
  const auto checked =
      run_program("ownwire-edge", {"--server-key", key, "--backend-token-file", folder.file("none"), "--check-config"});
  EXPECT_EQ(checked.exit_code, 2);
  EXPECT_THAT(checked.err, HasSubstr("bad  --backend-token-file"));
}

}  // namespace
}  // namespace flowersec::testing
