// See metrics.h. prometheus-cpp keeps the values; the order of families is ours.
#include "tunnel/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>

namespace flowersec::tunnel {

namespace {

using counters = prometheus::Family<prometheus::Counter>;
using gauges = prometheus::Family<prometheus::Gauge>;

const prometheus::Histogram::BucketBoundaries latency_buckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

prometheus::MetricFamily family_of(const extra_metric& one) {
  prometheus::ClientMetric sample;
  for (const auto& [name, value] : one.labels) sample.label.push_back({name, value});
  const bool counts = one.type == extra_metric::kind::counter;
  (counts ? sample.counter.value : sample.gauge.value) = one.value;
  return {one.name, one.help, counts ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge, {sample}};
}

}  // namespace

struct metrics::set {
  prometheus::Registry registry;
  gauges& connections = gauge("flowersec_tunnel_connections", "Upgraded connections.");
  gauges& channels = gauge("flowersec_tunnel_channels", "Channels, paired or waiting.");
  gauges& queued = gauge("flowersec_tunnel_queued_bytes", "Payload bytes held for all destinations.");
  gauges& tenant_queued = gauge("flowersec_tunnel_tenant_queued_bytes", "Payload bytes held for one scope.");
  counters& attach = counter("flowersec_tunnel_attach_total", "Attach outcomes.");
  counters& replace = counter("flowersec_tunnel_replace_total", "Same-role replacements.");
  counters& close = counter("flowersec_tunnel_close_total", "Endings of attached connections and channels.");
  counters& exhausted = counter("flowersec_tunnel_resource_exhausted_total", "Messages refused by a byte budget.");
  counters& encrypted_family = counter("flowersec_tunnel_encrypted_total", "Channels that showed a record.");
  prometheus::Counter& encrypted = encrypted_family.Add({});
  prometheus::Histogram& latency = prometheus::BuildHistogram()
                                       .Name("flowersec_tunnel_pair_latency_seconds")
                                       .Help("From the first attach of a channel to its pairing.")
                                       .Register(registry)
                                       .Add({}, latency_buckets);

 private:
  gauges& gauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  counters& counter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
};

metrics::metrics() = default;
metrics::~metrics() = default;

void metrics::enable() {
  const std::scoped_lock lock(mutex_);
  if (!set_) set_ = std::make_shared<set>();
}

void metrics::disable() {
  const std::scoped_lock lock(mutex_);
  set_.reset();
}

bool metrics::enabled() const { return current() != nullptr; }

std::shared_ptr<metrics::set> metrics::current() const {
  const std::scoped_lock lock(mutex_);
  return set_;
}

void metrics::attached(attach_reason reason) {
  const auto now = current();
  if (!now) return;
  const char* result = reason == attach_reason::ok ? "ok" : "fail";
  now->attach.Add({{"result", result}, {"reason", std::string{to_text(reason)}}}).Increment();
}

void metrics::replaced(bool ok) {
  if (const auto now = current()) now->replace.Add({{"result", ok ? "ok" : "rate_limited"}}).Increment();
}

void metrics::closed(close_reason reason) {
  if (const auto now = current()) now->close.Add({{"reason", std::string{to_text(reason)}}}).Increment();
}

void metrics::paired(std::chrono::nanoseconds since_first_attach) {
  const auto now = current();
  if (now && since_first_attach.count() > 0) {
    now->latency.Observe(std::chrono::duration<double>(since_first_attach).count());
  }
}

void metrics::record_seen() {
  if (const auto now = current()) now->encrypted.Increment();
}

void metrics::exhausted(const std::string& tenant, budget_limit limit) {
  const auto now = current();
  if (now) now->exhausted.Add({{"tenant", tenant}, {"limit", std::string{to_text(limit)}}}).Increment();
}

std::optional<std::string> metrics::text(const metrics_gauges& gauges, const std::vector<extra_metric>& extra) const {
  const auto now = current();
  if (!now) return std::nullopt;
  now->connections.Add({}).Set(static_cast<double>(gauges.connections));
  now->channels.Add({}).Set(static_cast<double>(gauges.channels));
  now->queued.Add({}).Set(static_cast<double>(gauges.queued_bytes));
  for (const auto& [tenant, bytes] : gauges.tenant_queued_bytes) {
    now->tenant_queued.Add({{"tenant", tenant}}).Set(static_cast<double>(bytes));
  }
  auto families = now->registry.Collect();
  std::erase_if(families, [](const auto& family) { return family.metric.empty(); });
  for (const auto& one : extra) families.push_back(family_of(one));
  std::ranges::sort(families, {}, &prometheus::MetricFamily::name);
  return prometheus::TextSerializer{}.Serialize(families);
}

}  // namespace flowersec::tunnel
