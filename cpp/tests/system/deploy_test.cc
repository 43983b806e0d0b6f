// The files under deploy/ fit the program they are for: what dashboard and alerts ask for is exported by a running
// tunnel, the configuration names its flags, systemd reads the unit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>

#include "deploy_queries.h"
#include "tunnel_process.h"

namespace flowersec::testing {
namespace {

using testing_support::read_whole_file;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

std::string deployed(const std::string& name) { return read_whole_file(FLOWERSEC_SOURCE_DIR "/deploy/" + name); }

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
    if (!metric.starts_with("flowersec_tunnel_") || part_of_histogram || metric.ends_with("build_info")) continue;
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
  const auto help = testing_support::run_program("flowersec-tunnel", {"--help"}).err;
  std::size_t settings = 0;
  std::size_t begin = 0;
  for (const auto text = deployed("tunnel.conf"); begin < text.size();) {
    const auto end = text.find('\n', begin);
    const auto line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.empty() || line.front() == '#') continue;
    const auto equals = line.find(" = ");
    ASSERT_NE(equals, std::string::npos) << line;
    const auto flag = "\n  -" + line.substr(0, equals);
    EXPECT_TRUE(help.find(flag + ' ') != std::string::npos || help.find(flag + '\n') != std::string::npos) << line;
    ++settings;
  }
  EXPECT_GT(settings, 15u);
}

TEST(deploy, systemd_reads_the_unit) {
  if (::access("/usr/bin/systemd-analyze", X_OK) != 0) GTEST_SKIP() << "systemd-analyze is not installed";
  const temporary_folder folder;
  auto unit = deployed("flowersec-tunnel.service");
  const std::string installed = "/usr/local/bin/flowersec-tunnel";
  unit.replace(unit.find(installed), installed.size(), FLOWERSEC_BINARY_DIR "/bin/flowersec-tunnel");
  write_whole_file(folder.file("flowersec-tunnel.service"), unit);
  const auto command = "systemd-analyze verify --man=no " + folder.file("flowersec-tunnel.service") + " 2>&1";
  std::FILE* output = ::popen(command.c_str(), "r");
  ASSERT_NE(output, nullptr);
  std::string complaints;
  for (int c = std::fgetc(output); c != EOF; c = std::fgetc(output)) complaints += static_cast<char>(c);
  EXPECT_EQ(::pclose(output), 0) << complaints;
  EXPECT_EQ(complaints, "");
}

TEST(deploy, the_unit_allows_more_descriptors_than_the_configuration_wants_connections) {
  const auto number_behind = [](const std::string& text, const std::string& name) {
    const auto at = text.find('\n' + name);
    return at == std::string::npos ? 0ul : std::stoul(text.substr(at + 1 + name.size()));
  };
  EXPECT_GT(number_behind(deployed("flowersec-tunnel.service"), "LimitNOFILE="),
            number_behind(deployed("tunnel.conf"), "max-conns = ") + 64);
  EXPECT_NE(deployed("flowersec-tunnel.service").find("\nExecReload=/bin/kill -HUP $MAINPID\n"), std::string::npos);
}

}  // namespace
}  // namespace flowersec::testing
