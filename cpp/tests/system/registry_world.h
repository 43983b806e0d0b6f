// flowersec-registry as a process in a folder of its own.
#pragma once

#include <gmock/gmock.h>

#include <csignal>

#include "flowersec/base/json.h"
#include "support/process.h"
#include "support/registry_clients.h"
#include "support/run_coroutine.h"

namespace flowersec::testing {

using testing_support::process;
using testing_support::process_result;
using testing_support::temporary_folder;

class registry_program {
 public:
  using words = process::words;

  /// The port is the system's choice unless `more` says so.
  explicit registry_program(const std::string& folder, words more = {})
      : process_("flowersec-registry", arguments(folder, std::move(more)), {}, folder) {
    const auto line = process_.read_line();
    auto ready = parse_json_object(line.value_or(""), 1 << 20);
    if (!ready) throw std::runtime_error("no ready line: " + process_.wait().err);
    ready_ = std::move(*ready);
  }

  [[nodiscard]] std::string ready(std::string_view name) const {
    const auto* found = ready_.if_contains(name);
    return found == nullptr ? std::string{} : std::string{found->as_string()};
  }
  [[nodiscard]] tcp::endpoint port() const { return endpoint_of(ready("listen")); }
  [[nodiscard]] std::string get(const std::string& path) const {
    return testing_support::http_get(ready("listen"), path);
  }
  /// A sample of /metrics by its name and labels, without the prefix.
  [[nodiscard]] std::uint64_t metric(const std::string& name) const {
    const auto url = ready("metrics_url");
    const auto page = testing_support::http_get(url.substr(7, url.rfind('/') - 7), "/metrics");
    const auto line = page.find("\nflowersec_registry_" + name + ' ');
    EXPECT_NE(line, std::string::npos) << name;
    return line == std::string::npos ? 0 : std::stoull(page.substr(page.rfind(' ', page.find('\n', line + 1))));
  }
  /// The end after a signal. Its log is in what comes back.
  [[nodiscard]] process_result stop(int signal = SIGTERM) {
    process_.send_signal(signal);
    return process_.wait();
  }
  [[nodiscard]] process& running() { return process_; }

  /// With the issuer's keys, which are made when there are none.
  static words arguments(const std::string& folder, words more) {
    if (testing_support::read_whole_file(folder + "/issuer_key.json").empty()) {
      EXPECT_EQ(testing_support::run_program("flowersec-issuer-keygen", {"--out-dir", folder}).exit_code, 0);
    }
    words all{"--listen=127.0.0.1:0",
              "--metrics-listen=127.0.0.1:0",
              "--issuer-keys=" + folder + "/issuer_key.json",
              "--tunnel-url=ws://127.0.0.1:9/ws",
              "--aud=tunnel",
              "--iss=registry"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

 private:
  process process_;
  boost::json::object ready_;
};

}  // namespace flowersec::testing
