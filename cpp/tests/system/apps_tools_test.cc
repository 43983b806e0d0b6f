// The three issuing tools as real processes: files, modes, exit codes, messages.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "flowersec/base/json.h"
#include "support/process.h"

namespace flowersec::testing_support {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

mode_t mode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

boost::json::object json(const std::string& text) {
  const auto parsed = parse_json_object(text, 1 << 20);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(boost::json::object{});
}

process_result keygen(const temporary_folder& folder, process::words more = {}) {
  more.insert(more.end(), {"--out-dir", folder.path()});
  return run_program("flowersec-issuer-keygen", std::move(more));
}

struct issuer {
  temporary_folder folder;
  std::string private_key = folder.file("issuer_key.json");
  issuer() { EXPECT_EQ(keygen(folder).exit_code, 0); }
  [[nodiscard]] process::words channel_arguments(process::words more = {}) const {
    more.insert(more.end(), {"--issuer-private-key-file", private_key, "--tunnel-url", "ws://127.0.0.1:9/ws", "--aud",
                             "my-aud", "--iss", "my-iss"});
    return more;
  }
};

TEST(keygen, writes_both_files_and_one_json_line) {
  const temporary_folder folder;
  const auto result = keygen(folder, {"--kid", " key-7 "});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, StartsWith(R"({"version":"dev","commit":"unknown","date":"unknown","kid":"key-7",)"));
  EXPECT_THAT(result.out, HasSubstr("\"private_key_file\":\"" + folder.file("issuer_key.json") + '"'));
  EXPECT_THAT(result.out, EndsWith("\"issuer_keys_file\":\"" + folder.file("issuer_keys.json") + "\"}\n"));
  EXPECT_EQ(mode_of(folder.file("issuer_key.json")), 0600u);
  EXPECT_EQ(mode_of(folder.file("issuer_keys.json")), 0644u);
  const auto keys = read_whole_file(folder.file("issuer_keys.json"));
  EXPECT_THAT(keys, StartsWith("{\n  \"keys\": [\n    {\n      \"kid\": \"key-7\",\n      \"pubkey_b64u\": \""));
  EXPECT_THAT(keys, EndsWith("\"\n    }\n  ]\n}")) << "no newline at the end";
}

TEST(keygen, makes_missing_folders_private_and_leaves_existing_ones_alone) {
  const temporary_folder folder;
  ::chmod(folder.path().c_str(), 0755);
  EXPECT_EQ(run_program("flowersec-issuer-keygen", {"--out-dir", folder.file("a/b")}).exit_code, 0);
  EXPECT_EQ(mode_of(folder.path()), 0755u);
  EXPECT_EQ(mode_of(folder.file("a")), 0700u);
  EXPECT_EQ(mode_of(folder.file("a/b")), 0700u);
}

TEST(keygen, uses_the_working_directory_without_touching_its_mode) {
  const temporary_folder folder;
  ::chmod(folder.path().c_str(), 0750);
  EXPECT_EQ(run_program("flowersec-issuer-keygen", {}, {}, folder.path()).exit_code, 0);
  EXPECT_EQ(mode_of(folder.path()), 0750u);
  EXPECT_EQ(mode_of(folder.file("issuer_key.json")), 0600u);
}

TEST(keygen, refuses_to_overwrite_before_writing_anything) {
  const temporary_folder folder;
  write_whole_file(folder.file("issuer_keys.json"), "mine");
  const auto result = keygen(folder);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("refusing to overwrite existing file:"));
  EXPECT_THAT(result.err, HasSubstr("--overwrite"));
  EXPECT_THAT(result.err, Not(HasSubstr("Usage:")));
  EXPECT_FALSE(std::filesystem::exists(folder.file("issuer_key.json")));
  EXPECT_EQ(read_whole_file(folder.file("issuer_keys.json")), "mine");
}

TEST(keygen, overwriting_corrects_a_mode_that_is_too_open) {
  const temporary_folder folder;
  write_whole_file(folder.file("issuer_key.json"), "old");
  ::chmod(folder.file("issuer_key.json").c_str(), 0666);
  EXPECT_EQ(keygen(folder, {"--overwrite"}).exit_code, 0);
  EXPECT_EQ(mode_of(folder.file("issuer_key.json")), 0600u);
}

TEST(keygen, does_not_make_the_parents_of_named_files) {
  const temporary_folder folder;
  const auto result = keygen(folder, {"--private-key-file", folder.file("no/such/key.json")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("no/such/key.json"));
}

TEST(keygen, blank_kid_and_equal_files_are_usage_errors) {
  const temporary_folder folder;
  const auto blank = keygen(folder, {"--kid", " "});
  EXPECT_EQ(blank.exit_code, 2);
  EXPECT_THAT(blank.err, StartsWith("missing --kid\nUsage:"));
  EXPECT_EQ(keygen(folder, {"--private-key-file", "x", "--issuer-keys-file", "./x"}).exit_code, 2);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(keygen, takes_names_from_the_environment_and_flags_win) {
  const temporary_folder folder;
  const process::environment variables{{"FSEC_ISSUER_KID", "env-kid"},
                                       {"FSEC_ISSUER_OUT_DIR", folder.path()},
                                       {"FSEC_TUNNEL_ISSUER_KEYS_FILE", "tunnel.json"}};
  const auto result = run_program("flowersec-issuer-keygen", {"--kid=flag-kid", "--pretty"}, variables);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("\n  \"kid\": \"flag-kid\",\n"));
  EXPECT_NE(mode_of(folder.file("tunnel.json")), 0u);
}

TEST(channelinit, prints_both_grants) {
  const issuer keys;
  const auto result = run_program("flowersec-channelinit", keys.channel_arguments({"--channel-id", " room "}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto object = json(result.out);
  const auto& client = object.at("grant_client").as_object();
  const auto& server = object.at("grant_server").as_object();
  EXPECT_EQ(client.at("channel_id"), "room");
  EXPECT_EQ(client.at("role"), 1);
  EXPECT_EQ(server.at("role"), 2);
  EXPECT_EQ(client.at("e2ee_psk_b64u"), server.at("e2ee_psk_b64u"));
  EXPECT_NE(client.at("token"), server.at("token"));
  EXPECT_EQ(client.at("idle_timeout_seconds"), 60);
}

TEST(channelinit, writes_private_files_and_keeps_stdout_empty) {
  const issuer keys;
  const auto out = keys.folder.file("out.json");
  const auto result = run_program("flowersec-channelinit", keys.channel_arguments({"--out", out}));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(mode_of(out), 0600u);
  EXPECT_THAT(read_whole_file(out), Not(EndsWith("\n")));
}

TEST(channelinit, artifact_form_splits_the_two_roles) {
  const issuer keys;
  const auto server_out = keys.folder.file("server.json");
  const auto result = run_program("flowersec-channelinit",
                                  keys.channel_arguments({"--format", " Artifact ", "--server-grant-out", server_out}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith(R"({"v":1,"transport":"tunnel","tunnel_grant":{"tunnel_url":)"));
  EXPECT_EQ(json(read_whole_file(server_out)).at("role"), 2);
  EXPECT_EQ(mode_of(server_out), 0600u);
}

TEST(channelinit, checks_every_output_before_it_produces_anything) {
  const issuer keys;
  const auto server_out = keys.folder.file("server.json");
  write_whole_file(server_out, "mine");
  const auto refused = run_program("flowersec-channelinit",
                                   keys.channel_arguments({"--format=artifact", "--server-grant-out", server_out}));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, StartsWith("refusing to overwrite existing file: " + server_out));
  const auto same = keys.folder.file("both.json");
  const auto equal =
      run_program("flowersec-channelinit",
                  keys.channel_arguments({"--format=artifact", "--out", same, "--server-grant-out", same}));
  EXPECT_EQ(equal.exit_code, 2);
  EXPECT_THAT(equal.err, HasSubstr("Usage:"));
  EXPECT_FALSE(std::filesystem::exists(same));
}

struct channelinit_row {
  process::words arguments;
  int exit_code;
  std::string message;
};

TEST(channelinit, refusals_name_the_problem) {
  const issuer keys;
  const auto unreadable = keys.folder.file("nothing.json");
  const auto garbage = keys.folder.file("garbage.json");
  write_whole_file(garbage, R"({"kid":"k","privkey_b64u":"x"})");
  const std::vector<channelinit_row> rows{
      {{}, 2, "missing --issuer-private-key-file, --tunnel-url, --aud, or --iss"},
      {keys.channel_arguments({"--format", "xml"}), 2, "invalid --format: xml"},
      {keys.channel_arguments({"--token-exp-seconds", "-1"}), 2, "--token-exp-seconds must be >= 0"},
      {keys.channel_arguments({"--idle-timeout-seconds=-1"}), 2, "--idle-timeout-seconds must be >= 0"},
      {keys.channel_arguments({"--idle-timeout-seconds=2147483648"}), 2,
       "--idle-timeout-seconds must be <= 2147483647"},
      {keys.channel_arguments({"--channel-id", std::string(257, 'c')}), 1, "cannot mint the grants"},
      {{"--issuer-private-key-file", unreadable, "--tunnel-url=u", "--aud=a", "--iss=i"}, 1, unreadable},
      {{"--issuer-private-key-file", garbage, "--tunnel-url=u", "--aud=a", "--iss=i"}, 1, garbage},
  };
  for (const auto& row : rows) {
    const auto result = run_program("flowersec-channelinit", row.arguments);
    EXPECT_EQ(result.exit_code, row.exit_code) << row.message;
    EXPECT_THAT(result.err, HasSubstr(row.message));
    EXPECT_EQ(result.out, "") << row.message;
    EXPECT_EQ(result.err.find("Usage:") != std::string::npos, row.exit_code == 2) << row.message;
  }
}

TEST(channelinit, takes_the_longest_channel_id_and_a_huge_lifetime) {
  const issuer keys;
  const auto result = run_program(
      "flowersec-channelinit",
      keys.channel_arguments({"--channel-id", std::string(256, 'c'), "--token-exp-seconds", "9223372036854775807"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST(channelinit, bad_environment_numbers_win_over_help) {
  const auto result = run_program("flowersec-channelinit", {"--help"}, {{"FSEC_CHANNELINIT_TOKEN_EXP_SECONDS", "1m"}});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, StartsWith("invalid FSEC_CHANNELINIT_TOKEN_EXP_SECONDS: "));
}

TEST(directinit, prints_a_flat_object_with_the_given_values) {
  const std::string psk(43, 'A');
  const auto result = run_program("flowersec-directinit", {"--ws-url", "ws://x/", "--channel-id", std::string(300, 'd'),
                                                           "--psk-b64u", psk, "--suite", " P-256 "});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto object = json(result.out);
  EXPECT_EQ(object.at("ws_url"), "ws://x/");
  EXPECT_EQ(object.at("channel_id").as_string().size(), 300u);
  EXPECT_EQ(object.at("e2ee_psk_b64u").as_string(), boost::json::string_view(psk));
  EXPECT_EQ(object.at("default_suite"), 2);
  EXPECT_EQ(object.begin()->key(), "version");
}

TEST(directinit, artifact_form_has_no_version_keys) {
  const auto result = run_program("flowersec-directinit", {"--ws-url=ws://x/", "--format=ARTIFACT"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, StartsWith(R"({"v":1,"transport":"direct","direct_info":{"ws_url":"ws://x/",)"));
  EXPECT_THAT(result.out, Not(HasSubstr("version")));
}

TEST(directinit, refusals_name_the_problem) {
  const std::vector<std::pair<process::words, std::string>> rows{
      {{}, "missing --ws-url"},
      {{"--ws-url=u", "--psk-b64u", std::string(42, 'A')}, "invalid --psk-b64u"},
      {{"--ws-url=u", "--psk-b64u", std::string(43, '*')}, "invalid --psk-b64u"},
      {{"--ws-url=u", "--suite=3"}, "invalid --suite"},
      {{"--ws-url=u", "--init-exp-seconds=0"}, "--init-exp-seconds must be > 0"},
      {{"--ws-url=u", "--init-exp-seconds=9223372036854775807"}, "--init-exp-seconds is too large"},
      {{"--ws-url=u", "--format=flat"}, "invalid --format"},
  };
  for (const auto& [arguments, message] : rows) {
    const auto result = run_program("flowersec-directinit", arguments);
    EXPECT_EQ(result.exit_code, 2) << message;
    EXPECT_THAT(result.err, StartsWith(message));
    EXPECT_THAT(result.err, HasSubstr("Usage:"));
    EXPECT_EQ(result.out, "");
  }
}

TEST(every_tool, answers_help_on_stderr_and_version_on_stdout) {
  for (const auto* name : {"flowersec-issuer-keygen", "flowersec-channelinit", "flowersec-directinit"}) {
    const auto help = run_program(name, {"--help"});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_EQ(help.out, "");
    for (const auto* block : {"Usage:\n", "Examples:\n", "Output:\n", "Exit codes:\n", "Env defaults:\n", "Flags:\n"}) {
      EXPECT_THAT(help.err, HasSubstr(block)) << name;
    }
    const auto version = run_program(name, {"-version"});
    EXPECT_EQ(version.exit_code, 0);
    EXPECT_EQ(version.out, "dev\n");
    EXPECT_EQ(run_program(name, {"--nonsense"}).exit_code, 2);
  }
}

TEST(reference_pages, are_those_of_the_programs) {
  const temporary_folder folder;
  ASSERT_EQ(run_program("flowersec-reference", {folder.path()}).exit_code, 0);
  const std::filesystem::path kept{FLOWERSEC_SOURCE_DIR "/docs/reference"};
  std::size_t pages = 0;
  for (const auto& page : std::filesystem::directory_iterator{folder.path()}) {
    ++pages;
    EXPECT_EQ(read_whole_file(page.path()), read_whole_file(kept / page.path().filename()))
        << page.path().filename() << " is out of date: run make docs";
  }
  EXPECT_EQ(pages, 26u);
}

}  // namespace
}  // namespace flowersec::testing_support
