// A tunnel and a registry as people run them, in a folder of their own, for clients of a test.
#pragma once

#include <csignal>
#include <optional>

#include "flowersec/base/json.h"
#include "support/process.h"
#include "support/rendezvous_people.h"

namespace flowersec::testing {

/// A text of a program's ready line.
inline std::string ready_word(testing_support::process& program, const char* name) {
  const auto line = program.read_line();
  const auto ready = parse_json_object(line.value_or(""), 1 << 20);
  if (!ready) throw std::runtime_error("no ready line: " + program.wait().err);
  const auto* found = ready->if_contains(name);
  return found == nullptr ? std::string{} : std::string{found->as_string()};
}

class rendezvous_programs {
 public:
  using process = testing_support::process;

  /// `more`: flags of the registry. `tapped`: what its clients send to the tunnel and get is written down.
  explicit rendezvous_programs(process::words more = {}, bool tapped = false) {
    EXPECT_EQ(testing_support::run_program("flowersec-issuer-keygen", {"--out-dir", folder_.path()}).exit_code, 0);
    tunnel_.emplace("flowersec-tunnel",
                    process::words{"--listen=127.0.0.1:0", "--issuer-keys-file=" + folder_.file("issuer_keys.json"),
                                   "--aud=aud-of-this-test", "--iss=iss-of-this-test", "--log-level=debug"});
    auto way = ready_word(*tunnel_, "listen");
    if (tapped) {
      tap_.emplace("flowersec-wiretap", process::words{"--to", way, "--out", folder_.file("seen")});
      way = ready_word(*tap_, "listen");
    }
    process::words all{"--listen=127.0.0.1:0",
                       "--issuer-keys=" + folder_.file("issuer_key.json"),
                       "--tunnel-url=ws://" + way + "/ws",
                       "--aud=aud-of-this-test",
                       "--iss=iss-of-this-test",
                       "--allow-no-origin",
                       "--log-level=debug"};
    all.insert(all.end(), more.begin(), more.end());
    registry_.emplace("flowersec-registry", std::move(all), process::environment{}, folder_.path());
    url_ = "ws://" + ready_word(*registry_, "listen");
    const auto printed = testing_support::run_program("flowersec-registry", {"--print-key"}, {}, folder_.path());
    key_.emplace(rendezvous::public_key::parse(printed.out.substr(0, identity::key_characters)).value());
  }

  [[nodiscard]] process& tunnel() { return *tunnel_; }
  [[nodiscard]] process& registry() { return *registry_; }
  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  [[nodiscard]] const rendezvous::public_key& key() const noexcept { return *key_; }
  /// Lines of flowersec-wiretap.
  [[nodiscard]] std::string seen() const { return testing_support::read_whole_file(folder_.file("seen")); }

 private:
  testing_support::temporary_folder folder_;
  std::optional<process> tunnel_;
  std::optional<process> tap_;
  std::optional<process> registry_;
  std::string url_;
  std::optional<rendezvous::public_key> key_;
};

}  // namespace flowersec::testing
