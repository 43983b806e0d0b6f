// The server's side of the artifact endpoints: a request handler for http::server around the application's hooks.
// Layer controlplane, part `http`. Knows neither sockets nor who may have what: that is in the hooks.
// Threading: a handler may be called from any thread and calls its hooks there; a reply may come from any thread.
// Source: CONTROLPLANE, "Artifact endpoints".
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "flowersec/controlplane/artifact_codec.h"

namespace flowersec::controlplane {

/// What is known of a caller besides the request. Texts of headers are trimmed, and the caller's choice.
struct request_metadata {
  std::string request_id{};      ///< X-Request-Id
  std::string remote_address{};  ///< of the TCP peer, which may be a proxy
  std::string host{};
  std::string origin{};
  std::string user_agent{};
  std::string subject{};                            ///< who it is, for hooks that find out
  std::map<std::string, std::string> attributes{};  ///< anything else that hooks find out
};

/// The default metadata hook: the headers, no subject, no attributes.
[[nodiscard]] request_metadata read_request_metadata(const http::request& request);

/// What an application decides on.
struct artifact_question {
  artifact_request request{};
  bool is_entry = false;              ///< it came to the entry endpoint
  messages::sensitive_text ticket{};  ///< bearer ticket on either endpoint; empty when there was none
  request_metadata metadata{};
};

/// A hook that failed. With an answer, the caller is told that: a status of 0 means 500, no code internal_error, no
/// message the hook's own. Without one, the caller is told the hook's own answer, and nothing about why.
struct hook_failure {
  std::optional<http_refusal> answer{};
};
/// Found by result::value() on a failure; throws std::runtime_error.
[[noreturn]] void throw_exception_from_error(const hook_failure& what, const boost::source_location& where);

template <class T>
using hook_result = boost::system::result<T, hook_failure>;

/// Own answer   500 metadata_extract_failed.
using metadata_hook = std::function<hook_result<request_metadata>(const http::request&)>;
/// nullopt lets the request pass. Own answer   400 invalid_request.
using validation_hook = std::function<std::optional<hook_failure>(const artifact_question&)>;
/// Call it once; later calls do nothing. Dropping every copy uncalled, or an artifact that cannot be written, is a
/// failure as well.
using issue_reply = std::function<void(hook_result<token::connect_artifact>)>;
/// May answer later. Own answer   500 issue_failed.
using issue_hook = std::function<void(artifact_question, issue_reply)>;

/// An exception out of a hook is a failure without an answer.
struct artifact_endpoint_options {
  bool is_entry = false;
  /// Longer bodies are refused; 0 means the default. Give http::server_limits the same, so that it never holds more.
  std::size_t max_body_bytes = default_max_request_body_bytes;
  metadata_hook metadata = read_request_metadata;
  validation_hook validate{};  ///< empty: everything passes
  issue_hook issue{};          ///< empty: every request is answered 500 internal_error
};

/// Copies share the hooks. Mount one for each path: as an http::request_handler, or inside one that looks at the path.
class artifact_endpoint {
 public:
  explicit artifact_endpoint(artifact_endpoint_options options);

  /// Answers once. Errors   in this order, as tabled in CONTROLPLANE, "Refusals": 405, 415, 413, 400, then the hooks'.
  void operator()(http::request request, http::responder answer) const;

  /// For http::server_options::refusal: a request whose body could not be read, in the words of this endpoint.
  [[nodiscard]] http::response refuse_unread(unsigned status, const http::request& head) const;

 private:
  std::shared_ptr<const artifact_endpoint_options> options_;
};

/// A validation hook that asks for this key as bearer ticket, compared in constant time.
/// Its answer   401 unauthorized.
[[nodiscard]] validation_hook require_bearer_key(messages::sensitive_text key);

}  // namespace flowersec::controlplane
