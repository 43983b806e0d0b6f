#include "flowersec/controlplane/artifact_endpoint.h"

#include <atomic>
#include <stdexcept>

#include "flowersec/base/text.h"
#include "flowersec/crypto/secret.h"

namespace flowersec::controlplane {
namespace {

using messages::sensitive_text;

const http_refusal no_metadata{500, "metadata_extract_failed", "request metadata could not be read"};
const http_refusal not_valid{400, "invalid_request", "request validation failed"};
const http_refusal no_issuer{500, "internal_error", "artifact issuer is required"};
const http_refusal not_issued{500, "issue_failed", "artifact issuance failed"};

/// Both kinds of answers hold what nobody on the way may keep.
http::response json_answer(unsigned status, std::string body) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"},
                      {"Cache-Control", "no-store, no-cache, must-revalidate, private"},
                      {"Pragma", "no-cache"},
                      {"Expires", "0"}},
          .body = std::move(body)};
}

http::response refusal_answer(const http_refusal& refusal) {
  auto answer = json_answer(refusal.status, encode_error_envelope(refusal.code, refusal.message));
  // RFC 9110 section 15.5.2 asks for it.
  if (refusal.status == 401) answer.headers.push_back({"WWW-Authenticate", "Bearer"});
  return answer;
}

http::response hook_answer(const hook_failure& failure, const http_refusal& own) {
  if (!failure.answer) return refusal_answer(own);
  auto refusal = *failure.answer;
  // Nothing else is the status of a refusal.
  if (refusal.status < 400 || refusal.status > 599) refusal.status = 500;
  if (refusal.code.empty()) refusal.code = "internal_error";
  if (refusal.message.empty()) refusal.message = own.message;
  return refusal_answer(refusal);
}

http::response issued_answer(const hook_result<token::connect_artifact>& artifact) {
  if (!artifact) return hook_answer(artifact.error(), not_issued);
  const auto text = encode_artifact_envelope(*artifact);
  return text ? json_answer(200, std::string{text->view()}) : refusal_answer(not_issued);
}

/// Waits for the issue hook; the last copy of its reply answers if none did.
class pending_answer {
 public:
  explicit pending_answer(http::responder answer) : answer_(std::move(answer)) {}
  pending_answer(const pending_answer&) = delete;
  pending_answer& operator=(const pending_answer&) = delete;
  ~pending_answer() { give(hook_failure{}); }

  void give(const hook_result<token::connect_artifact>& artifact) {
    if (!given_.exchange(true)) answer_(issued_answer(artifact));
  }

 private:
  http::responder answer_;
  std::atomic<bool> given_ = false;
};

/// What `hook` returns; a failure without an answer when it throws.
template <class Result, class Hook>
Result guarded(const Hook& hook) {
  try {
    return hook();
  } catch (...) {  // the program's own code; its text may hold secrets
    return hook_failure{};
  }
}

std::string header_text(const http::request& request, std::string_view name) {
  return std::string{trim(http::find_header(request.headers, name).value_or(std::string_view{}))};
}

}  // namespace

void throw_exception_from_error(const hook_failure& what, const boost::source_location& /*where*/) {
  throw std::runtime_error(what.answer ? what.answer->code : "the hook failed");
}

request_metadata read_request_metadata(const http::request& request) {
  return {.request_id = header_text(request, "X-Request-Id"),
          .remote_address = std::string{trim(request.remote_address)},
          .host = header_text(request, "Host"),
          .origin = header_text(request, "Origin"),
          .user_agent = header_text(request, "User-Agent")};
}

artifact_endpoint::artifact_endpoint(artifact_endpoint_options options) {
  if (options.max_body_bytes == 0) options.max_body_bytes = default_max_request_body_bytes;
  if (!options.metadata) options.metadata = read_request_metadata;
  options_ = std::make_shared<const artifact_endpoint_options>(std::move(options));
}

void artifact_endpoint::operator()(http::request request, http::responder answer) const {
  const auto& options = *options_;
  if (const auto refusal = check_artifact_request_head(request)) return answer(refusal_answer(*refusal));
  auto asked = decode_artifact_request(request.body, options.max_body_bytes);
  if (!asked) return answer(refusal_answer(asked.error()));

  auto metadata = guarded<hook_result<request_metadata>>([&] { return options.metadata(request); });
  if (!metadata) return answer(hook_answer(metadata.error(), no_metadata));
  artifact_question question{.request = *std::move(asked),
                             .is_entry = options.is_entry,
                             .ticket = bearer_ticket(request.headers),
                             .metadata = *std::move(metadata)};
  if (options.validate) {
    const auto failed = guarded<std::optional<hook_failure>>([&] { return options.validate(question); });
    if (failed) return answer(hook_answer(*failed, not_valid));
  }
  if (!options.issue) return answer(refusal_answer(no_issuer));

  const auto pending = std::make_shared<pending_answer>(std::move(answer));
  const auto failed = guarded<std::optional<hook_failure>>([&]() -> std::optional<hook_failure> {
    options.issue(std::move(question),
                  [pending](const hook_result<token::connect_artifact>& artifact) { pending->give(artifact); });
    return std::nullopt;
  });
  if (failed) pending->give(*failed);
}

http::response artifact_endpoint::refuse_unread(unsigned status, const http::request& head) const {
  if (!head.method.empty()) {
    if (const auto refusal = check_artifact_request_head(head)) return refusal_answer(*refusal);
  }
  if (status == 413) {
    const auto limit = std::to_string(options_->max_body_bytes);
    return refusal_answer({413, "body_too_large", "request body exceeds " + limit + " bytes"});
  }
  if (status == 431) return refusal_answer({431, "headers_too_large", "request headers are too large"});
  return refusal_answer({status, "invalid_body", "request could not be read"});
}

validation_hook require_bearer_key(sensitive_text key) {
  return [shared = std::make_shared<const sensitive_text>(std::move(key))](
             const artifact_question& question) -> std::optional<hook_failure> {
    const bool fits =
        !shared->empty() && crypto::constant_time_equal(as_bytes(question.ticket.view()), as_bytes(shared->view()));
    if (fits) return std::nullopt;
    return hook_failure{http_refusal{401, "unauthorized", "missing or wrong bearer key"}};
  };
}

}  // namespace flowersec::controlplane
