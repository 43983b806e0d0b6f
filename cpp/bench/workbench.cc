#include "workbench.h"

#include "tunnel_relay.h"

namespace flowersec::bench {

workbench::workbench(bench_options chosen, environment where) : options_(std::move(chosen)), where_(std::move(where)) {}

workbench::~workbench() = default;

relay& workbench::byte_relay() {
  if (!byte_relay_) byte_relay_ = start_byte_relay();
  return *byte_relay_;
}

relay& workbench::beast_relay() {
  if (!beast_relay_) beast_relay_ = start_beast_relay();
  return *beast_relay_;
}

relay* workbench::haproxy() {
  if (!haproxy_) haproxy_ = start_haproxy(where_.child_environment());
  return haproxy_.get();
}

tunnel_relay& workbench::tunnel() {
  if (!tunnel_) tunnel_ = fresh_tunnel();
  return *tunnel_;
}

relay& workbench::product() {
  if (!options_.null_test) return tunnel();
  if (!null_relay_) null_relay_ = start_byte_relay();
  return *null_relay_;
}

std::unique_ptr<tunnel_relay> workbench::fresh_tunnel(std::vector<std::string> more_environment) const {
  auto variables = where_.child_environment();
  for (auto& each : more_environment) variables.push_back(std::move(each));
  return std::make_unique<tunnel_relay>(tunnel_options{options_.tunnel_program, std::move(variables)});
}

}  // namespace flowersec::bench
