// Whole runs with real processes: key files, tunnel, grants, and the conformance peer at both ends.
#include <gmock/gmock.h>
#include <signal.h>

#include <thread>

#include "flowersec/base/json.h"
#include "support/process.h"

namespace flowersec::testing_support {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* peer = "flowersec-peer";

boost::json::object json(const std::string& line) {
  const auto parsed = parse_json_object(line, 1 << 20);
  EXPECT_TRUE(parsed) << line;
  return parsed.value_or(boost::json::object{});
}

process::words joined(process::words first, process::words more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

/// An issuer and a tunnel that trusts it.
class deployment : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(run_program("flowersec-issuer-keygen", {"--out-dir", folder_.path()}).exit_code, 0);
    tunnel_.emplace("flowersec-tunnel",
                    process::words{"--issuer-keys-file", folder_.file("issuer_keys.json"), "--aud", "my-aud"});
    listen_ = json(tunnel_->read_line().value_or("")).at("listen").as_string().c_str();
  }

  /// Mints a channel; returns the file with both grants.
  std::string mint(const std::string& name, process::words more = {}) {
    const auto file = folder_.file(name);
    const auto result = run_program(
        "flowersec-channelinit", joined({"--issuer-private-key-file", folder_.file("issuer_key.json"), "--tunnel-url",
                                         "ws://" + listen_ + "/ws", "--aud", "my-aud", "--iss", "any", "--out", file},
                                        std::move(more)));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return file;
  }

  static process::words dial(const std::string& grant) {
    return {"--grant", grant, "--origin", "http://127.0.0.1", "--insecure-loopback"};
  }

  temporary_folder folder_;
  std::optional<process> tunnel_;
  std::string listen_;
};

TEST_F(deployment, the_main_job_holds_through_a_tunnel) {
  const auto grant = mint("channel.json");
  process server{peer, joined({"serve"}, dial(grant))};
  const auto client = run_program(peer, joined({"client", "--mib", "3", "--streams", "3"}, dial(grant)));
  EXPECT_EQ(client.exit_code, 0) << client.out << client.err;
  const auto report = json(client.out);
  EXPECT_EQ(report.at("ok"), true);
  EXPECT_EQ(report.at("path"), "tunnel");
  for (const auto* name : {"connect", "call", "notification", "payloads", "errors", "concurrent_calls",
                           "echo_and_rekey", "upload", "download", "probe", "unknown_kind", "call_afterwards"}) {
    EXPECT_EQ(report.at("checks").at(name), "ok") << name;
  }
  const auto served = server.wait();
  EXPECT_EQ(served.exit_code, 0) << served.out << served.err;
  const auto figures = json(served.out);
  EXPECT_EQ(figures.at("ok"), true);
  EXPECT_EQ(figures.at("failed_streams"), 0);
  EXPECT_GT(figures.at("bytes_in").to_number<std::uint64_t>(), 3u << 20);
}

TEST_F(deployment, artifact_files_work_too) {
  const auto server_grant = folder_.file("server.json");
  const auto artifact = mint("client.json", {"--format=artifact", "--server-grant-out", server_grant});
  process server{peer, joined({"serve"}, dial(server_grant))};
  const auto client = run_program(peer, joined({"client", "--say", "hello there"}, dial(artifact)));
  EXPECT_EQ(client.exit_code, 0) << client.out;
  EXPECT_EQ(server.wait().exit_code, 0);
}

TEST_F(deployment, a_token_opens_the_door_once) {
  const auto grant = mint("channel.json");
  process server{peer, joined({"serve"}, dial(grant))};
  ASSERT_EQ(run_program(peer, joined({"client", "--say", "first"}, dial(grant))).exit_code, 0);
  const auto again = run_program(peer, joined({"client", "--say", "second"}, dial(grant)));
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.out, HasSubstr("tunnel: attach/token_replay"));
}

TEST_F(deployment, a_grant_of_another_issuer_is_refused) {
  const temporary_folder other;
  ASSERT_EQ(run_program("flowersec-issuer-keygen", {"--out-dir", other.path()}).exit_code, 0);
  const auto grant = mint("channel.json", {"--issuer-private-key-file", other.file("issuer_key.json")});
  const auto client = run_program(peer, joined({"client"}, dial(grant)));
  EXPECT_EQ(client.exit_code, 1);
  EXPECT_THAT(client.out, HasSubstr("tunnel: attach/invalid_token"));
}

TEST_F(deployment, a_foreign_origin_is_refused) {
  const auto grant = mint("channel.json");
  const auto client =
      run_program(peer, {"client", "--grant", grant, "--origin", "https://elsewhere.example", "--insecure-loopback"});
  EXPECT_EQ(client.exit_code, 1);
  EXPECT_THAT(client.out, HasSubstr("tunnel: connect/dial_failed"));
}

TEST_F(deployment, plaintext_needs_a_word) {
  const auto grant = mint("channel.json");
  const auto client = run_program(peer, {"client", "--grant", grant, "--origin", "http://127.0.0.1"});
  EXPECT_EQ(client.exit_code, 1);
  EXPECT_THAT(client.out, HasSubstr("validate/transport_policy_denied"));
}

TEST_F(deployment, a_server_waits_as_long_as_it_is_told) {
  const auto grant = mint("channel.json");
  const auto server = run_program(peer, joined({"serve", "--wait", "200ms"}, dial(grant)));
  EXPECT_EQ(server.exit_code, 1);
  EXPECT_THAT(server.err, HasSubstr("handshake/timeout"));
}

TEST_F(deployment, a_signal_ends_a_waiting_server_cleanly) {
  const auto grant = mint("channel.json");
  process server{peer, joined({"serve"}, dial(grant))};
  tunnel_->send_signal(SIGUSR1);
  ASSERT_TRUE(tunnel_->wait_for_err("metrics enabled"));
  while (http_get(listen_, "/metrics").find("flowersec_tunnel_channels 1") == std::string::npos) {
    ASSERT_FALSE(server.wait_for_err("\n", std::chrono::milliseconds{20})) << server.err_so_far();
  }
  server.send_signal(SIGTERM);
  EXPECT_EQ(server.wait().exit_code, 0);
}

TEST_F(deployment, the_tunnel_sees_no_byte_of_the_message) {
  const auto grant = mint("channel.json");
  const auto seen = folder_.file("seen.txt");
  process tap{"flowersec-wiretap", {"--to", listen_, "--out", seen}};
  const auto tapped = json(tap.read_line().value_or("")).at("listen");
  process server{peer, joined({"serve"}, dial(grant))};
  const auto url = "ws://" + std::string{tapped.as_string()} + "/ws";
  const auto client = run_program(peer, joined({"client", "--say", "attack at dawn", "--url", url}, dial(grant)));
  EXPECT_EQ(client.exit_code, 0) << client.out;
  tap.send_signal(SIGTERM);
  EXPECT_EQ(tap.wait().exit_code, 0);
  const auto record = read_whole_file(seen);
  EXPECT_THAT(record, HasSubstr("client text ")) << "the attach";
  EXPECT_THAT(record, HasSubstr("client binary ")) << "records";
  EXPECT_THAT(record, HasSubstr("46534543")) << "FSEC";
  EXPECT_THAT(record, Not(HasSubstr("61747461636b"))) << "attack";
}

/// A tunnel, a control plane that it trusts, and the credential of an endpoint there.
class with_control_plane : public testing::Test {
 protected:
  void SetUp() override {
    write_whole_file(bearer_file_, "a-bearer-key-of-the-tests\n");
    ASSERT_EQ(run_program(plane, {"init", "--state", state_}).exit_code, 0);
    tunnel_.emplace("flowersec-tunnel",
                    process::words{"--issuer-keys-file", folder_.file("issuer_keys.json"), "--aud", "my-aud"});
    const auto url = json(tunnel_->read_line().value_or("")).at("ws_url");
    plane_.emplace(plane, process::words{"serve", "--state", state_, "--bearer-key-file", bearer_file_, "--tunnel-url",
                                         url.as_string().c_str(), "--aud", "my-aud", "--iss", "any"});
    const auto ready = json(plane_->read_line().value_or(""));
    listen_ = ready.at("listen").as_string();
    credential_ = folder_.file("laptop.json");
    const auto added =
        run_program(plane, {"add-endpoint", "--state", state_, "--endpoint-id", "laptop", "--control-url",
                            ready.at("control_url").as_string().c_str(), "--out", credential_});
    ASSERT_EQ(added.exit_code, 0) << added.err;
  }

  [[nodiscard]] process::words serve(process::words more = {}) const {
    return joined({"serve", "--control", credential_, "--endpoint-id", "laptop", "--origin", "http://127.0.0.1",
                   "--insecure-loopback"},
                  std::move(more));
  }

  /// What the control plane answers to somebody who asks for the endpoint, in a file.
  [[nodiscard]] std::string ask() {
    const auto answer = http_post(listen_, "/v1/connect/artifact",
                                  "Authorization: Bearer a-bearer-key-of-the-tests\r\n"
                                  "Content-Type: application/json\r\n",
                                  R"({"endpoint_id":"laptop"})");
    const auto file = folder_.file("answer-" + std::to_string(++answers_) + ".json");
    write_whole_file(file, answer);
    return file;
  }
  [[nodiscard]] process_result meet(process::words more) {
    return run_program(peer, joined({"client", "--grant", ask(), "--origin", "http://127.0.0.1", "--insecure-loopback"},
                                    std::move(more)));
  }

  static constexpr const char* plane = "flowersec-controlplane";
  temporary_folder folder_;
  const std::string state_ = folder_.file("plane.db");
  const std::string bearer_file_ = folder_.file("bearer.key");
  std::string credential_;
  std::string listen_;
  std::optional<process> tunnel_;
  std::optional<process> plane_;
  int answers_ = 0;
};

constexpr auto registered_line = R"({"status":"registered","endpoint_id":"laptop"})";

TEST_F(with_control_plane, a_registered_server_meets_every_client_that_asks) {
  process server{peer, serve()};
  ASSERT_EQ(server.read_line(), registered_line);
  const auto first = meet({"--mib", "1"});
  EXPECT_EQ(first.exit_code, 0) << first.out << first.err;
  const auto figures = json(server.read_line().value_or(""));
  EXPECT_EQ(figures.at("ok"), true);
  EXPECT_GT(figures.at("bytes_in").to_number<std::uint64_t>(), 1u << 20);
  const auto second = meet({"--say", "hello"});
  EXPECT_EQ(second.exit_code, 0) << second.out << second.err;
  const auto own_figures = json(server.read_line().value_or(""));
  EXPECT_LT(own_figures.at("bytes_in").to_number<std::uint64_t>(), 1u << 10) << "each session has its own";
  server.send_signal(SIGTERM);
  EXPECT_EQ(server.wait().exit_code, 0);
}

TEST_F(with_control_plane, a_registered_server_ends_after_one_session_when_told) {
  process server{peer, serve({"--once"})};
  ASSERT_EQ(server.read_line(), registered_line);
  EXPECT_EQ(meet({"--say", "hello"}).exit_code, 0);
  const auto served = server.wait();
  EXPECT_EQ(served.exit_code, 0) << served.err;
  EXPECT_THAT(served.out, HasSubstr(R"("ok":true)"));
}

TEST_F(with_control_plane, a_registered_server_outlasts_refused_handshakes_and_tells_each) {
  process server{peer, serve()};
  ASSERT_EQ(server.read_line(), registered_line);
  ASSERT_EQ(run_program(plane, {"revoke-endpoint", "--state", state_, "--endpoint-id", "laptop"}).exit_code, 0);
  for (int each = 0; each < 2; ++each) {
    ASSERT_TRUE(server.wait_for_err("handshake_failed"));
    EXPECT_THAT(server.take_err(), HasSubstr("not registered: "));
  }
  server.send_signal(SIGTERM);
  EXPECT_EQ(server.wait().exit_code, 0);
}

TEST_F(with_control_plane, a_server_that_is_turned_away_says_why_and_ends) {
  auto words = serve();
  words[4] = "somebody-else";
  const auto server = run_program(peer, words);
  EXPECT_EQ(server.exit_code, 1);
  EXPECT_THAT(server.err, HasSubstr("the credential is not for this endpoint id, or was revoked"));
}

struct direct_row {
  std::string suite;
  bool artifact;
};

class direct_path : public testing::TestWithParam<direct_row> {};

TEST_P(direct_path, the_main_job_holds_without_a_tunnel) {
  const temporary_folder folder;
  const auto info = folder.file("info.json");
  ASSERT_EQ(run_program("flowersec-directinit", {"--ws-url", "ws://127.0.0.1:1/direct", "--suite", GetParam().suite,
                                                 "--out", info, GetParam().artifact ? "--format=artifact" : "--pretty"})
                .exit_code,
            0);
  process server{peer, {"serve", "--direct", "127.0.0.1:0", "--info", info, "--once"}};
  const auto url = std::string{json(server.read_line().value_or("")).at("url").as_string()};
  EXPECT_THAT(url, testing::EndsWith("/direct"));
  const auto client = run_program(peer, {"client", "--info", info, "--url", url, "--origin", "http://localhost",
                                         "--insecure-loopback", "--mib", "2"});
  EXPECT_EQ(client.exit_code, 0) << client.out << client.err;
  EXPECT_EQ(json(client.out).at("path"), "direct");
  EXPECT_EQ(server.wait().exit_code, 0);
}

INSTANTIATE_TEST_SUITE_P(suites, direct_path, testing::Values(direct_row{"x25519", false}, direct_row{"p256", true}));

TEST(direct_server, refuses_a_client_with_another_key_and_goes_on) {
  const temporary_folder folder;
  const auto mint = [&](const std::string& name) {
    EXPECT_EQ(run_program("flowersec-directinit",
                          {"--ws-url", "ws://127.0.0.1:1/", "--channel-id", "room", "--out", folder.file(name)})
                  .exit_code,
              0);
    return folder.file(name);
  };
  const auto right = mint("right.json");
  const auto wrong = mint("wrong.json");
  process server{peer, {"serve", "--direct", "127.0.0.1:0", "--info", right}};
  const auto url = std::string{json(server.read_line().value_or("")).at("url").as_string()};
  const process::words dial{"--url", url, "--origin", "http://localhost", "--insecure-loopback", "--say", "hi"};
  EXPECT_EQ(run_program(peer, joined({"client", "--info", wrong}, dial)).exit_code, 1);
  EXPECT_TRUE(server.wait_for_err("refused a client: direct: handshake/"));
  EXPECT_EQ(run_program(peer, joined({"client", "--info", right}, dial)).exit_code, 0);
  server.send_signal(SIGTERM);
  EXPECT_EQ(server.wait().exit_code, 0);
}

struct usage_row {
  process::words arguments;
  int exit_code;
  std::string message;
};

TEST(direct_server, a_signal_ends_it_although_a_client_is_busy_with_it) {
  temporary_folder folder;
  const auto info = folder.file("info.json");
  ASSERT_EQ(run_program("flowersec-directinit", {"--ws-url", "ws://127.0.0.1:1/ws", "--out", info}).exit_code, 0);
  process server{peer, {"serve", "--direct", "127.0.0.1:0", "--info", info}};
  const auto url = std::string{json(server.read_line().value_or("")).at("url").as_string()};
  const auto idle = server.open_descriptors();
  process client{
      peer,
      {"client", "--info", info, "--url", url, "--origin", "http://127.0.0.1", "--insecure-loopback", "--mib", "300"}};
  while (server.open_descriptors() == idle) std::this_thread::yield();
  server.send_signal(SIGTERM);
  const auto served = server.wait();
  EXPECT_EQ(served.exit_code, 0) << served.out << served.err;
  EXPECT_EQ(served.err, "");
  EXPECT_EQ(client.wait().exit_code, 1);
}

TEST_F(deployment, the_most_streams_that_a_client_may_use_work) {
  const auto grant = mint("channel.json");
  process server{peer, joined({"serve"}, dial(grant))};
  const auto client = run_program(peer, joined({"client", "--mib", "2", "--streams", "31"}, dial(grant)));
  EXPECT_EQ(client.exit_code, 0) << client.out << client.err;
  EXPECT_EQ(server.wait().exit_code, 0);
  const auto more = run_program(peer, joined({"client", "--streams", "32"}, dial(grant)));
  EXPECT_EQ(more.exit_code, 2);
  EXPECT_THAT(more.err, HasSubstr("--streams must be between 1 and 31"));
}

TEST(peer_program, refusals_name_what_is_wrong) {
  const temporary_folder folder;
  const auto garbage = folder.file("garbage.json");
  write_whole_file(garbage, R"({"grant_client":{"tunnel_url":5}})");
  const auto direct = folder.file("direct.json");
  ASSERT_EQ(run_program("flowersec-directinit", {"--ws-url=ws://127.0.0.1:1/", "--format=artifact", "--out", direct})
                .exit_code,
            0);
  const std::vector<usage_row> rows{
      {{}, 2, "missing command"},
      {{"dance"}, 2, "unknown command: dance"},
      {{"client"}, 2, "give one of --grant and --info"},
      {{"client", "--grant=a", "--info=b", "--origin=o"}, 2, "give one of --grant and --info"},
      {{"client", "--grant=a"}, 2, "missing --origin"},
      {{"client", "--grant=a", "--origin=o", "--streams=0"}, 2, "--streams must be between 1 and 31"},
      {{"client", "--grant=a", "--origin=o", "--record-bytes=12"}, 2, "--record-bytes must be between 13 and 65536"},
      {{"serve", "--direct=:0", "--info=a", "--record-bytes=65537"}, 2, "--record-bytes must be between 13 and 65536"},
      {{"client", "--grant=a", "--origin=o", "--mib=-1"}, 2, "--mib must be between"},
      {{"serve"}, 2, "missing --grant"},
      {{"serve", "--direct", "127.0.0.1:0"}, 2, "--direct needs --info"},
      {{"serve", "--control=c"}, 2, "--control needs --endpoint-id"},
      {{"serve", "--grant=g", "--endpoint-id=e"}, 2, "--endpoint-id needs --control"},
      {{"serve", "--control=c", "--grant=g"}, 2, "--control, --grant and --direct exclude each other"},
      {{"serve", "--control=c", "--direct=d"}, 2, "--control, --grant and --direct exclude each other"},
      {{"serve", "--control=c", "--info=i"}, 2, "the credential of an endpoint goes to --control"},
      {{"serve", "--control=c", "--endpoint-id=e"}, 2, "missing --origin"},
      {{"serve", "--control=c", "--endpoint-id=e", "--origin=o", "--wait=0s"}, 2, "--wait must be > 0"},
      {{"serve", "--control", garbage, "--endpoint-id=e", "--origin=o"}, 1, garbage},
      {{"serve", "--direct", "127.0.0.1:0", "--info=i", "--cert=c"}, 2, "tls requires both --cert and --key"},
      {{"client", "--grant", folder.file("none"), "--origin=o"}, 1, "cannot read " + folder.file("none")},
      {{"client", "--grant", garbage, "--origin=o"}, 1, "bad ChannelInitGrant.tunnel_url"},
      {{"client", "--grant", direct, "--origin=o"}, 1, "use --info"},
      {{"serve", "--grant", garbage, "--origin=o"}, 1, garbage},
      {{"serve", "--direct", "localhost:0", "--info", direct}, 1, "invalid --direct localhost:0"},
      {{"serve", "--direct", "0.0.0.0:0", "--info", direct}, 1, "missing --allow-origin"},
  };
  for (const auto& row : rows) {
    const auto result = run_program(peer, row.arguments);
    EXPECT_EQ(result.exit_code, row.exit_code) << row.message << '\n' << result.err;
    EXPECT_THAT(result.out + result.err, HasSubstr(row.message));
    if (row.exit_code != 1) continue;
    // As the help says: in the JSON line, or on stderr when there is none.
    EXPECT_THAT(result.out.empty() ? result.err : result.out, HasSubstr(row.message));
    EXPECT_EQ(result.out.empty(), row.arguments.front() == "serve") << row.message;
  }
}

TEST(peer_program, every_command_has_help_with_examples) {
  for (const process::words& arguments : {process::words{"--help"}, {"serve", "--help"}, {"client", "-h"}}) {
    const auto help = run_program(peer, arguments);
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_EQ(help.out, "");
    EXPECT_THAT(help.err, HasSubstr("Examples:\n"));
    EXPECT_THAT(help.err, HasSubstr("the reason is in the JSON line, or on stderr when there is none\n"));
  }
}

}  // namespace
}  // namespace flowersec::testing_support
