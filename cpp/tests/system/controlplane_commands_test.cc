// The commands of flowersec-controlplane, and what its service refuses and says about itself.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>

#include "controlplane_world.h"
#include "support/standstill.h"

namespace flowersec::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(controlplane_commands, say_which_flag_is_wrong_and_what_would_be_right) {
  const auto said = [](process::words arguments) {
    const auto end = run_program("flowersec-controlplane", std::move(arguments));
    return std::to_string(end.exit_code) + ' ' + end.err.substr(0, end.err.find('\n'));
  };
  temporary_folder folder;
  const auto state = folder.file("plane.db");
  EXPECT_EQ(said({}), "2 missing command");
  EXPECT_EQ(said({"fly"}), "2 unknown command: fly");
  EXPECT_EQ(said({"init"}), "2 missing --state");
  EXPECT_EQ(said({"list-keys", "--state", state, "more"}),
            "2 unexpected argument: more (a flag is repeated for each of its values)");
  EXPECT_EQ(said({"init", "--state", state, "--kid", "k\n1"}), "2 invalid --kid: an id has no control characters");
  EXPECT_THAT(said({"list-keys", "--state", state}),
              HasSubstr("1 " + state + ": there is no such state file; flowersec-c"));
  ASSERT_EQ(run_program("flowersec-controlplane", {"init", "--state", state}).exit_code, 0);
  EXPECT_THAT(said({"init", "--state", state}), HasSubstr("2 refusing to overwrite"));
  EXPECT_THAT(said({"init", "--state", state, "--overwrite"}), HasSubstr("1 " + state + ": the file exists already"));
  EXPECT_EQ(said({"add-endpoint", "--state", state}), "2 missing --endpoint-id");
  EXPECT_THAT(said({"add-endpoint", "--state", state, "--endpoint-id", "x"}), HasSubstr("2 missing --control-url"));
  EXPECT_THAT(said({"add-endpoint", "--state", state, "--endpoint-id", "x", "--control-url", "http://x"}),
              HasSubstr("2 invalid --control-url"));
  EXPECT_THAT(said({"add-endpoint", "--state", state, "--endpoint-id", "x", "--control-url", "ws://h/other"}),
              HasSubstr("2 invalid --control-url: ws://h/other does not end with /control/ws"));
  EXPECT_THAT(said({"add-endpoint", "--state", state, "--endpoint-id", "x", "--control-url", "ws:// h/control/ws"}),
              HasSubstr("2 invalid --control-url: ws:// h/control/ws is not a URL"));
  EXPECT_THAT(said({"make-ticket", "--state", state, "--endpoint-id", "x"}),
              HasSubstr("1 x: there is no such endpoint"));
  EXPECT_THAT(said({"make-ticket", "--state", state, "--endpoint-id", "x", "--uses", "0"}), HasSubstr("2 --uses must"));
  EXPECT_THAT(said({"rotate-key", "--state", state, "--kid", "k2"}), HasSubstr("2 missing --tunnel-ready-url"));
  EXPECT_THAT(said({"rotate-key", "--state", state, "--kid", "k2", "--tunnel-ready-url", "http://x/readyz"}),
              HasSubstr("2 missing --aud"));
  EXPECT_THAT(
      said({"rotate-key", "--state", state, "--kid", "k2", "--tunnel-ready-url", "http://x/readyz", "--aud", "a"}),
      HasSubstr("2 missing --iss"));
  EXPECT_THAT(said({"rotate-key", "--state", state, "--kid", "k2", "--tunnel-ready-url", "ftp://x", "--aud", "a",
                    "--iss", "i"}),
              HasSubstr("2 invalid --tunnel-ready-url: ftp://x"));
  // No tunnel is asked for a key that there is not: the wait would be a minute.
  EXPECT_THAT(said({"rotate-key", "--state", state, "--kid", "nope", "--tunnel-ready-url", "http://127.0.0.1:1/readyz",
                    "--aud", "a", "--iss", "i", "--wait", "1m"}),
              HasSubstr("1 nope: there is no such key; publish-key makes one"));
  EXPECT_THAT(said({"retire-key", "--state", state, "--kid", "k1"}), HasSubstr("1 k1: the key signs; rotate-key"));
  EXPECT_THAT(said({"serve", "--state", state}), HasSubstr("2 missing --bearer-key-file"));
  const process::words serve{"serve", "--state", state, "--tunnel-url", "ws://x", "--aud", "a", "--iss", "i"};
  const auto with_key = [&](const std::string& key) {
    write_whole_file(folder.file("key"), key);
    auto arguments = serve;
    arguments.insert(arguments.end(), {"--bearer-key-file", folder.file("key")});
    return said(std::move(arguments));
  };
  for (const auto* flag : {"--listen", "--control-listen", "--metrics-listen"}) {
    write_whole_file(folder.file("key"), "long-enough-for-a-key");
    std::filesystem::permissions(folder.file("key"),
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    auto arguments = serve;
    arguments.insert(arguments.end(), {"--bearer-key-file", folder.file("key"), flag, "127.0.0.1:65536"});
    EXPECT_EQ(said(std::move(arguments)),
              "1 invalid " + std::string{flag} + " 127.0.0.1:65536: not host:port with a port of 0 to 65535");
  }
  EXPECT_THAT(with_key("too short"), HasSubstr("1 invalid --bearer-key-file"));
  EXPECT_THAT(with_key("two words that are long enough"), HasSubstr("one word of printable ASCII"));
  std::filesystem::permissions(state, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  EXPECT_THAT(said({"list-keys", "--state", state}), HasSubstr("chmod 600"));
}

TEST(controlplane_commands, init_keeps_a_keyset_file_that_is_there) {
  temporary_folder folder;
  const auto keyset = folder.file("issuer_keys.json");
  write_whole_file(keyset, "of somebody else");
  const process::words init{"init", "--state", folder.file("plane.db")};
  const auto refused = run_program("flowersec-controlplane", init);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr(keyset));
  EXPECT_EQ(read_whole_file(keyset), "of somebody else");
  EXPECT_FALSE(std::filesystem::exists(folder.file("plane.db"))) << "nothing was made";
  auto again = init;
  again.emplace_back("--overwrite");
  EXPECT_EQ(run_program("flowersec-controlplane", again).exit_code, 0);
  EXPECT_THAT(read_whole_file(keyset), HasSubstr("\"k1\""));
}

TEST(controlplane_commands, init_that_cannot_write_the_keyset_file_makes_no_state_file) {
  temporary_folder folder;
  const auto end = run_program("flowersec-controlplane", {"init", "--state", folder.file("plane.db"),
                                                          "--issuer-keys-file", folder.file("no/such/folder.json")});
  EXPECT_EQ(end.exit_code, 1);
  EXPECT_THAT(end.err, HasSubstr("no/such/folder.json"));
  EXPECT_THAT(end.err, HasSubstr("no state file was made"));
  for (const auto* part : {"plane.db", "plane.db-wal", "plane.db-shm"}) {
    EXPECT_FALSE(std::filesystem::exists(folder.file(part))) << part;
  }
  EXPECT_EQ(run_program("flowersec-controlplane", {"init", "--state", folder.file("plane.db")}).exit_code, 0);
}

TEST(controlplane_commands, nothing_is_written_in_place_of_the_state_file) {
  temporary_folder folder;
  const auto state = folder.file("plane.db");
  const auto said = [&](process::words arguments, process::environment variables = {}) {
    arguments.insert(arguments.begin() + 1, {"--state", state});
    const auto end = run_program("flowersec-controlplane", std::move(arguments), std::move(variables));
    return std::to_string(end.exit_code) + ' ' + end.err.substr(0, end.err.find('\n'));
  };
  EXPECT_THAT(said({"init", "--issuer-keys-file", state, "--overwrite"}), HasSubstr("2 invalid --issuer-keys-file"));
  EXPECT_FALSE(std::filesystem::exists(state));
  ASSERT_EQ(said({"init"}), "0 ");
  std::filesystem::create_symlink(state, folder.file("link"));
  const auto before = read_whole_file(state);
  const process::words serve{"serve", "--bearer-key-file", "no",      "--aud",    "a", "--iss",
                             "i",     "--tunnel-url",      "ws://h/", "--listen", "x"};
  for (const auto& name : {state, folder.file("./plane.db"), folder.file("link"), state + "-wal", state + "-shm"}) {
    const auto keyset = HasSubstr("2 invalid --issuer-keys-file: " + name + " is a part of --state");
    const auto out = HasSubstr("2 invalid --out: " + name + " is a part of --state");
    EXPECT_THAT(said(serve, {{"FSEC_ISSUER_KEYS_FILE", name}}), keyset);
    EXPECT_THAT(said({"publish-key", "--kid", "k2"}, {{"FSEC_ISSUER_KEYS_FILE", name}}), keyset);
    EXPECT_THAT(said({"rotate-key", "--kid", "k2", "--unchecked", "--issuer-keys-file", name}), keyset);
    EXPECT_THAT(said({"retire-key", "--kid", "k2", "--issuer-keys-file", name}), keyset);
    EXPECT_THAT(said({"export-key", "--out", name, "--overwrite"}), out);
    EXPECT_THAT(said({"add-endpoint", "--endpoint-id", "x", "--control-url", "ws://h/control/ws", "--out", name,
                      "--overwrite"}),
                out);
    EXPECT_THAT(said({"back-up", "--out", name}), out);
  }
  EXPECT_EQ(read_whole_file(state), before);
  EXPECT_EQ(said({"list-endpoints"}), "0 ");
}

TEST(controlplane_commands, retire_key_says_that_no_key_has_this_id_and_which_there_are) {
  temporary_folder folder;
  const auto state = folder.file("plane.db");
  ASSERT_EQ(run_program("flowersec-controlplane", {"init", "--state", state}).exit_code, 0);
  ASSERT_EQ(run_program("flowersec-controlplane", {"publish-key", "--state", state, "--kid", "k2"}).exit_code, 0);
  const auto end = run_program("flowersec-controlplane", {"retire-key", "--state", state, "--kid", "K1"});
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_THAT(end.out, HasSubstr(R"("state":"absent")"));
  EXPECT_EQ(end.err, "warning: no key has the id K1; there are: k1, k2\n");
}

TEST(controlplane_commands, each_step_of_a_rotation_may_be_repeated_and_writes_the_keyset_file_again) {
  temporary_folder folder;
  const auto keyset = folder.file("issuer_keys.json");
  const auto step = [&](process::words arguments) {
    arguments.insert(arguments.begin() + 1, {"--state", folder.file("plane.db")});
    const auto end = run_program("flowersec-controlplane", std::move(arguments));
    return std::to_string(end.exit_code) + ' ' + end.out + end.err;
  };
  ASSERT_THAT(step({"init"}), HasSubstr("0 "));
  const auto twice = [&](const process::words& arguments, const char* first, const char* second) {
    EXPECT_THAT(step(arguments), HasSubstr(first));
    const auto written = read_whole_file(keyset);
    std::filesystem::remove(keyset);
    EXPECT_THAT(step(arguments), HasSubstr(second));
    EXPECT_EQ(read_whole_file(keyset), written);
  };
  twice({"publish-key", "--kid", "k2"}, R"("state":"published")", R"("state":"published")");
  twice({"rotate-key", "--kid", "k2", "--unchecked"}, R"("state":"signing")", R"("state":"signing")");
  twice({"retire-key", "--kid", "k1", "--now"}, R"("state":"retired")", R"("state":"absent")");
  // A key that has signed is no new one.
  EXPECT_THAT(step({"publish-key", "--kid", "k2"}), HasSubstr("1 k2: the key id is in use; take another --kid"));
  ASSERT_THAT(step({"publish-key", "--kid", "k3"}), HasSubstr("0 "));
  ASSERT_THAT(step({"rotate-key", "--kid", "k3", "--unchecked"}), HasSubstr("0 "));
  EXPECT_THAT(step({"rotate-key", "--kid", "k2", "--unchecked"}), HasSubstr("1 k2: the key is not one that waits"));
}

TEST(controlplane_program, a_second_service_on_the_same_state_is_refused) {
  controlplane_world world;
  const auto second =
      run_program("flowersec-controlplane", {"serve", "--state", world.state, "--bearer-key-file", world.bearer_file,
                                             "--tunnel-url", world.tunnel_url, "--aud", "aud", "--iss", "iss"});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err,
              HasSubstr("cannot serve --state " + world.state + ": another flowersec-controlplane serve is using it"));
  // The first is as good as before, and leaves nothing behind even when it is killed.
  EXPECT_EQ(world.command({"list-keys"}).exit_code, 0);
  world.kill();
  world.start();
}

TEST(controlplane_program, says_at_the_start_what_can_be_read_on_the_way) {
  controlplane_world world;
  EXPECT_THAT(world.plane->take_err(), Not(HasSubstr("without TLS"))) << "loopback is nobody's way";
  world.kill();
  process open{
      "flowersec-controlplane",
      {"serve", "--state", world.state, "--bearer-key-file", world.bearer_file, "--tunnel-url", world.tunnel_url,
       "--aud", "aud", "--iss", "iss", "--listen", "0.0.0.0:0", "--control-listen", "0.0.0.0:0"}};
  static_cast<void>(ready_facts(open));
  EXPECT_TRUE(open.wait_for_err("warning: --listen listens beyond this machine without TLS"));
  EXPECT_TRUE(open.wait_for_err("warning: --control-listen listens beyond this machine without TLS"));
}

TEST(controlplane_program, a_crowd_that_never_completes_a_request_keeps_no_probe_out) {
  controlplane_world world{{"--max-conns", "8"}};
  asio::io_context context;
  const auto colon = world.listen_address().rfind(':');
  const asio::ip::tcp::endpoint where{asio::ip::make_address(world.listen_address().substr(0, colon)),
                                      static_cast<std::uint16_t>(std::stoi(world.listen_address().substr(colon + 1)))};
  std::vector<asio::ip::tcp::socket> crowd;
  const std::string slow_body = "POST /v1/connect/artifact HTTP/1.1\r\nContent-Length: 100\r\n\r\n{";
  for (const auto& said : {std::string{}, std::string{"P"}, slow_body}) {
    for (int i = 0; i < 4; ++i) {
      crowd.emplace_back(context).connect(where);
      asio::write(crowd.back(), asio::buffer(said));
    }
  }
  undisturbed_time taken;
  EXPECT_THAT(testing_support::http_get(world.listen_address(), "/healthz"), HasSubstr("200 OK"));
  EXPECT_LT(taken.elapsed(), std::chrono::seconds{2}) << "before any time-out";
}

TEST(controlplane_program, a_line_of_its_log_shows_256_bytes_of_a_strangers_text) {
  controlplane_world world;
  run(world.context, [&]() -> awaitable<void> {
    auto options = world.asking();
    options.headers = {{"Authorization", "Bearer somebody-elses"}};
    controlplane::artifact_request request{.endpoint_id = std::string(30'000, 'x')};
    const auto refused = co_await controlplane::async_request_artifact(world.context.get_executor(), std::move(options),
                                                                       std::move(request));
    EXPECT_TRUE(!refused && refused.error().status == 401);
  }());
  EXPECT_TRUE(world.plane->wait_for_err("endpoint=" + std::string(256, 'x') + "... "));
}

TEST(controlplane_commands, keys_and_state_can_be_taken_out) {
  temporary_folder folder;
  const auto state = folder.file("plane.db");
  const auto command = [&](process::words arguments) {
    arguments.insert(arguments.begin() + 1, {"--state", state});
    return run_program("flowersec-controlplane", std::move(arguments));
  };
  ASSERT_EQ(command({"init", "--kid", "first"}).exit_code, 0);
  ASSERT_EQ(command({"export-key", "--out", folder.file("key.json")}).exit_code, 0);
  EXPECT_EQ(command({"export-key", "--out", folder.file("key.json")}).exit_code, 2) << "never over another file";
  EXPECT_EQ(std::filesystem::status(folder.file("key.json")).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const auto minted = run_program("flowersec-channelinit", {"--issuer-private-key-file", folder.file("key.json"),
                                                            "--tunnel-url", "ws://x/ws", "--aud", "a", "--iss", "i"});
  EXPECT_EQ(minted.exit_code, 0) << minted.err;
  ASSERT_EQ(command({"back-up", "--out", folder.file("copy.db")}).exit_code, 0);
  const auto listed = run_program("flowersec-controlplane", {"list-keys", "--state", folder.file("copy.db")});
  EXPECT_THAT(listed.out, HasSubstr(R"({"kid":"first","state":"signing")"));
}

}  // namespace
}  // namespace flowersec::testing
