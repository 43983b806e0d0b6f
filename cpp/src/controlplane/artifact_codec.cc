#include "flowersec/controlplane/artifact_codec.h"

#include <array>
#include <stdexcept>

#include "controlplane/media_type.h"
#include "flowersec/base/json.h"
#include "flowersec/base/json_scan.h"
#include "flowersec/base/text.h"
#include "flowersec/messages/codec.h"

namespace flowersec::controlplane {
namespace {

using messages::decode_error;
using messages::messages_errc;
using messages::sensitive_text;
using refused = std::optional<http_refusal>;

constexpr std::string_view envelope_name = "ArtifactEnvelope";
constexpr std::string_view artifact_key = "connect_artifact";

http_refusal invalid_json(std::string message) { return {400, "invalid_json", std::move(message)}; }
http_refusal invalid_request(std::string message) { return {400, "invalid_request", std::move(message)}; }

/// Finds the members of the object in `text`; everything nested in them is for who reads them.
std::optional<decode_error> members_of(std::string_view text, std::span<const std::string_view> keys,
                                       std::span<std::string_view> raw, bool strict) {
  return messages::find_members({.name = {}, .keys = keys, .strict = strict, .max_depth = json_scan_max_depth - 1},
                                text, raw);
}

refused read_endpoint_id(std::string_view raw, std::string& into) {
  if (raw.empty()) return invalid_request("missing endpoint_id");
  const auto text = decode_json_string(raw);
  if (!text || is_blank(*text)) return invalid_request("bad endpoint_id");
  into = trim(*text);
  return std::nullopt;
}

refused read_payload(std::string_view raw, std::optional<std::string>& into) {
  if (raw.empty()) return std::nullopt;
  if (!raw.starts_with('{')) return invalid_request("bad payload");
  into = raw;
  return std::nullopt;
}

refused read_correlation(std::string_view raw, std::optional<std::string>& trace_id) {
  if (raw.empty() || raw == "null") return std::nullopt;
  if (!raw.starts_with('{')) return invalid_request("bad correlation");
  constexpr std::array<std::string_view, 1> keys{"trace_id"};
  std::array<std::string_view, 1> members{};
  if (const auto stranger = members_of(raw, keys, members, true)) {
    return invalid_request("unknown correlation field: " + stranger->field);
  }
  if (members[0].empty() || members[0] == "null") return std::nullopt;
  const auto text = decode_json_string(members[0]);
  if (!text) return invalid_request("bad correlation.trace_id");
  if (!is_blank(*text)) trace_id = trim(*text);
  return std::nullopt;
}

bool is_json_object(std::string_view text) { return trim(text).starts_with('{') && is_valid_json(text); }

std::string_view text_or(std::string_view text, std::string_view otherwise) {
  return is_valid_utf8(text) ? text : otherwise;
}

}  // namespace

void throw_exception_from_error(const http_refusal& what, const boost::source_location& /*where*/) {
  throw std::runtime_error(what.code + ": " + what.message);
}

refused check_artifact_request_head(const http::request& request) {
  if (request.method != "POST") return http_refusal{405, "method_not_allowed", "method must be POST"};
  const auto content_type = http::find_header(request.headers, "Content-Type");
  if (!content_type || !is_json_media_type(*content_type)) {
    return http_refusal{415, "unsupported_media_type", "content type must be application/json"};
  }
  return std::nullopt;
}

boost::system::result<artifact_request, http_refusal> decode_artifact_request(std::string_view body,
                                                                              std::size_t max_body_bytes) {
  if (body.size() > max_body_bytes) {
    return http_refusal{413, "body_too_large", "request body exceeds " + std::to_string(max_body_bytes) + " bytes"};
  }
  if (is_blank(body)) return invalid_json("request body must be a JSON object");
  constexpr std::array<std::string_view, 3> keys{"endpoint_id", "payload", "correlation"};
  std::array<std::string_view, 3> raw{};
  // A bare null is an object without anything.
  const auto bad = is_valid_json(body) && trim(body) == "null" ? std::nullopt : members_of(body, keys, raw, true);
  if (bad && bad->code == messages_errc::not_an_object) return invalid_json("malformed JSON request body");
  if (bad) return invalid_request("unknown request field: " + bad->field);
  artifact_request request;
  auto refusal = read_endpoint_id(raw[0], request.endpoint_id);
  if (!refusal) refusal = read_payload(raw[1], request.payload);
  if (!refusal) refusal = read_correlation(raw[2], request.trace_id);
  if (refusal) return *std::move(refusal);
  return request;
}

std::optional<std::string> encode_artifact_request(const artifact_request& request) {
  if (is_blank(request.endpoint_id) || !is_valid_utf8(request.endpoint_id)) return std::nullopt;
  if (request.payload && !is_json_object(*request.payload)) return std::nullopt;
  std::string text;
  json_object_writer out{text};
  out.field("endpoint_id", trim(request.endpoint_id));
  if (request.payload) out.raw("payload", *request.payload);
  if (request.trace_id && !is_blank(*request.trace_id)) {
    if (!is_valid_utf8(*request.trace_id)) return std::nullopt;
    std::string correlation;
    json_object_writer{correlation}.field("trace_id", trim(*request.trace_id)).end();
    out.raw("correlation", correlation);
  }
  out.end();
  return text;
}

messages::decoded<sensitive_text> encode_artifact_envelope(const token::connect_artifact& artifact) {
  const auto text = token::encode_connect_artifact(artifact);
  if (!text) return text.error();
  messages::text_writer out{{.indented = false, .secret = true, .checked = false}};
  out.open('{');
  out.begin_item();
  out.key(artifact_key);
  out.verbatim(text->view());
  out.close('}');
  out.verbatim("\n");
  return sensitive_text{out.take()};
}

messages::decoded<token::connect_artifact> decode_artifact_envelope(std::string_view text) {
  std::array<std::string_view, 1> raw{};
  if (text.size() > messages::max_text_bytes || members_of(text, {&artifact_key, 1}, raw, false)) {
    return decode_error{messages_errc::not_an_object, std::string{envelope_name}, {}};
  }
  if (raw[0].empty()) {
    return decode_error{messages_errc::bad_field, std::string{envelope_name}, std::string{artifact_key}};
  }
  return token::decode_connect_artifact(raw[0]);
}

std::string encode_error_envelope(std::string_view code, std::string_view message) {
  constexpr std::string_view replacement = "unprintable";
  std::string error;
  json_object_writer{error}
      .field("code", text_or(code, replacement))
      .field("message", text_or(message, replacement))
      .end();
  std::string text;
  json_object_writer{text}.raw("error", error).end();
  return text + '\n';
}

error_envelope decode_error_envelope(std::string_view text) {
  constexpr std::array<std::string_view, 1> outer{"error"};
  constexpr std::array<std::string_view, 2> inner{"code", "message"};
  std::array<std::string_view, 1> error{};
  std::array<std::string_view, 2> raw{};
  if (text.size() > messages::max_text_bytes || members_of(text, outer, error, false) ||
      members_of(error[0], inner, raw, false)) {
    return {};
  }
  error_envelope envelope;
  if (const auto code = decode_json_string(raw[0])) envelope.code = trim(*code);
  if (const auto message = decode_json_string(raw[1]); message && !is_blank(*message)) envelope.message = *message;
  return envelope;
}

sensitive_text bearer_ticket(const std::vector<http::header>& headers) {
  constexpr std::string_view scheme = "Bearer ";
  const auto value = trim(http::find_header(headers, "Authorization").value_or(std::string_view{}));
  return value.starts_with(scheme) ? sensitive_text{trim(value.substr(scheme.size()))} : sensitive_text{};
}

}  // namespace flowersec::controlplane
