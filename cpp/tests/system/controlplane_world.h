// flowersec-controlplane and flowersec-tunnel as processes, an endpoint that stays registered, and clients that ask for
// it. Test support. Every secret that passes here is noted: bearer keys, tickets, credentials, grants, signing keys.
// None may be in a log or a metric, which `process` sees to, nor in an answer that refuses.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <optional>
#include <set>

#include "flowersec/base/json.h"
#include "flowersec/controlplane/artifact_client.h"
#include "flowersec/endpoint/connect.h"
#include "flowersec/messages/grant_file.h"
#include "flowersec/token/control_frames.h"
#include "support/own_loopback.h"
#include "support/process.h"
#include "support/run_coroutine.h"
#include "support/secret_watch.h"

namespace flowersec::testing {

namespace asio = boost::asio;
using asio::awaitable;
using testing_support::process;
using testing_support::process_result;
using testing_support::read_whole_file;
using testing_support::run_program;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

inline constexpr auto with_error = asio::as_tuple(endpoint::default_token{});
inline constexpr std::uint32_t greeting_type = 7;

inline endpoint::connect_options loopback_options() {
  endpoint::connect_options options;
  options.origin = "https://app.example";
  options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  return options;
}

/// What the ready line of a program says.
inline std::map<std::string, std::string> ready_facts(process& program) {
  const auto line = program.read_line();
  const auto ready = parse_json_object(line.value_or(""), 1 << 20);
  if (!ready) throw std::runtime_error("no ready line: " + program.wait().err);
  std::map<std::string, std::string> facts;
  for (const auto& [name, value] : *ready) {
    facts[name] = value.is_string() ? std::string{value.get_string()} : boost::json::serialize(value);
  }
  return facts;
}

/// The host:port of a URL.
inline std::string host_of(const std::string& url) {
  const auto begin = url.find("://") + 3;
  return url.substr(begin, url.find('/', begin) - begin);
}

/// Notes the secrets of a grant, whichever side it is for.
inline void note_secrets(const endpoint::channel_init_grant& grant) {
  for (const auto secret : {grant.token.view(), grant.e2ee_psk_b64u.view()}) {
    testing_support::secret_watch::instance().remember(secret);
  }
}

class controlplane_world {
 public:
  using words = process::words;

  /// `more` flags of the service; `ca_pem` for those who speak TLS with it; `variables` for the service alone.
  explicit controlplane_world(words more = {}, std::optional<std::string> trusted = {},
                              process::environment variables = {})
      : ca_pem(std::move(trusted)), more_(std::move(more)), variables_(std::move(variables)) {
    change_bearer(bearer);
    EXPECT_EQ(command({"init"}).exit_code, 0);
    note_signing_key();
    start_tunnel();
    start();
  }

  /// One of the commands on the state file.
  process_result command(words arguments) const {
    arguments.insert(arguments.begin() + 1, {"--state", state});
    return run_program("flowersec-controlplane", std::move(arguments));
  }
  /// Step 2 of a rotation, for the tokens of this world.
  process_result rotate(const std::string& kid, const words& more) const {
    words arguments{"rotate-key", "--kid", kid, "--aud", "aud", "--iss", "iss"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto rotated = command(std::move(arguments));
    note_signing_key();
    return rotated;
  }
  void change_bearer(const std::string& key) const {
    testing_support::secret_watch::instance().remember(key);
    write_whole_file(bearer_file, key + "\n");
  }
  /// The credential of a new endpoint.
  endpoint::direct_connect_info add_endpoint(const std::string& endpoint_id) const {
    const auto file = folder.file(endpoint_id + ".json");
    const auto added = command(
        {"add-endpoint", "--endpoint-id", endpoint_id, "--control-url", control_url, "--out", file, "--overwrite"});
    EXPECT_EQ(added.exit_code, 0) << added.err;
    return messages::read_direct_info(read_whole_file(file)).value();
  }
  std::string make_ticket(const std::string& endpoint_id) const {
    const auto made = command({"make-ticket", "--endpoint-id", endpoint_id});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    return std::string{parse_json_object(made.out, 4096).value().at("ticket").as_string()};
  }
  [[nodiscard]] std::vector<std::string> kids() const {
    std::vector<std::string> all;
    const auto file = parse_json_object(read_whole_file(keyset_file), 1 << 20).value();
    for (const auto& key : file.at("keys").as_array()) all.emplace_back(key.at("kid").as_string());
    return all;
  }

  /// Starts it, at the same addresses as before if it was there before.
  void start() {
    words arguments{"serve",
                    "--state",
                    state,
                    "--listen",
                    listen_,
                    "--control-listen",
                    control_listen_,
                    "--metrics-listen",
                    "127.0.0.1:0",
                    "--tunnel-url",
                    tunnel_url,
                    "--aud",
                    "aud",
                    "--iss",
                    "iss"};
    arguments.insert(arguments.end(), more_.begin(), more_.end());
    if (std::ranges::find(more_, "--demo") == more_.end()) {
      arguments.insert(arguments.end(), {"--bearer-key-file", bearer_file});
    }
    plane.emplace("flowersec-controlplane", std::move(arguments), variables_);
    facts = ready_facts(*plane);
    http_url = facts["http_url"];
    listen_ = facts["listen"];
    control_url = facts["control_url"];
    control_listen_ = host_of(control_url);
    metrics_address = host_of(facts["metrics_url"]);
  }
  void kill() {
    plane->send_signal(SIGKILL);
    EXPECT_EQ(plane->wait().signal, SIGKILL);
  }
  [[nodiscard]] std::string metrics() const { return testing_support::http_get(metrics_address, "/metrics"); }
  /// Sends SIGHUP and waits until the log says `line`.
  [[nodiscard]] bool hang_up(const std::string& line) {
    plane->take_err();
    plane->send_signal(SIGHUP);
    return plane->wait_for_err(line);
  }
  [[nodiscard]] const std::string& listen_address() const noexcept { return listen_; }

  // ---- Clients.

  controlplane::artifact_client_options asking() const {
    controlplane::artifact_client_options options;
    options.base_url = http_url;
    options.headers = {{"Authorization", "Bearer " + bearer}};
    options.allow_loopback_http = true;
    options.fetching.ca_pem = ca_pem;
    return options;
  }
  endpoint::connect_options dialling() const {
    auto options = loopback_options();
    options.trust.ca_pem = ca_pem;
    return options;
  }
  awaitable<controlplane::artifact_outcome> ask(std::string endpoint_id) {
    auto options = asking();
    controlplane::artifact_request request{.endpoint_id = std::move(endpoint_id), .trace_id = "trace-0001"};
    co_return looked_through(
        co_await controlplane::async_request_artifact(context.get_executor(), std::move(options), std::move(request)));
  }
  awaitable<controlplane::artifact_outcome> ask_with_ticket(std::string endpoint_id, std::string ticket) {
    auto options = asking();
    controlplane::artifact_request request{.endpoint_id = std::move(endpoint_id)};
    messages::sensitive_text shown{std::move(ticket)};
    co_return looked_through(co_await controlplane::async_request_entry_artifact(
        context.get_executor(), std::move(options), std::move(request), std::move(shown)));
  }
  /// Meets the endpoint at the tunnel and is greeted. The answer, or what went wrong.
  awaitable<std::string> meet(token::connect_artifact artifact) {
    auto grant = std::get<endpoint::channel_init_grant>(std::move(artifact.body));
    auto options = loopback_options();
    auto [failed, session] =
        co_await endpoint::async_connect(context.get_executor(), std::move(grant), std::move(options), with_error);
    if (failed) co_return failed.message();
    std::string payload{"{}"};
    auto [lost, reply] = co_await session.async_call(greeting_type, std::move(payload), with_error);
    co_await session.async_close(with_error);
    co_return lost ? lost.message() : reply.payload;
  }

  temporary_folder folder;
  const std::string state = folder.file("plane.db");
  const std::string keyset_file = folder.file("issuer_keys.json");
  const std::string bearer_file = folder.file("bearer.key");
  std::string bearer = "a-bearer-key-of-the-tests";
  std::optional<std::string> ca_pem;  ///< what clients and endpoints trust
  std::optional<process> tunnel;
  std::optional<process> plane;
  std::map<std::string, std::string> facts;  ///< of its ready line
  std::string tunnel_url;
  std::string tunnel_ready_url;
  std::string http_url;
  std::string control_url;
  std::string metrics_address;
  asio::io_context context;

 private:
  /// Notes what an artifact holds, and looks at what a refusal says.
  static controlplane::artifact_outcome looked_through(controlplane::artifact_outcome outcome) {
    if (outcome) {
      note_secrets(std::get<endpoint::channel_init_grant>(outcome->body));
    } else {
      const auto& failed = outcome.error();
      EXPECT_FALSE(testing_support::secret_watch::instance().find_in(failed.message + failed.response_body));
    }
    return outcome;
  }
  void note_signing_key() const {
    const auto file = folder.file("signing.json");
    EXPECT_EQ(command({"export-key", "--out", file, "--overwrite"}).exit_code, 0);
    EXPECT_THAT(read_whole_file(file), ::testing::HasSubstr("privkey_b64u"));
  }
  void start_tunnel() {
    tunnel.emplace("flowersec-tunnel",
                   words{"--listen", "127.0.0.1:0", "--issuer-keys-file", keyset_file, "--aud", "aud", "--iss", "iss",
                         "--allow-origin", "https://app.example", "--log-level", "error"});
    auto said = ready_facts(*tunnel);
    tunnel_url = said["ws_url"];
    tunnel_ready_url = said["http_url"] + "/readyz";
  }

  words more_;
  process::environment variables_;
  std::string listen_ = testing_support::own_loopback() + ":0";
  std::string control_listen_ = testing_support::own_loopback() + ":0";
};

/// A server that comes back whenever its control connection ends, and greets every client. Runs on the world's context.
class standing_endpoint {
 public:
  standing_endpoint(controlplane_world& world, std::string endpoint_id, endpoint::direct_connect_info info)
      : world_(world), endpoint_id_(std::move(endpoint_id)), info_(std::move(info)) {
    asio::co_spawn(world.context, stay(), asio::detached);
  }

  /// Runs the world until it is registered for the given number of times altogether.
  void wait_registered(int times) {
    run(world_.context, until([this, times] { return registrations_ >= times; }));
  }
  void wait_refused(int times) {
    run(world_.context, until([this, times] { return refusals_ >= times; }));
  }
  [[nodiscard]] int registrations() const noexcept { return registrations_; }
  [[nodiscard]] const std::vector<std::string>& channels() const noexcept { return channels_; }
  /// Whether a channel came more than once.
  [[nodiscard]] bool saw_one_twice() const {
    return std::set<std::string>{channels_.begin(), channels_.end()}.size() != channels_.size();
  }
  /// The error of the last call to register that was refused.
  [[nodiscard]] const std::optional<rpc::call_error>& refusal() const noexcept { return refusal_; }

 private:
  awaitable<void> stay() {
    while (true) {
      co_await connect_once();
      asio::steady_timer breath{world_.context, std::chrono::milliseconds{20}};
      co_await breath.async_wait(with_error);
    }
  }

  awaitable<void> connect_once() {
    auto info = info_.clone();
    auto options = world_.dialling();
    auto [failed, session] = co_await endpoint::async_connect(world_.context.get_executor(), std::move(info),
                                                              std::move(options), with_error);
    if (failed) {
      changed(refusals_);
      co_return;
    }
    session.on_notification(token::control_grant_type, [this](const std::string& payload) { take(payload); });
    auto payload = token::encode_registration(endpoint_id_);
    auto [lost, reply] = co_await session.async_call(token::control_register_type, std::move(payload), with_error);
    if (lost || reply.error) {
      refusal_ = reply.error;
      changed(refusals_);
      co_return;
    }
    EXPECT_TRUE(token::decode_registered(reply.payload)) << reply.payload;
    changed(registrations_);
    co_await session.async_wait_end(with_error);
  }

  void take(const std::string& payload) {
    auto grant = messages::read_server_grant(payload);
    ASSERT_TRUE(grant) << payload;
    note_secrets(*grant);
    channels_.push_back(grant->channel_id);
    asio::co_spawn(world_.context, greet(std::move(*grant)), asio::detached);
  }

  awaitable<void> greet(endpoint::channel_init_grant grant) {
    auto options = loopback_options();
    auto [failed, session] = co_await endpoint::async_attach_server(world_.context.get_executor(), std::move(grant),
                                                                    std::move(options), with_error);
    if (failed) co_return;
    endpoint::stream_router routes;
    rpc::router calls;
    calls.on_request(greeting_type, [name = endpoint_id_](const rpc::request&, rpc::responder answer) {
      answer.succeed("\"" + name + "\"");
    });
    routes.on_rpc(std::move(calls));
    co_await session.async_serve(std::move(routes), with_error);
  }

  void changed(int& counter) {
    ++counter;
    for (auto& wake : std::exchange(waiting_, {})) wake->cancel();
  }
  template <class Condition>
  awaitable<void> until(Condition holds) {
    while (!holds()) {
      const auto change = std::make_shared<asio::steady_timer>(world_.context, asio::steady_timer::time_point::max());
      waiting_.push_back(change);
      co_await change->async_wait(with_error);
    }
  }

  controlplane_world& world_;
  std::string endpoint_id_;
  endpoint::direct_connect_info info_;
  int registrations_ = 0;
  int refusals_ = 0;
  std::optional<rpc::call_error> refusal_;
  std::vector<std::string> channels_;
  std::vector<std::shared_ptr<asio::steady_timer>> waiting_;
};

}  // namespace flowersec::testing
