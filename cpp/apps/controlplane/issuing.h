// From a request for an artifact to its answer: who may ask, which channel, which tunnel, and the grant on its way to
// the endpoint before the caller has theirs. Layer apps. One thread. Source: CONTROLPLANE, "Artifact endpoints".
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controlplane/control_listener.h"
#include "controlplane/issue_writer.h"
#include "controlplane/plane_metrics.h"
#include "flowersec/controlplane/artifact_endpoint.h"
#include "flowersec/controlplane/channel_init.h"
#include "serving/refusal_lines.h"

namespace flowersec::apps {

struct issuing_options {
  std::vector<std::string> tunnel_urls;         ///< at least one
  controlplane::channel_init_options channels;  ///< but the tunnel URL
};

class issuing {
 public:
  /// All outlive it.
  issuing(issuing_options options, controlplane::state_store& store, issue_writer& writer, control_listener& endpoints,
          plane_metrics& metrics, controlplane::issuer_keyset issuer);

  /// The endpoint for callers with this bearer key.
  [[nodiscard]] controlplane::artifact_endpoint normal_route(messages::sensitive_text bearer_key);
  /// The endpoint for callers with a ticket.
  [[nodiscard]] controlplane::artifact_endpoint entry_route();

  /// Both grants of a channel, at its tunnel.
  [[nodiscard]] result<controlplane::channel_grants> mint(const std::string& channel_id) const;

  /// Of the key that signs now.
  [[nodiscard]] std::string kid() const { return issuer_.current_kid(); }
  /// Reads the keys again. False, with a line in the log, when that failed.
  bool reload_issuer();

 private:
  struct asked;

  void issue(controlplane::artifact_question question, controlplane::issue_reply reply);
  void finish(const asked& request, const issue_writer::noted& noted);
  void answer(const asked& request, token::connect_artifact artifact);
  void refuse(const asked& request, const controlplane::http_refusal& why);
  [[nodiscard]] std::optional<controlplane::hook_failure> check_ticket(const controlplane::artifact_question& question);
  void log_refusal(const controlplane::artifact_question& question, const std::string& code);

  issuing_options options_;
  controlplane::state_store& store_;
  issue_writer& writer_;
  control_listener& endpoints_;
  plane_metrics& metrics_;
  controlplane::issuer_keyset issuer_;
  refusal_lines refusals_;
};

}  // namespace flowersec::apps
