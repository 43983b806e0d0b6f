// Any text to every generated reader. What is read can be written, and what was written reads as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "flowersec/controlplane/v1/types.gen.h"
#include "flowersec/demo/v1/types.gen.h"
#include "flowersec/direct/v1/types.gen.h"
#include "flowersec/e2ee/v1/types.gen.h"
#include "flowersec/policy/v1/types.gen.h"
#include "flowersec/rpc/v1/types.gen.h"
#include "flowersec/stats/v1/types.gen.h"
#include "flowersec/token/v1/types.gen.h"
#include "flowersec/torture/v1/types.gen.h"
#include "flowersec/tunnel/v1/types.gen.h"

namespace {

using namespace flowersec::messages;

template <class Message>
void check(decoded<Message> (*decode)(std::string_view), std::string_view text) {
  const auto message = decode(text);
  if (!message) {
    if (message.error().message.empty()) std::abort();
    return;
  }
  const auto written = try_encode(*message);
  if (!written) std::abort();
  const auto again = decode(*written);
  if (!again || encode(*again) != *written) std::abort();
}

/// Every kind of field that there is, in messages that hold themselves and each other.
void check_torture(std::string_view text) {
  namespace torture = flowersec::torture::v1;
  check(torture::decode_branch, text);
  check(torture::decode_copy, text);
  check(torture::decode_empty, text);
  check(torture::decode_everything, text);
  check(torture::decode_forest, text);
  check(torture::decode_handler, text);
  check(torture::decode_macros, text);
  check(torture::decode_maybe, text);
  check(torture::decode_options, text);
  check(torture::decode_promise, text);
  check(torture::decode_request, text);
  check(torture::decode_secrets, text);
  check(torture::decode_token, text);
  check(torture::decode_tree, text);
  check(torture::decode_wood, text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  check(controlplane::v1::decode_channel_init_grant, text);
  check(controlplane::v1::decode_correlation_context, text);
  check(controlplane::v1::decode_credential_wrapper, text);
  check(controlplane::v1::decode_grants_file, text);
  check(controlplane::v1::decode_scope_metadata_entry, text);
  check(controlplane::v1::decode_tunnel_artifact, text);
  check(demo::v1::decode_hello_notify, text);
  check(demo::v1::decode_ping_request, text);
  check(demo::v1::decode_ping_response, text);
  check(direct::v1::decode_direct_artifact, text);
  check(direct::v1::decode_direct_connect_info, text);
  check(direct::v1::decode_direct_info_file, text);
  check(e2ee::v1::decode_e2ee_ack, text);
  check(e2ee::v1::decode_e2ee_init, text);
  check(e2ee::v1::decode_e2ee_init_suite, text);
  check(e2ee::v1::decode_e2ee_resp, text);
  check(policy::v1::decode_attach_decision, text);
  check(policy::v1::decode_attach_question, text);
  check(policy::v1::decode_observe_decisions, text);
  check(policy::v1::decode_observe_question, text);
  check(rpc::v1::decode_rpc_envelope, text);
  check(rpc::v1::decode_rpc_error, text);
  check(rpc::v1::decode_stream_hello, text);
  check(stats::v1::decode_bandwidth_report, text);
  check(token::v1::decode_keyset_file, text);
  check(token::v1::decode_private_key_file, text);
  check(token::v1::decode_tenants_file, text);
  check(token::v1::decode_token_payload, text);
  check(tunnel::v1::decode_attach, text);
  check_torture(text);
  return 0;
}
