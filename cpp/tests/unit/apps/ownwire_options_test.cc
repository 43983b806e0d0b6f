// What ownwire is told, before anything is opened.
#include "ownwire/options.h"

#include <gmock/gmock.h>

#include <map>
#include <sstream>

namespace flowersec::apps {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct reading {
  ownwire_command command;
  std::optional<int> code;
  std::string out;
  std::string err;
};

reading read(std::vector<std::string> arguments, const std::map<std::string, std::string>& environment = {}) {
  reading result;
  std::ostringstream out;
  std::ostringstream err;
  const auto lookup = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional{found->second};
  };
  result.code = read_command_line(describe_ownwire(result.command), {std::move(arguments), lookup, out, err});
  result.command.fill_blanks();
  result.out = out.str();
  result.err = err.str();
  return result;
}

std::string problem_of(std::vector<std::string> arguments) {
  const auto result = read(std::move(arguments));
  if (result.code) return "exit " + std::to_string(*result.code) + ": " + result.err;
  return usage_problem(result.command).value_or("none");
}

TEST(ownwire_options, have_the_stated_defaults) {
  const auto [command, code, out, err] = read({});
  EXPECT_EQ(code, std::nullopt);
  EXPECT_EQ(command.front.public_address(), "127.0.0.1:8080");
  EXPECT_EQ(command.internal_address, "127.0.0.1:8081");
  EXPECT_EQ(command.key_path(), "ownwire_identity.json");
  EXPECT_EQ(command.front.log_level, "info");
  EXPECT_EQ(command.max_sessions, 10'000);
  EXPECT_EQ(command.max_sessions_per_address, 200);
  EXPECT_EQ(usage_problem(command), std::nullopt);
}

TEST(ownwire_options, a_flag_beats_the_environment_which_beats_the_default) {
  const std::map<std::string, std::string> environment{{"OWNWIRE_PORT", "9000"},
                                                       {"OWNWIRE_INTERNAL_ADDR", "127.0.0.1:9001"}};
  EXPECT_EQ(read({}, environment).command.front.port, 9000);
  EXPECT_EQ(read({}, environment).command.internal_address, "127.0.0.1:9001");
  EXPECT_EQ(read({"--port=9100"}, environment).command.front.port, 9100);
  EXPECT_EQ(read({"--internal-addr", "127.0.0.1:9101"}, environment).command.internal_address, "127.0.0.1:9101");
  EXPECT_EQ(read({}, {{"OWNWIRE_PORT", " "}}).command.front.port, 8080);
}

TEST(ownwire_options, a_bad_environment_value_is_named) {
  const auto result = read({}, {{"OWNWIRE_PORT", "http"}});
  EXPECT_EQ(result.code, exit_usage);
  EXPECT_THAT(result.err, HasSubstr("invalid OWNWIRE_PORT: \"http\""));
}

TEST(ownwire_options, both_value_forms_and_the_short_form_are_taken) {
  EXPECT_EQ(read({"--custom-css=a.css"}).command.front.custom_css, "a.css");
  EXPECT_EQ(read({"--custom-css", "a.css"}).command.front.custom_css, "a.css");
  EXPECT_EQ(read({"--extract-assets=./public"}).command.front.extract_to, "./public");
  EXPECT_EQ(read({"--extract-assets", "./public"}).command.front.extract_to, "./public");
  EXPECT_EQ(read({"-a", "./public"}).command.front.extract_to, "./public");
  EXPECT_EQ(read({"-a=./public"}).command.front.extract_to, "./public");
  EXPECT_THAT(read({"--allow-origin", "a.example", "--allow-origin=b.example"}).command.front.allowed_origins,
              ElementsAre("a.example", "b.example"));
}

TEST(ownwire_options, a_blank_folder_for_the_assets_is_a_mistake) {
  for (const auto* blank : {"--extract-assets=", "--extract-assets= ", "-a="}) {
    const auto result = read({blank});
    const std::string word{blank};
    EXPECT_EQ(result.code, exit_usage) << word;
    EXPECT_THAT(result.err, HasSubstr(word.substr(0, word.find('=')))) << word;
    EXPECT_THAT(result.err, HasSubstr("not blank")) << word;
  }
  EXPECT_EQ(read({"--extract-assets", ""}).code, exit_usage);
}

TEST(ownwire_options, help_is_printed_on_stdout_with_every_stated_flag) {
  const auto result = read({"--help"});
  EXPECT_EQ(result.code, exit_ok);
  EXPECT_EQ(result.err, "");
  for (const auto* flag : {"--log-level",
                           "--log-format",
                           "--custom-css",
                           "-a",
                           "--extract-assets",
                           "--assets-url",
                           "--port",
                           "--bind",
                           "--internal-addr",
                           "--identity-key",
                           "--new-key",
                           "--print-key",
                           "--allow-origin",
                           "--allow-no-origin",
                           "--trusted-proxy",
                           "--internal-token-file",
                           "--internal-plaintext-ok",
                           "--internal-tls-cert",
                           "--internal-tls-key",
                           "--internal-psk-file",
                           "--max-sessions",
                           "--max-sessions-per-address",
                           "--behind",
                           "--behind-token-file",
                           "--metrics-listen",
                           "--check-config",
                           "--version"}) {
    EXPECT_THAT(result.out, testing::ContainsRegex("\n  " + std::string{flag} + "( |\n)")) << flag;
  }
  EXPECT_THAT(result.out, AllOf(HasSubstr("OWNWIRE_PORT"), HasSubstr("OWNWIRE_INTERNAL_ADDR"),
                                HasSubstr("(default 8080)"), HasSubstr("(default \"127.0.0.1\")")));
}

TEST(ownwire_options, a_usage_error_is_one_line_and_a_pointer_to_the_help) {
  const auto result = read({"--colour=red"});
  EXPECT_EQ(result.code, exit_usage);
  EXPECT_EQ(result.err, "flag provided but not defined: --colour\nSee ownwire --help.\n");
  EXPECT_EQ(read({"--port"}).err, "flag needs an argument: --port\nSee ownwire --help.\n");
  EXPECT_THAT(read({"--port=x"}).err, HasSubstr("invalid value \"x\" for flag --port: not a 64-bit integer"));
  EXPECT_EQ(read({"serve"}).code, exit_usage);
}

TEST(ownwire_options, numbers_are_bounded_at_their_edges) {
  for (const auto* good :
       {"--port=0", "--port=65535", "--max-sessions=1", "--max-sessions=1000000", "--max-sessions-per-address=1"}) {
    EXPECT_EQ(problem_of({good}), "none") << good;
  }
  for (const auto* bad : {"--port=-1", "--port=65536", "--max-sessions=0", "--max-sessions=1000001",
                          "--max-sessions-per-address=0", "--max-sessions-per-address=1000001"}) {
    const std::string flag{bad, std::string_view{bad}.find('=')};
    EXPECT_THAT(problem_of({bad}), HasSubstr(flag)) << bad;
  }
}

TEST(ownwire_options, log_levels_are_the_stated_words) {
  for (const auto* word : {"debug", "info", "warn", "error"}) {
    EXPECT_EQ(problem_of({std::string{"--log-level="} + word}), "none") << word;
  }
  EXPECT_THAT(problem_of({"--log-level=loud"}), HasSubstr("--log-level must be"));
  EXPECT_EQ(problem_of({"--log-format=json"}), "none");
  EXPECT_THAT(problem_of({"--log-format=xml"}), HasSubstr("--log-format must be"));
}

TEST(ownwire_options, the_address_of_the_public_port_is_an_ip_address) {
  EXPECT_EQ(read({"--bind=::"}).command.front.public_address(), "[::]:8080");
  EXPECT_EQ(read({"--bind=[::1]"}).command.front.public_address(), "[::1]:8080");
  for (const auto* good : {"--bind=0.0.0.0", "--bind=::", "--bind=[::1]", "--bind=localhost"}) {
    EXPECT_EQ(problem_of({good}), "none") << good;
  }
  for (const auto* bad : {"--bind=127.0.0.1:8080", "--bind=example.org", "--bind=1.2.3"}) {
    EXPECT_THAT(problem_of({bad}), HasSubstr("invalid --bind")) << bad;
  }
}

TEST(ownwire_options, an_assets_url_is_absolute_and_ends_with_a_slash) {
  EXPECT_EQ(read({"--assets-url=https://cdn.example/own"}).command.front.assets_url, "https://cdn.example/own/");
  EXPECT_EQ(read({"--assets-url=https://cdn.example/own/"}).command.front.assets_url, "https://cdn.example/own/");
  EXPECT_EQ(problem_of({"--assets-url=http://localhost:9000"}), "none");
  for (const auto* bad : {"--assets-url=/own/", "--assets-url=cdn.example", "--assets-url=ftp://cdn.example/",
                          "--assets-url=https://", "--assets-url=https://cdn.example/?a=b",
                          "--assets-url=https://cdn.example/#a", "--assets-url=https://cdn.example/\"onload="}) {
    EXPECT_THAT(problem_of({bad}), HasSubstr("invalid --assets-url")) << bad;
  }
}

TEST(ownwire_options, an_internal_port_beyond_this_machine_needs_a_token_and_tls) {
  EXPECT_EQ(problem_of({"--internal-addr=localhost:9"}), "none");
  EXPECT_EQ(problem_of({"--internal-addr=[::1]:9"}), "none");
  EXPECT_EQ(problem_of({"--internal-addr=127.8.9.1:9"}), "none");
  for (const auto* outside : {"0.0.0.0:8081", "[::]:8081", ":8081", "192.0.2.1:8081", "127.0.0.1.example:8081"}) {
    const auto flag = std::string{"--internal-addr="} + outside;
    EXPECT_THAT(problem_of({flag}), HasSubstr("give --internal-token-file")) << outside;
    EXPECT_THAT(problem_of({flag, "--internal-token-file=t"}), HasSubstr("--internal-plaintext-ok")) << outside;
    EXPECT_EQ(problem_of({flag, "--internal-token-file=t", "--internal-plaintext-ok"}), "none") << outside;
    EXPECT_EQ(problem_of({flag, "--internal-token-file=t", "--internal-tls-cert=c", "--internal-tls-key=k"}), "none");
    EXPECT_THAT(problem_of({flag, "--internal-tls-cert=c", "--internal-tls-key=k"}),
                HasSubstr("--internal-token-file"));
  }
  for (const auto* bad : {"8081", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:x", "::1:80"}) {
    EXPECT_THAT(problem_of({std::string{"--internal-addr="} + bad}), HasSubstr("invalid --internal-addr")) << bad;
  }
  EXPECT_THAT(problem_of({"--internal-tls-cert=c"}), HasSubstr("needs both"));
  EXPECT_THAT(problem_of({"--internal-tls-key=k"}), HasSubstr("needs both"));
}

TEST(ownwire_options, an_edge_is_dialled_with_tls_and_a_token) {
  EXPECT_EQ(problem_of({"--behind=wss://edge.example/backend", "--behind-token-file=t"}), "none");
  EXPECT_EQ(problem_of({"--behind=ws://127.0.0.1:9/backend", "--behind-token-file=t"}), "none");
  EXPECT_THAT(problem_of({"--behind=ws://edge.example/backend", "--behind-token-file=t"}), HasSubstr("use wss://"));
  EXPECT_THAT(problem_of({"--behind=https://edge.example/"}), HasSubstr("invalid --behind"));
  EXPECT_THAT(problem_of({"--behind=wss://edge.example/backend"}), HasSubstr("needs --behind-token-file"));
  EXPECT_THAT(problem_of({"--behind-token-file=t"}), HasSubstr("--behind, which is missing"));
}

TEST(ownwire_options, networks_of_proxies_are_checked) {
  for (const auto* good : {"192.0.2.1", "192.0.2.0/24", "10.0.0.0/0", "2001:db8::/32", "::1/128"}) {
    EXPECT_EQ(problem_of({"--trusted-proxy", good}), "none") << good;
  }
  for (const auto* bad : {"proxy.example", "192.0.2.0/33", "::1/129", "192.0.2.0/", "192.0.2/24"}) {
    EXPECT_THAT(problem_of({"--trusted-proxy", bad}), HasSubstr("invalid --trusted-proxy")) << bad;
  }
}

TEST(ownwire_options, an_origin_that_is_everybody_is_refused) {
  EXPECT_THAT(problem_of({"--allow-origin=*"}), HasSubstr("--allow-origin"));
  EXPECT_EQ(problem_of({"--allow-origin=*.example.org"}), "none");
}

TEST(ownwire_options, a_list_of_origins_in_one_flag_is_refused) {
  for (const auto* list : {"--allow-origin=https://a.example,https://b.example", "--allow-origin=a.example,"}) {
    EXPECT_THAT(problem_of({list}), AllOf(HasSubstr("--allow-origin"), HasSubstr("repeat the flag"))) << list;
  }
  EXPECT_EQ(problem_of({"--allow-origin=https://a.example", "--allow-origin=b.example"}), "none");
}

TEST(ownwire_options, flags_of_the_public_port_are_refused_where_an_edge_has_it) {
  const std::vector<std::string> behind{"--behind=wss://edge.example/backend", "--behind-token-file=t"};
  const auto with = [&](const std::string& flag) {
    auto words = behind;
    words.push_back(flag);
    return problem_of(std::move(words));
  };
  // With its default as well: whoever gives it expects something of it.
  for (const std::string flag : {"--port=8080", "--bind=0.0.0.0", "--allow-origin=a.example", "--allow-no-origin",
                                 "--trusted-proxy=::1", "--custom-css=a.css", "--assets-url=https://cdn.example/"}) {
    EXPECT_THAT(with(flag), AllOf(HasSubstr(flag.substr(0, flag.find('='))), HasSubstr("no effect with --behind")));
    EXPECT_EQ(problem_of({flag}), "none") << flag;
  }
  for (const auto* flag : {"--internal-addr=127.0.0.1:9", "--identity-key=k", "--max-sessions=9", "--log-level=warn",
                           "--metrics-listen=127.0.0.1:9", "--internal-psk-file=p"}) {
    EXPECT_EQ(with(flag), "none") << flag;
  }
  auto variable = read(behind, {{"OWNWIRE_PORT", "9000"}});
  EXPECT_EQ(usage_problem(variable.command), std::nullopt) << "set for every program of a unit";
  auto extracting = behind;
  extracting.insert(extracting.end(), {"--extract-assets=public", "--custom-css=a.css"});
  EXPECT_EQ(problem_of(extracting), "none") << "they shape what is written";
}

TEST(ownwire_options, a_key_is_made_by_a_command_that_only_shows_it_when_somebody_asked) {
  EXPECT_FALSE(read({"--print-key"}).command.may_make_key());
  EXPECT_TRUE(read({"--print-key", "--new-key"}).command.may_make_key());
  EXPECT_TRUE(read({"--print-key", "--identity-key=k.json"}).command.may_make_key());
}

}  // namespace
}  // namespace flowersec::apps
