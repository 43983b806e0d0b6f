// What flowersec-registry is told, before anything is opened.
#include "registry/options.h"

#include <gmock/gmock.h>

#include <sstream>

namespace flowersec::apps {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using words = std::vector<std::string>;

struct reading {
  registry_command command;
  std::optional<int> code;
  std::string out;
  std::string err;
};

reading read(words arguments) {
  reading result;
  std::ostringstream out;
  std::ostringstream err;
  const auto nothing = [](const std::string&) { return std::nullopt; };
  result.code = read_command_line(describe_registry(result.command), {std::move(arguments), nothing, out, err});
  result.command.fill_blanks();
  result.out = out.str();
  result.err = err.str();
  return result;
}

/// With what is required in front of it.
words with(words more) {
  words all{"--issuer-keys=k.json", "--tunnel-url=wss://tunnel.example/ws", "--aud=a", "--iss=i"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// What ends the program, from either of the two steps; "none" when nothing does.
std::string problem_of(words arguments) {
  const auto result = read(std::move(arguments));
  return result.code ? result.err : usage_problem(result.command).value_or("none");
}

TEST(registry_options, have_the_stated_defaults) {
  const auto [command, code, out, err] = read(with({}));
  EXPECT_EQ(code, std::nullopt);
  EXPECT_EQ(usage_problem(command), std::nullopt);
  EXPECT_EQ(command.listen, "127.0.0.1:8090");
  EXPECT_EQ(command.key_file, "registry_key.json");
  EXPECT_EQ(command.suites, "1");
  EXPECT_EQ(command.max_keys, 100'000);
  EXPECT_EQ(command.registrations_per_second, 4);
  EXPECT_EQ(command.log_level, "info");
  EXPECT_EQ(command.log_format, "text");
  EXPECT_EQ(command.metrics_listen, "");
  EXPECT_FALSE(command.legacy || command.work || command.allow_no_origin);
  EXPECT_TRUE(command.allowed_origins.empty() && command.trusted_proxies.empty());
}

TEST(registry_options, blank_texts_take_their_defaults) {
  const auto command =
      read(with({"--listen=", "--key-file= ", "--suites=", "--log-level= ", "--log-format=", "--metrics-listen= "}))
          .command;
  EXPECT_EQ(usage_problem(command), std::nullopt);
  EXPECT_EQ(command.listen, "127.0.0.1:8090");
  EXPECT_EQ(command.key_file, "registry_key.json");
  EXPECT_EQ(command.suites, "1");
}

TEST(registry_options, each_takes_its_value) {
  const auto command = read({"--listen=[::]:9",
                             "--key-file",
                             "r.json",
                             "--issuer-keys=k",
                             "--tunnel-url",
                             "ws://127.0.0.1:9/ws",
                             "--aud=a",
                             "--iss=i",
                             "--suites=2,1",
                             "--tls-cert=c",
                             "--tls-key=d",
                             "--allow-origin=https://a.example",
                             "--allow-origin",
                             "*.b.example",
                             "--allow-no-origin",
                             "--trusted-proxy=192.0.2.1",
                             "--trusted-proxy=2001:db8::/32",
                             "--legacy",
                             "--pow",
                             "--max-keys=7",
                             "--registrations-per-second=8",
                             "--metrics-listen=:0",
                             "--log-level=debug",
                             "--log-format=json",
                             "--check-config"})
                           .command;
  EXPECT_EQ(usage_problem(command), std::nullopt);
  EXPECT_EQ(command.listen, "[::]:9");
  EXPECT_EQ(command.key_file, "r.json");
  EXPECT_EQ(command.issuer_keys, "k");
  EXPECT_EQ(command.tunnel_url, "ws://127.0.0.1:9/ws");
  EXPECT_EQ(command.audience, "a");
  EXPECT_EQ(command.issuer, "i");
  EXPECT_EQ(command.tls_cert, "c");
  EXPECT_EQ(command.tls_key, "d");
  EXPECT_THAT(command.allowed_origins, ElementsAre("https://a.example", "*.b.example"));
  EXPECT_THAT(command.trusted_proxies, ElementsAre("192.0.2.1", "2001:db8::/32"));
  EXPECT_TRUE(command.allow_no_origin && command.legacy && command.work && command.check_config);
  EXPECT_EQ(command.max_keys, 7);
  EXPECT_EQ(command.registrations_per_second, 8);
  EXPECT_EQ(command.metrics_listen, ":0");
  EXPECT_EQ(command.log_format, "json");
}

TEST(registry_options, what_is_required_is_asked_for_by_name) {
  const words whole = with({});
  for (std::size_t left_out = 0; left_out < whole.size(); ++left_out) {
    const auto flag = whole[left_out].substr(0, whole[left_out].find('='));
    auto fewer = whole;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(left_out));
    EXPECT_THAT(problem_of(fewer), HasSubstr("missing " + flag + ':')) << flag;
    fewer.push_back(flag + "= ");
    EXPECT_THAT(problem_of(fewer), HasSubstr("missing " + flag + ':')) << "blank " << flag;
  }
}

TEST(registry_options, commands_about_keys_need_nothing_but_the_file) {
  EXPECT_EQ(problem_of({"--new-key"}), "none");
  EXPECT_EQ(problem_of({"--print-key", "--key-file=other.json"}), "none");
  EXPECT_THAT(problem_of({"--print-key", "--log-level=loud"}), HasSubstr("--log-level must be"));
  EXPECT_THAT(problem_of({"--check-config"}), HasSubstr("missing --issuer-keys"));
}

TEST(registry_options, numbers_are_bounded_at_their_edges) {
  for (const auto* good :
       {"--max-keys=1", "--max-keys=10000000", "--registrations-per-second=1", "--registrations-per-second=1000000"}) {
    EXPECT_EQ(problem_of(with({good})), "none") << good;
  }
  for (const std::string bad : {"--max-keys=0", "--max-keys=10000001", "--max-keys=-1", "--max-keys=many",
                                "--registrations-per-second=0", "--registrations-per-second=1000001",
                                "--registrations-per-second=4294967297", "--registrations-per-second=0.5"}) {
    EXPECT_THAT(problem_of(with({bad})), HasSubstr(bad.substr(0, bad.find('=')))) << bad;
  }
}

TEST(registry_options, addresses_have_a_host_and_a_port) {
  for (const std::string flag : {"--listen=", "--metrics-listen="}) {
    for (const auto* good : {"127.0.0.1:0", ":65535", "[::1]:1", "localhost:80"}) {
      EXPECT_EQ(problem_of(with({flag + good})), "none") << flag << good;
    }
    for (const auto* bad : {"127.0.0.1", "8090", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:x", "::1:80"}) {
      EXPECT_THAT(problem_of(with({flag + bad})), HasSubstr("invalid " + flag.substr(0, flag.size() - 1) + ':'))
          << flag << bad;
    }
  }
}

TEST(registry_options, the_tunnel_is_a_websocket_url) {
  for (const auto* good : {"ws://127.0.0.1:9/ws", "wss://tunnel.example", "wss://tunnel.example:8443/a/b"}) {
    EXPECT_EQ(problem_of(with({std::string{"--tunnel-url="} + good})), "none") << good;
  }
  for (const auto* bad : {"http://tunnel.example/ws", "tunnel.example/ws", "wss://", "/ws", "wss://t:70000/"}) {
    EXPECT_THAT(problem_of(with({std::string{"--tunnel-url="} + bad})), HasSubstr("invalid --tunnel-url: ")) << bad;
  }
}

TEST(registry_options, suites_are_a_list_whose_first_one_is_the_default) {
  using enum crypto::suite;
  EXPECT_THAT(parse_suites("1").value(), ElementsAre(x25519));
  EXPECT_THAT(parse_suites("2").value(), ElementsAre(p256));
  EXPECT_THAT(parse_suites("1,2").value(), ElementsAre(x25519, p256));
  EXPECT_THAT(parse_suites(" 2 , 1 ").value(), ElementsAre(p256, x25519));
  for (const auto* bad : {"0", "3", "1,1", "2,1,2", "12", "x25519", "1;2", "-1"}) {
    EXPECT_FALSE(parse_suites(bad)) << bad;
    EXPECT_THAT(problem_of(with({std::string{"--suites="} + bad})), HasSubstr("--suites must be")) << bad;
  }
}

TEST(registry_options, tls_needs_both_of_its_files) {
  EXPECT_EQ(problem_of(with({"--tls-cert=c", "--tls-key=k"})), "none");
  for (const auto* one : {"--tls-cert=c", "--tls-key=k"}) {
    EXPECT_THAT(problem_of(with({one})), HasSubstr("both --tls-cert and --tls-key")) << one;
  }
}

TEST(registry_options, origins_and_proxies_are_checked) {
  EXPECT_EQ(problem_of(with({"--allow-origin=*.example.org", "--allow-origin=chat.example:8080"})), "none");
  EXPECT_THAT(problem_of(with({"--allow-origin=https://a.example", "--allow-origin=*"})),
              HasSubstr("invalid --allow-origin: "));
  for (const auto* good : {"192.0.2.1", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::/128", "::1"}) {
    EXPECT_EQ(problem_of(with({"--trusted-proxy", good})), "none") << good;
  }
  for (const auto* bad : {"proxy.example", "192.0.2.0/33", "::1/129", "192.0.2.0/", "192.0.2.1:80"}) {
    EXPECT_THAT(problem_of(with({"--trusted-proxy", bad})), HasSubstr("invalid --trusted-proxy: ")) << bad;
  }
}

TEST(registry_options, logs_have_the_stated_words) {
  for (const auto* word : {"--log-level=debug", "--log-level=info", "--log-level=warn", "--log-level=error",
                           "--log-format=text", "--log-format=json"}) {
    EXPECT_EQ(problem_of(with({word})), "none") << word;
  }
  for (const std::string bad : {"--log-level=loud", "--log-level=INFO", "--log-format=xml", "--log-format=JSON"}) {
    EXPECT_THAT(problem_of(with({bad})), HasSubstr(bad.substr(0, bad.find('=')) + " must be")) << bad;
  }
}

TEST(registry_options, a_flag_that_is_none_and_a_word_end_it) {
  EXPECT_EQ(read(with({"--colour=red"})).code, exit_usage);
  EXPECT_EQ(read(with({"--colour=red"})).err,
            "flag provided but not defined: --colour\nSee flowersec-registry --help.\n");
  EXPECT_EQ(read({"serve"}).code, exit_usage);
  for (const std::string flag : {"--legacy", "--pow", "--allow-no-origin", "--new-key", "--print-key"}) {
    EXPECT_THAT(read(with({flag + "=perhaps"})).err, HasSubstr(flag)) << flag;
  }
}

TEST(registry_options, help_names_every_flag) {
  const auto result = read({"--help"});
  EXPECT_EQ(result.code, exit_ok);
  EXPECT_EQ(result.err, "");
  registry_command command;
  const auto described = describe_registry(command);
  for (const auto& entry : described.options) {
    EXPECT_THAT(result.out, testing::ContainsRegex("\n  --" + entry.name + "( |\n)")) << entry.name;
    EXPECT_FALSE(entry.help.empty()) << entry.name;
  }
}

}  // namespace
}  // namespace flowersec::apps
