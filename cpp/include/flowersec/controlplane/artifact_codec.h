// What travels over the artifact endpoints: the request, the two envelopes it is answered with, and the bearer ticket.
// Layer controlplane, part `http`. Texts and headers only, no I/O. Source: CONTROLPLANE, "Artifact endpoints".
#pragma once

#include <boost/assert/source_location.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowersec/http/message.h"
#include "flowersec/messages/decode_error.h"
#include "flowersec/messages/sensitive_text.h"
#include "flowersec/token/artifact.h"

namespace flowersec::controlplane {

inline constexpr std::string_view default_artifact_path = "/v1/connect/artifact";
inline constexpr std::string_view default_entry_artifact_path = "/v1/connect/artifact/entry";
/// Body of a request unless the endpoint says otherwise: what one request can make a server hold.
inline constexpr std::size_t default_max_request_body_bytes = 32768;

/// Which endpoint a client should be led to.
struct artifact_request {
  std::string endpoint_id{};              ///< trimmed, not empty
  std::optional<std::string> payload{};   ///< text of a JSON object for the application
  std::optional<std::string> trace_id{};  ///< trimmed, not empty; its pattern is the issuer's business
};

/// A request that is not granted: what the caller is told.
struct http_refusal {
  unsigned status = 0;
  std::string code{};     ///< for programs
  std::string message{};  ///< for people
  friend bool operator==(const http_refusal&, const http_refusal&) = default;
};

/// Found by result::value() on a refusal; throws std::runtime_error.
[[noreturn]] void throw_exception_from_error(const http_refusal& what, const boost::source_location& where);

/// Method and content type, which are judged before the body is read.
/// Errors   405 method_not_allowed; 415 unsupported_media_type.
[[nodiscard]] std::optional<http_refusal> check_artifact_request_head(const http::request& request);

/// Errors   413 body_too_large; 400 invalid_json for anything but one object; 400 invalid_request for an unknown key or
///          a bad value.
[[nodiscard]] boost::system::result<artifact_request, http_refusal> decode_artifact_request(
    std::string_view body, std::size_t max_body_bytes = default_max_request_body_bytes);

/// Texts must be UTF-8 and the payload the text of an object: nullopt if not, or if the endpoint id is blank.
[[nodiscard]] std::optional<std::string> encode_artifact_request(const artifact_request& request);

/// {"connect_artifact": ...} and a newline.
/// Errors   those of token::encode_connect_artifact().
[[nodiscard]] messages::decoded<messages::sensitive_text> encode_artifact_envelope(
    const token::connect_artifact& artifact);
/// Errors   not_an_object; bad_field "connect_artifact" of "ArtifactEnvelope" when it is missing; those of
///          token::decode_connect_artifact(). Other keys beside it are ignored.
[[nodiscard]] messages::decoded<token::connect_artifact> decode_artifact_envelope(std::string_view text);

/// {"error": {"code": ..., "message": ...}} and a newline. What is not UTF-8 in the texts is replaced.
[[nodiscard]] std::string encode_error_envelope(std::string_view code, std::string_view message);

struct error_envelope {
  std::string code{};     ///< trimmed; empty when there is none
  std::string message{};  ///< empty when there is none, or it is blank
  friend bool operator==(const error_envelope&, const error_envelope&) = default;
};
/// As much of the envelope as there is.
[[nodiscard]] error_envelope decode_error_envelope(std::string_view text);

/// The ticket of an Authorization header: what follows "Bearer ", in exactly these letters, trimmed. Empty when there
/// is none.
[[nodiscard]] messages::sensitive_text bearer_ticket(const std::vector<http::header>& headers);

}  // namespace flowersec::controlplane
