// The files under deploy/ fit the program they are for: what dashboard and alerts ask for is exported by a running
// tunnel, the configuration names its flags, systemd reads the unit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "deploy_files.h"
#include "deploy_queries.h"
#include "support/test_certificate.h"
#include "tunnel_process.h"

namespace flowersec::testing {
namespace {

namespace fs = std::filesystem;
using testing_support::read_whole_file;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

/// What Prometheus adds to every sample.
const std::set<std::string> added_labels{"instance", "job"};

/// Everything a tunnel can count has happened once.
metric_labels metrics_of_a_busy_tunnel() {
  tunnel_process tunnel{{"--process-metrics", "--max-tenant-queued-bytes", "1000"}};
  auto first = tunnel.accepted("room", 1);
  auto server = tunnel.accepted("room", 2);
  first.binary("hello");
  EXPECT_EQ(server.message(), "hello");
  auto second = tunnel.accepted("room", 1);
  EXPECT_TRUE(server.ended()) << "replaced";
  auto greedy = tunnel.accepted("other", 1);
  greedy.binary(std::string(1001, 'x'));
  EXPECT_TRUE(greedy.ended()) << "over the budget";
  auto stranger = tunnel.attach("third", 1);
  stranger.send(client_frame(op_ping, ""));
  static_cast<void>(stranger.frame());
  return exported_metrics(tunnel.metrics());
}

class asked_for : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { exported_ = metrics_of_a_busy_tunnel(); }

  static void expect_exported(const std::string& expression, const std::string& text_with_labels) {
    SCOPED_TRACE(expression);
    const auto names = names_in_query(expression);
    std::set<std::string> known = added_labels;
    for (const auto& [metric, labels] : names.metrics) {
      if (metric == "up") continue;
      const auto found = exported_.find(metric);
      ASSERT_NE(found, exported_.end()) << metric << " is not exported";
      known.insert(found->second.begin(), found->second.end());
      for (const auto& label : labels) {
        EXPECT_TRUE(found->second.contains(label) || added_labels.contains(label)) << metric << " has no " << label;
      }
    }
    for (const auto& label : names.grouped) EXPECT_TRUE(known.contains(label)) << "by (" << label << ")";
    const auto& left = names.grouped.empty() ? known : names.grouped;
    for (const auto& label : labels_in_text(text_with_labels)) EXPECT_TRUE(left.contains(label)) << text_with_labels;
  }

  static inline metric_labels exported_;
};

TEST_F(asked_for, by_the_dashboard_is_exported) {
  const auto dashboard = boost::json::parse(deployed("grafana/flowersec-tunnel.json"));
  std::set<std::string> shown;
  for (const auto& panel : dashboard.at("panels").as_array()) {
    ASSERT_FALSE(panel.at("targets").as_array().empty());
    for (const auto& target : panel.at("targets").as_array()) {
      const std::string expression{target.at("expr").as_string()};
      expect_exported(expression, std::string{target.at("legendFormat").as_string()});
      for (const auto& [metric, labels] : names_in_query(expression).metrics) shown.insert(metric);
    }
  }
  for (const auto& [metric, labels] : exported_) {
    const bool part_of_histogram = metric.ends_with("_sum") || metric.ends_with("_count");
    // What is left is the head of the answer.
    const bool ours = metric.starts_with("flowersec_tunnel_") || metric.starts_with("process_");
    if (!ours || part_of_histogram) continue;
    EXPECT_TRUE(shown.contains(metric)) << metric << " is on no panel";
  }
}

TEST_F(asked_for, by_the_alerts_is_exported) {
  const auto rules = parse_simple_yaml(deployed("prometheus/flowersec-tunnel.rules.yml"));
  std::set<std::string> names;
  for (const auto& group : rules.at("groups").as_array()) {
    for (const auto& rule : group.at("rules").as_array()) {
      const std::string name{rule.at("alert").as_string()};
      EXPECT_TRUE(names.insert(name).second) << name << " twice";
      EXPECT_TRUE(rule.at("labels").at("severity") == "page" || rule.at("labels").at("severity") == "ticket") << name;
      EXPECT_FALSE(rule.at("for").as_string().empty()) << name;
      expect_exported(std::string{rule.at("expr").as_string()},
                      std::string{rule.at("annotations").at("summary").as_string()});
    }
  }
  EXPECT_GE(names.size(), 10u);
}

TEST(deploy_queries, find_what_is_asked_for) {
  const auto names = names_in_query(R"(sum by (a, le) (rate(x_total{b="}", c!~"\"d"}[5m])) > 0.2 * y)");
  EXPECT_EQ(names.metrics, (metric_labels{{"x_total", {"b", "c"}}, {"y", {}}}));
  EXPECT_EQ(names.grouped, (std::set<std::string>{"a", "le"}));
  EXPECT_EQ(labels_in_text("{{a}} and {{ $labels.b }} are {{ $value }}"), (std::set<std::string>{"a", "b"}));
  EXPECT_THROW(static_cast<void>(names_in_query("sum(1)")), std::runtime_error);
  EXPECT_THROW(static_cast<void>(names_in_query("x_total{b=1}")), std::runtime_error);
  EXPECT_THROW(static_cast<void>(names_in_query("x ; y")), std::runtime_error);
}

TEST(deploy_queries, refuse_yaml_they_cannot_vouch_for) {
  EXPECT_EQ(parse_simple_yaml("# c\na:\n  - b: 1\n    c: \"x: y\"\n  - b: 2\n"),
            boost::json::parse(R"({"a":[{"b":"1","c":"x: y"},{"b":"2"}]})"));
  for (const auto* bad : {"a: [1]", "a: b: c", "a: \"b", "a:\n b: 1", "a: 1\n  b: 2", "a: 1\na: 2", "a", "a: b # c",
                          "a:1", "a: |", "a:\n\tb: 1", "a:"}) {
    EXPECT_THROW(static_cast<void>(parse_simple_yaml(bad)), std::runtime_error) << bad;
  }
}

TEST(deploy, the_configuration_names_flags_and_nothing_else) {
  EXPECT_GT(expect_flags("tunnel.conf", testing_support::run_program("flowersec-tunnel", {"--help"}).err), 15u);
}

/// The system of someone who followed the instructions, below a folder of its own.
struct installation {
  installation() {
    write_whole_file(etc + "/tunnel.conf", moved(deployed("tunnel.conf")));
    write_whole_file(etc + "/issuer_keys.json",
                     R"({"keys":[{"kid":"a","pubkey_b64u":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]})");
    fs::copy_file(certificate.chain_file(), etc + "/tls/cert.pem");
    fs::copy_file(certificate.key_file(), etc + "/tls/key.pem");
  }
  /// Paths of the system in a text, led here.
  [[nodiscard]] std::string moved(std::string text) const {
    return with_paths_moved(std::move(text),
                            {{"/etc/flowersec/", etc + '/'}, {"/var/lib/flowersec-tunnel/", state + '/'}});
  }
  [[nodiscard]] std::string made(const std::string& name) const {
    fs::create_directories(folder.file(name));
    return folder.file(name);
  }
  /// The words of a command line behind the program, with --check-config behind them.
  [[nodiscard]] testing_support::process_result check(std::vector<std::string> arguments) const {
    for (auto& word : arguments) word = moved(word);
    arguments.emplace_back("--check-config");
    return testing_support::run_program("flowersec-tunnel", arguments);
  }

  temporary_folder folder;
  test_certificate certificate;
  std::string state = made("state");
  std::string etc = fs::path{made("etc/tls")}.parent_path();
};

constexpr const char* installed_program = "/usr/local/bin/flowersec-tunnel";

TEST(deploy, the_configuration_passes_its_check) {
  const installation installed;
  const auto good = installed.check({"--config", "/etc/flowersec/tunnel.conf"});
  EXPECT_EQ(good.exit_code, 0) << good.err;
  for (const auto* checked : {"--issuer-keys-file", "--replay-journal", "--tls-cert-file", "--metrics-listen",
                              "--listen", "--advertise-host"}) {
    EXPECT_NE(good.out.find(std::string{"ok   "} + checked), std::string::npos) << checked;
  }
  fs::remove(installed.etc + "/tls/key.pem");
  EXPECT_EQ(installed.check({"--config", "/etc/flowersec/tunnel.conf"}).exit_code, 2);
}

TEST(deploy, the_unit_starts_what_is_installed_with_a_configuration_that_passes) {
  auto unit = parse_unit(deployed("flowersec-tunnel.service"));
  expect_whole(unit);
  auto start = words_of(unit["Service"]["ExecStart"].at(0));
  EXPECT_EQ(start.at(0), installed_program);
  start.erase(start.begin());
  const auto checked = installation{}.check(start);
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
  EXPECT_EQ(unit["Service"]["StateDirectory"].at(0), "flowersec-tunnel") << "where the journal is";
  EXPECT_EQ(unit["Service"]["RestartPreventExitStatus"].at(0), "2") << "of a usage error";
  for (const auto* bad :
       {"Type=exec", "[Unit]\nno value", "[Unit]\n=x", "[Unit]\n[Unit]", "[Unit]\nName =x", "[Unit]\nA=continued \\"}) {
    EXPECT_THROW(static_cast<void>(parse_unit(bad)), std::runtime_error) << bad;
  }
}

TEST(deploy, the_container_copies_what_is_there_and_starts_with_a_configuration_that_passes) {
  auto command = command_of_container("Containerfile");
  ASSERT_FALSE(command.empty());
  EXPECT_EQ(command.front(), installed_program);
  command.erase(command.begin());
  const auto checked = installation{}.check(command);
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
}

TEST(deploy, systemd_reads_the_unit) {
  const auto complaints = complaints_of_systemd("flowersec-tunnel");
  if (!complaints) GTEST_SKIP() << "systemd-analyze is not installed";
  EXPECT_EQ(*complaints, "");
}

TEST(deploy, a_restart_is_announced_and_systemd_waits_for_its_end) {
  const auto drain = number_behind(deployed("tunnel.conf"), "drain-timeout = ");
  EXPECT_GE(drain, 10u) << "the last 5 s spread those who are left";
  EXPECT_GE(number_behind(deployed("flowersec-tunnel.service"), "TimeoutStopSec="), drain + 10);
}

TEST(deploy, the_unit_allows_more_descriptors_than_the_configuration_wants_connections) {
  EXPECT_GT(number_behind(deployed("flowersec-tunnel.service"), "LimitNOFILE="),
            number_behind(deployed("tunnel.conf"), "max-conns = ") + 64);
  EXPECT_NE(deployed("flowersec-tunnel.service").find("\nExecReload=/bin/kill -HUP $MAINPID\n"), std::string::npos);
}

}  // namespace
}  // namespace flowersec::testing
