// The families of RPC metrics, as a scraper reads them.
#include "flowersec/rpc/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flowersec::testing {
namespace {

using namespace flowersec::rpc;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(rpc_metrics, count_by_outcome_and_direction) {
  prometheus_observer seen;
  seen.on_server_request(call_result::ok);
  seen.on_server_request(call_result::ok);
  seen.on_server_request(call_result::handler_not_found);
  seen.on_server_frame_error(frame_direction::read);
  seen.on_client_frame_error(frame_direction::write);
  seen.on_client_notify();
  const auto text = seen.text();
  EXPECT_THAT(text, HasSubstr("# TYPE flowersec_rpc_requests_total counter"));
  EXPECT_THAT(text, HasSubstr("flowersec_rpc_requests_total{result=\"ok\"} 2"));
  EXPECT_THAT(text, HasSubstr("flowersec_rpc_requests_total{result=\"handler_not_found\"} 1"));
  EXPECT_THAT(text, HasSubstr("flowersec_rpc_frame_errors_total{direction=\"read\"} 1"));
  EXPECT_THAT(text, HasSubstr("flowersec_rpc_client_frame_errors_total{direction=\"write\"} 1"));
  EXPECT_THAT(text, HasSubstr("flowersec_rpc_client_notify_total 1"));
  EXPECT_THAT(text, Not(HasSubstr("flowersec_rpc_client_calls_total")));
}

TEST(rpc_metrics, every_outcome_has_its_label) {
  prometheus_observer seen;
  for (const auto result : {call_result::ok, call_result::rpc_error, call_result::handler_not_found,
                            call_result::transport_error, call_result::canceled, call_result::resource_exhausted}) {
    seen.on_client_call(result, 1ms);
  }
  const auto text = seen.text();
  for (const auto* name :
       {"ok", "rpc_error", "handler_not_found", "transport_error", "canceled", "resource_exhausted"}) {
    EXPECT_THAT(text, HasSubstr("flowersec_rpc_client_calls_total{result=\"" + std::string{name} + "\"} 1"));
  }
}

TEST(rpc_metrics, latency_falls_into_the_buckets_of_the_family) {
  prometheus_observer seen;
  seen.on_client_call(call_result::ok, 5ms);  // the edge belongs to its bucket
  seen.on_client_call(call_result::ok, 6ms);
  seen.on_client_call(call_result::ok, 11s);
  const auto text = seen.text();
  const std::string name = "flowersec_rpc_client_call_latency_seconds";
  EXPECT_THAT(text, HasSubstr("# TYPE " + name + " histogram"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{le=\"0.005\"} 1"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{le=\"0.01\"} 2"));
  for (const auto* le : {"0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10"}) {
    EXPECT_THAT(text, HasSubstr(name + "_bucket{le=\"" + le + "\"} 2"));
  }
  EXPECT_THAT(text, HasSubstr(name + "_bucket{le=\"+Inf\"} 3"));
  EXPECT_THAT(text, HasSubstr(name + "_count 3"));
}

TEST(rpc_metrics, a_switch_counts_nowhere_until_it_is_set_and_after_it_is_unset) {
  switchable_observer swap;
  const auto seen = std::make_shared<prometheus_observer>();
  swap.on_client_notify();
  swap.switch_to(seen);
  swap.on_client_notify();
  swap.on_server_request(call_result::ok);
  swap.switch_to(nullptr);
  swap.on_client_notify();
  EXPECT_THAT(seen->text(), HasSubstr("flowersec_rpc_client_notify_total 1\n"));
  EXPECT_THAT(seen->text(), HasSubstr("flowersec_rpc_requests_total{result=\"ok\"} 1\n"));
}

}  // namespace
}  // namespace flowersec::testing
