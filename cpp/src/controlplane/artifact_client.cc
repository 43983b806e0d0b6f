#include "flowersec/controlplane/artifact_client.h"

#include <algorithm>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

#include "flowersec/base/text.h"

namespace flowersec::controlplane {

namespace asio = boost::asio;

namespace {

using messages::sensitive_text;

artifact_failure failure_of(artifact_errc cause, std::string message) {
  return {.cause = make_error_code(cause), .message = std::move(message)};
}

artifact_failure denied() {
  auto failure = failure_of(artifact_errc::transport_policy_denied, describe(artifact_errc::transport_policy_denied));
  failure.code = "transport_policy_denied";
  return failure;
}

/// One spelling only, so that nothing that merely resembles an address of this host gets through.
bool is_loopback_literal(const std::string& host) {
  if (host == "localhost" || host == "::1") return true;
  error_code failed;
  const auto address = asio::ip::make_address_v4(host, failed);
  return !failed && address.is_loopback() && address.to_string() == host;
}

/// Host and port as they are spelled.
std::string_view authority_of(std::string_view url) {
  const auto begin = url.find("//");
  if (begin == std::string_view::npos) return {};
  const auto rest = url.substr(begin + 2);
  return rest.substr(0, rest.find_first_of("/?#"));
}

boost::system::result<http::url, artifact_failure> destination(const artifact_client_options& options,
                                                               std::string_view default_path) {
  auto base = trim(options.base_url);
  while (base.ends_with('/')) base.remove_suffix(1);
  const auto text = std::string{base} + (options.path ? *options.path : std::string{default_path});
  auto to = http::parse_url(text);
  if (!to || text.find('#') != std::string::npos) return denied();
  // What the path begins with would else be the end of the host or of the port.
  if (!base.empty() && authority_of(base) != authority_of(text)) return denied();
  // The parser resolves escapes; a literal has none.
  const bool spelled_out = authority_of(text).find('%') == std::string_view::npos;
  if (to->secure || (options.allow_loopback_http && spelled_out && is_loopback_literal(to->host))) return *to;
  return denied();
}

bool has_header(const std::vector<http::header>& headers, std::string_view name) {
  return http::find_header(headers, name).has_value();
}

boost::system::result<http::fetch_request, artifact_failure> prepare(const artifact_client_options& options,
                                                                     const artifact_request& request,
                                                                     const std::optional<sensitive_text>& ticket) {
  if (!options.fetching.validate()) return failure_of(artifact_errc::bad_request, "bad limits");
  auto body = encode_artifact_request(request);
  if (!body) return failure_of(artifact_errc::bad_request, "missing endpoint_id, or bad payload or trace_id");
  if (ticket && is_blank(ticket->view())) return failure_of(artifact_errc::bad_request, "missing entry ticket");
  auto to = destination(options, ticket ? default_entry_artifact_path : default_artifact_path);
  if (!to) return to.error();
  http::fetch_request call{
      .to = *std::move(to), .method = "POST", .headers = options.headers, .body = *std::move(body)};
  if (!has_header(call.headers, "Content-Type")) call.headers.push_back({"Content-Type", "application/json"});
  if (!has_header(call.headers, "Accept")) call.headers.push_back({"Accept", "application/json"});
  if (ticket) {
    std::erase_if(call.headers, [](const auto& entry) { return ascii_iequals(entry.name, "Authorization"); });
    call.headers.push_back({"Authorization", "Bearer " + std::string{trim(ticket->view())}});
  }
  return call;
}

artifact_failure refusal_of(http::response answer) {
  auto told = decode_error_envelope(answer.body);
  artifact_failure failure{.cause = make_error_code(artifact_errc::refused),
                           .status = answer.status,
                           .code = std::move(told.code),
                           .message = std::move(told.message)};
  if (failure.message.empty()) failure.message = answer.body;
  if (is_blank(failure.message)) {
    failure.message = "controlplane request failed: " + std::to_string(answer.status);
  }
  failure.response_body = std::move(answer.body);
  return failure;
}

artifact_outcome judge(const error_code& error, http::response answer) {
  if (error) {
    const bool has_head = error == http::http_errc::body_too_large;
    return artifact_failure{.cause = error, .status = has_head ? answer.status : 0, .message = error.message()};
  }
  if (answer.status < 200 || answer.status > 299) return refusal_of(std::move(answer));
  const sensitive_text body{std::move(answer.body)};
  auto artifact = decode_artifact_envelope(body.view());
  if (artifact) return *std::move(artifact);
  const auto& defect = artifact.error();
  const bool missing = defect.field == "connect_artifact";
  auto failure = failure_of(artifact_errc::bad_response,
                            "invalid controlplane response: " + (missing ? "missing connect_artifact" : defect.text()));
  failure.status = answer.status;
  return failure;
}

}  // namespace

const char* describe(artifact_errc code) noexcept {
  switch (code) {
    case artifact_errc::bad_request:
      return "the request for an artifact is not valid";
    case artifact_errc::transport_policy_denied:
      return "credentials may not be sent to this URL";
    case artifact_errc::refused:
      return "the controlplane refused the request";
    case artifact_errc::bad_response:
      return "the controlplane's answer holds no valid artifact";
  }
  return "unknown artifact error";
}

error_code make_error_code(artifact_errc code) noexcept {
  static constexpr errc_category<artifact_errc> category{"flowersec.artifact"};
  return {static_cast<int>(code), category};
}

void throw_exception_from_error(const artifact_failure& what, const boost::source_location& /*where*/) {
  throw boost::system::system_error(what.cause, what.message);
}

void detail::start_artifact_request(asio::any_io_executor executor, artifact_client_options options,
                                    artifact_request request, std::optional<sensitive_text> ticket,
                                    artifact_handler handler) {
  const auto where = asio::get_associated_executor(handler, executor);
  auto call = prepare(options, request, ticket);
  if (!call) {
    asio::post(executor, asio::bind_executor(where, [waiting = std::move(handler), failed = call.error()]() mutable {
                 std::move(waiting)(std::move(failed));
               }));
    return;
  }
  const auto slot = asio::get_associated_cancellation_slot(handler);
  http::async_fetch(executor, *std::move(call), std::move(options.fetching),
                    asio::bind_cancellation_slot(
                        slot, asio::bind_executor(where, [waiting = std::move(handler)](const error_code& error,
                                                                                        http::response answer) mutable {
                          std::move(waiting)(judge(error, std::move(answer)));
                        })));
}

}  // namespace flowersec::controlplane
