// Any bytes as a request at the artifact endpoints, and as an answer to a client: exactly one answer, which is either
// an artifact or an error that a client reads, with no secret in it.
//
// The input is up to four texts with a line feed between them: method, content type, authorization, and the body, which
// may hold line feeds of its own.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "flowersec/controlplane/artifact_endpoint.h"

using namespace flowersec;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::string take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  const std::string line{rest.substr(0, end)};
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

/// The hooks see only what the rules let through.
void issue(const controlplane::artifact_question& question, const controlplane::issue_reply& reply) {
  require(!question.request.endpoint_id.empty());
  require(!question.request.trace_id || !question.request.trace_id->empty());
  const auto written = controlplane::encode_artifact_request(question.request);
  require(written.has_value());
  const auto again = controlplane::decode_artifact_request(*written, written->size());
  require(again && again->endpoint_id == question.request.endpoint_id && again->payload == question.request.payload &&
          again->trace_id == question.request.trace_id);
  reply(controlplane::hook_failure{{controlplane::http_refusal{418, "seen", question.request.endpoint_id}}});
}

void serve(std::string_view text) {
  static const controlplane::artifact_endpoint endpoint{{.issue = issue}};
  http::request request{.method = take_line(text), .target = "/", .headers = {}, .body = {}};
  request.headers.push_back({"Content-Type", take_line(text)});
  request.headers.push_back({"Authorization", take_line(text)});
  request.body = text;
  int answers = 0;
  endpoint(request, [&](const http::response& answer) {
    ++answers;
    require(answer.status >= 400 && !controlplane::decode_error_envelope(answer.body).code.empty());
    require(answer.status != 418 || request.body.size() <= controlplane::default_max_request_body_bytes);
  });
  require(answers == 1);
  request.body.clear();
  require(endpoint.refuse_unread(413, request).status >= 400);
}

void read_answer(std::string_view text) {
  const auto artifact = controlplane::decode_artifact_envelope(text);
  require(artifact || artifact.error().text().starts_with("bad "));
  (void)controlplane::decode_error_envelope(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  serve(text);
  read_answer(text);
  return 0;
}
