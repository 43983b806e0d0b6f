// Every case of idl/testdata/codec_cases.json; the TypeScript codecs run the same file.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

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
#include "idl/case_table.h"

namespace flowersec::messages {
namespace {

using testing::read_table;
using testing::text_of;

struct outcome {
  std::string error;    ///< as both languages spell it; empty when accepted
  std::string written;  ///< what the accepted message is written as
};

using codec_run = std::function<outcome(std::string_view)>;

template <class Message>
codec_run with(decoded<Message> (*decode)(std::string_view)) {
  return [decode](std::string_view text) -> outcome {
    const auto message = decode(text);
    if (!message) {
      const auto& why = message.error();
      return {why.text(), {}};
    }
    const auto checked = try_encode(*message);
    EXPECT_TRUE(checked.has_value()) << "what was read can be written";
    EXPECT_EQ(encode(*message), *checked);
    return {{}, *checked};
  };
}

const std::map<std::string, codec_run, std::less<>> codecs{
    {"controlplane.ChannelInitGrant", with(controlplane::v1::decode_channel_init_grant)},
    {"controlplane.CorrelationContext", with(controlplane::v1::decode_correlation_context)},
    {"controlplane.CorrelationKV", with(controlplane::v1::decode_correlation_kv)},
    {"controlplane.ScopeMetadataEntry", with(controlplane::v1::decode_scope_metadata_entry)},
    {"demo.HelloNotify", with(demo::v1::decode_hello_notify)},
    {"demo.PingRequest", with(demo::v1::decode_ping_request)},
    {"demo.PingResponse", with(demo::v1::decode_ping_response)},
    {"direct.DirectConnectInfo", with(direct::v1::decode_direct_connect_info)},
    {"e2ee.E2EE_Ack", with(e2ee::v1::decode_e2ee_ack)},
    {"e2ee.E2EE_Init", with(e2ee::v1::decode_e2ee_init)},
    {"e2ee.E2EE_Resp", with(e2ee::v1::decode_e2ee_resp)},
    {"policy.AttachDecision", with(policy::v1::decode_attach_decision)},
    {"policy.ObserveQuestion", with(policy::v1::decode_observe_question)},
    {"rpc.RpcEnvelope", with(rpc::v1::decode_rpc_envelope)},
    {"rpc.RpcError", with(rpc::v1::decode_rpc_error)},
    {"rpc.StreamHello", with(rpc::v1::decode_stream_hello)},
    {"stats.BandwidthReport", with(stats::v1::decode_bandwidth_report)},
    {"token.KeysetFile", with(token::v1::decode_keyset_file)},
    {"token.PrivateKeyFile", with(token::v1::decode_private_key_file)},
    {"token.TenantsFile", with(token::v1::decode_tenants_file)},
    {"token.TokenPayload", with(token::v1::decode_token_payload)},
    {"torture.Branch", with(flowersec::torture::v1::decode_branch)},
    {"torture.Everything", with(flowersec::torture::v1::decode_everything)},
    {"torture.Maybe", with(flowersec::torture::v1::decode_maybe)},
    {"torture.Promise", with(flowersec::torture::v1::decode_promise)},
    {"torture.Secrets", with(flowersec::torture::v1::decode_secrets)},
    {"torture.Text", with(flowersec::torture::v1::decode_text)},
    {"torture.Tree", with(flowersec::torture::v1::decode_tree)},
    {"tunnel.Attach", with(tunnel::v1::decode_attach)},
};

std::string unhex(std::string_view digits) {
  std::string bytes;
  for (; digits.size() >= 2; digits.remove_prefix(2)) {
    bytes += static_cast<char>(std::stoi(std::string{digits.substr(0, 2)}, nullptr, 16));
  }
  return bytes;
}

std::string input_of(const boost::json::object& row) {
  if (row.contains("hex")) return unhex(text_of(row, "hex"));
  const auto* times = row.if_contains("times");
  if (times == nullptr) return text_of(row, "text");
  std::string text;
  for (std::int64_t i = 0; i < times->as_int64(); ++i) text += text_of(row, "open");
  for (std::int64_t i = 0; i < times->as_int64(); ++i) text += text_of(row, "close");
  return text;
}

/// What the row says of the accepted message; empty for a refusal.
std::string written_of(const boost::json::object& row) {
  return row.contains("times") && !row.contains("error") ? input_of(row) : text_of(row, "written");
}

TEST(codec_cases, every_row_has_its_outcome) {
  std::set<std::int64_t> points;
  const auto cases = read_table("cases");
  for (const auto& each : cases.as_array()) {
    const auto& row = each.as_object();
    const auto name = text_of(row, "name");
    auto input = input_of(row);
    if (const auto* size = row.if_contains("padded_to")) input.resize(static_cast<std::size_t>(size->as_int64()), ' ');
    if (row.at("point").is_int64()) points.insert(row.at("point").as_int64());
    const auto codec = codecs.find(text_of(row, "message"));
    ASSERT_NE(codec, codecs.end()) << name << ": unknown message " << text_of(row, "message");
    // An exact allocation, so that a sanitizer sees a read past the end.
    const std::vector<char> exact(input.begin(), input.end());
    const auto got = codec->second({exact.data(), exact.size()});
    EXPECT_EQ(got.error, text_of(row, "error")) << name;
    EXPECT_EQ(got.written, written_of(row)) << name;
  }
  for (std::int64_t point = 1; point <= 37; ++point)
    EXPECT_TRUE(points.contains(point)) << "no case for point " << point;
}

}  // namespace
}  // namespace flowersec::messages
