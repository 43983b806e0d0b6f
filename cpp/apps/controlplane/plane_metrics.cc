#include "controlplane/plane_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>

#include "cli/version.h"
#include "serving/process_metrics.h"

namespace flowersec::apps {
namespace {

using counters = prometheus::Family<prometheus::Counter>;
using gauge_family = prometheus::Family<prometheus::Gauge>;

const prometheus::Histogram::BucketBoundaries latency_buckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                              0.1,   0.25,   0.5,   1,    2.5,   5};

prometheus::MetricFamily family_of(const process_metric& one) {
  prometheus::ClientMetric sample;
  (one.counts ? sample.counter.value : sample.gauge.value) = one.value;
  return {one.name, one.help, one.counts ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge, {sample}};
}

}  // namespace

struct plane_metrics::families {
  prometheus::Registry registry;
  counters& responses = counter("flowersec_controlplane_http_responses_total", "Answers, by route and status.");
  counters& artifacts = counter("flowersec_controlplane_artifacts_total", "Artifacts asked for, by how it ended.");
  counters& registrations = counter("flowersec_controlplane_registrations_total", "Registrations of endpoints.");
  counters& drops = counter("flowersec_controlplane_control_drops_total", "Control connections ended from this side.");
  prometheus::Histogram& latency = prometheus::BuildHistogram()
                                       .Name("flowersec_controlplane_issue_seconds")
                                       .Help("From a request for an artifact to its answer.")
                                       .Register(registry)
                                       .Add({}, latency_buckets);
  gauge_family& connections = gauge("flowersec_controlplane_control_connections", "Control connections.");
  gauge_family& endpoints = gauge("flowersec_controlplane_registered_endpoints", "Endpoints that can be asked for.");
  gauge_family& key = gauge("flowersec_controlplane_signing_key_info", "Always 1; the label names the key that signs.");
  gauge_family& build = gauge("flowersec_controlplane_build_info", "Always 1; the labels say which build runs.");

 private:
  counters& counter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  gauge_family& gauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
};

plane_metrics::plane_metrics() : families_(std::make_unique<families>()) {
  const auto& build = build_version();
  families_->build.Add({{"version", build.version}, {"commit", build.commit}}).Set(1);
}

plane_metrics::~plane_metrics() = default;

void plane_metrics::answered(std::string_view route, unsigned status) {
  families_->responses.Add({{"route", std::string{route}}, {"status", std::to_string(status)}}).Increment();
}

void plane_metrics::issued(std::string_view route, std::string_view outcome, std::chrono::nanoseconds took) {
  families_->artifacts.Add({{"route", std::string{route}}, {"outcome", std::string{outcome}}}).Increment();
  families_->latency.Observe(std::chrono::duration<double>(took).count());
}

void plane_metrics::registered(std::string_view outcome) {
  families_->registrations.Add({{"outcome", std::string{outcome}}}).Increment();
}

void plane_metrics::dropped(std::string_view reason) {
  families_->drops.Add({{"reason", std::string{reason}}}).Increment();
}

std::string plane_metrics::text(const gauges& present) const {
  families_->connections.Add({}).Set(static_cast<double>(present.connections));
  families_->endpoints.Add({}).Set(static_cast<double>(present.endpoints));
  auto& key = families_->key.Add({{"kid", present.kid}});
  key.Set(1);
  auto all = families_->registry.Collect();
  families_->key.Remove(&key);
  std::erase_if(all, [](const auto& family) { return family.metric.empty(); });
  for (const auto& one : process_metrics()) all.push_back(family_of(one));
  std::ranges::sort(all, {}, &prometheus::MetricFamily::name);
  return prometheus::TextSerializer{}.Serialize(all);
}

}  // namespace flowersec::apps
