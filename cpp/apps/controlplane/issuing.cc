#include "controlplane/issuing.h"

#include "flowersec/controlplane/tunnel_choice.h"
#include "flowersec/token/artifact.h"

namespace flowersec::apps {

using controlplane::artifact_question;
using controlplane::hook_failure;
using controlplane::http_refusal;
using controlplane::store_errc;

namespace {

// What a caller is told beside the refusals of the library. Each code is a value of the metric's label.
const http_refusal bad_ticket{401, "ticket_refused", "the ticket is unknown, used up, expired or for another endpoint"};
const http_refusal unknown_endpoint{404, "endpoint_unknown", "there is no such endpoint"};
const http_refusal offline{503, "endpoint_offline", "the endpoint is not connected"};
const http_refusal busy{503, "busy", "too many requests are waiting"};
const http_refusal undelivered{503, "delivery_failed", "the endpoint went away, or does not answer"};
const http_refusal broken{500, "internal_error", "the control plane cannot issue artifacts"};

/// Beyond the init window, for clocks that differ.
constexpr std::chrono::seconds clock_margin{60};

unix_seconds wall_now() { return to_unix_seconds(system_clocks().wall_now()); }

/// Only what an artifact may carry: others do not belong in a log either.
std::optional<std::string> usable_trace_id(const artifact_question& question) {
  const auto& given = question.request.trace_id;
  return given && token::is_correlation_id(*given) ? given : std::nullopt;
}

std::string_view route_of(const artifact_question& question) { return question.is_entry ? "entry" : "normal"; }

log_fields fields_of(const artifact_question& question) {
  log_fields fields{{"endpoint", stranger_text(question.request.endpoint_id)},
                    {"route", std::string{route_of(question)}},
                    {"remote", stranger_text(question.metadata.remote_address)}};
  if (auto trace_id = usable_trace_id(question)) fields.emplace_back("trace", std::move(*trace_id));
  return fields;
}

http_refusal refusal_of(const controlplane::failure& failed) {
  if (failed.code == store_errc::ticket_refused) return bad_ticket;
  if (failed.code == store_errc::unknown_endpoint) return unknown_endpoint;
  log_line(log_level::error, "cannot note a channel: " + failed.text);
  return broken;
}

}  // namespace

struct issuing::asked {
  std::shared_ptr<const artifact_question> question;
  controlplane::issue_reply reply;
  std::string channel_id;
  std::chrono::steady_clock::time_point since;
};

issuing::issuing(issuing_options options, controlplane::state_store& store, issue_writer& writer,
                 control_listener& endpoints, plane_metrics& metrics, controlplane::issuer_keyset issuer)
    : options_(std::move(options)),
      store_(store),
      writer_(writer),
      endpoints_(endpoints),
      metrics_(metrics),
      issuer_(std::move(issuer)) {}

controlplane::artifact_endpoint issuing::normal_route(messages::sensitive_text bearer_key) {
  auto check = controlplane::require_bearer_key(std::move(bearer_key));
  return controlplane::artifact_endpoint{
      {.validate =
           [this, check = std::move(check)](const artifact_question& question) {
             auto failed = check(question);
             if (failed) log_refusal(question, "unauthorized");
             return failed;
           },
       .issue = [this](artifact_question question,
                       controlplane::issue_reply reply) { issue(std::move(question), std::move(reply)); }}};
}

controlplane::artifact_endpoint issuing::entry_route() {
  return controlplane::artifact_endpoint{
      {.is_entry = true,
       .validate = [this](const artifact_question& question) { return check_ticket(question); },
       .issue = [this](artifact_question question,
                       controlplane::issue_reply reply) { issue(std::move(question), std::move(reply)); }}};
}

std::optional<hook_failure> issuing::check_ticket(const artifact_question& question) {
  const auto hash = crypto::sha256(as_bytes(question.ticket.view()));
  const auto fine = store_.check_ticket(hash, question.request.endpoint_id, wall_now());
  if (fine) return std::nullopt;
  const auto why = refusal_of(fine.error());
  log_refusal(question, why.code);
  return hook_failure{why};
}

void issuing::log_refusal(const artifact_question& question, const std::string& code) {
  auto fields = fields_of(question);
  fields.emplace_back("code", code);
  refusals_.write("artifact refused", fields);
}

void issuing::refuse(const asked& request, const http_refusal& why) {
  log_refusal(*request.question, why.code);
  metrics_.issued(route_of(*request.question), why.code, std::chrono::steady_clock::now() - request.since);
  request.reply(hook_failure{why});
}

void issuing::issue(artifact_question question, controlplane::issue_reply reply) {
  asked request{.question = std::make_shared<const artifact_question>(std::move(question)),
                .reply = std::move(reply),
                .channel_id = {},
                .since = std::chrono::steady_clock::now()};
  const auto& endpoint_id = request.question->request.endpoint_id;
  const auto known = store_.has_endpoint(endpoint_id);
  if (!known) return refuse(request, refusal_of(known.error()));
  if (!*known) return refuse(request, unknown_endpoint);
  // Before anything is spent.
  if (!endpoints_.is_online(endpoint_id)) return refuse(request, offline);
  auto channel_id = controlplane::random_channel_id(system_random());
  if (!channel_id) return refuse(request, broken);
  request.channel_id = *channel_id;

  const auto good_for = controlplane::channel_init_window + clock_margin;
  controlplane::issue_record record{.endpoint_id = endpoint_id,
                                    .channel_id = std::move(*channel_id),
                                    .expires_at = unix_seconds{count(wall_now()) + good_for.count()},
                                    .ticket = std::nullopt};
  if (request.question->is_entry) record.ticket = crypto::sha256(as_bytes(request.question->ticket.view()));
  const bool taken =
      writer_.add(std::move(record), [this, request](const issue_writer::noted& noted) { finish(request, noted); });
  if (!taken) refuse(request, busy);
}

bool issuing::reload_issuer() {
  auto loaded = store_.load_issuer();
  if (!loaded) {
    log_line(log_level::error, "cannot read the keys: " + loaded.error().text);
    return false;
  }
  const auto before = issuer_.current_kid();
  issuer_ = std::move(*loaded);
  if (issuer_.current_kid() != before)
    log_line(log_level::info, "signing key changed", {{"kid", issuer_.current_kid()}});
  return true;
}

result<controlplane::channel_grants> issuing::mint(const std::string& channel_id) const {
  auto options = options_.channels;
  options.tunnel_url = controlplane::choose_tunnel(channel_id, options_.tunnel_urls);
  return controlplane::issue_channel(issuer_, options, channel_id, system_random(), wall_now());
}

void issuing::finish(const asked& request, const issue_writer::noted& noted) {
  if (!noted) return refuse(request, refusal_of(noted.error()));
  // The state file says which key signs; what we hold may be the one before.
  if (issuer_.public_keys()[issuer_.current_kid()] != *noted && !reload_issuer()) return refuse(request, broken);
  auto grants = mint(request.channel_id);
  if (!grants) {
    log_line(log_level::error, "cannot make a channel: " + grants.error().message());
    return refuse(request, broken);
  }
  const auto artifact = std::make_shared<token::connect_artifact>();
  artifact->body = std::move(grants->client);
  endpoints_.deliver(request.question->request.endpoint_id, encode(grants->server),
                     [this, request, artifact](bool delivered) {
                       if (!delivered) return refuse(request, undelivered);
                       answer(request, std::move(*artifact));
                     });
}

void issuing::answer(const asked& request, token::connect_artifact artifact) {
  if (auto trace_id = usable_trace_id(*request.question)) {
    artifact.correlation = {.v = 1, .trace_id = std::move(trace_id)};
  }
  auto fields = fields_of(*request.question);
  fields.emplace_back("channel", request.channel_id);
  log_line(log_level::info, "artifact issued", fields);
  metrics_.issued(route_of(*request.question), "ok", std::chrono::steady_clock::now() - request.since);
  request.reply(std::move(artifact));
}

}  // namespace flowersec::apps
