#include "flowersec/rpc/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>

namespace flowersec::rpc {
namespace {

using counters = prometheus::Family<prometheus::Counter>;

const prometheus::Histogram::BucketBoundaries latency_buckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

// A counter that cannot be made for want of memory is not worth a call.
template <class Count>
void guarded(Count count) noexcept {
  try {
    count();
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
}

}  // namespace

struct prometheus_observer::families {
  prometheus::Registry registry;
  counters& requests = counter("flowersec_rpc_requests_total", "Requests answered, by outcome.");
  counters& frame_errors = counter("flowersec_rpc_frame_errors_total", "Streams that a server lost to a bad frame.");
  counters& client_frame_errors =
      counter("flowersec_rpc_client_frame_errors_total", "Streams that a client lost to a bad frame.");
  counters& calls = counter("flowersec_rpc_client_calls_total", "Calls ended, by outcome.");
  prometheus::Counter& notifications =
      counter("flowersec_rpc_client_notify_total", "Notifications that arrived.").Add({});
  prometheus::Histogram& latency = prometheus::BuildHistogram()
                                       .Name("flowersec_rpc_client_call_latency_seconds")
                                       .Help("From a call to its end.")
                                       .Register(registry)
                                       .Add({}, latency_buckets);

 private:
  counters& counter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
};

prometheus_observer::prometheus_observer() : families_(std::make_unique<families>()) {}
prometheus_observer::~prometheus_observer() = default;

void prometheus_observer::on_server_request(call_result result) noexcept {
  guarded([&] { families_->requests.Add({{"result", label(result)}}).Increment(); });
}

void prometheus_observer::on_server_frame_error(frame_direction direction) noexcept {
  guarded([&] { families_->frame_errors.Add({{"direction", label(direction)}}).Increment(); });
}

void prometheus_observer::on_client_frame_error(frame_direction direction) noexcept {
  guarded([&] { families_->client_frame_errors.Add({{"direction", label(direction)}}).Increment(); });
}

void prometheus_observer::on_client_call(call_result result, std::chrono::nanoseconds elapsed) noexcept {
  guarded([&] {
    families_->calls.Add({{"result", label(result)}}).Increment();
    families_->latency.Observe(std::chrono::duration<double>(elapsed).count());
  });
}

void prometheus_observer::on_client_notify() noexcept {
  guarded([&] { families_->notifications.Increment(); });
}

std::string prometheus_observer::text() const {
  auto collected = families_->registry.Collect();
  std::erase_if(collected, [](const auto& family) { return family.metric.empty(); });
  std::ranges::sort(collected, {}, &prometheus::MetricFamily::name);
  return prometheus::TextSerializer{}.Serialize(collected);
}

}  // namespace flowersec::rpc
