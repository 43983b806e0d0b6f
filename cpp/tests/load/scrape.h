// What a running tunnel says of itself: its metrics, its memory, its descriptors.
// Part of flowersec-load.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace flowersec::load {

/// Sample name with its labels, as written -> value.
using samples = std::map<std::string, double>;

[[nodiscard]] samples scrape(std::uint16_t metrics_port);
/// The sum over all samples whose name with labels begins with `prefix` and has `part` in it.
[[nodiscard]] double sum_of(const samples& from, const std::string& prefix, const std::string& part = {});

[[nodiscard]] std::size_t open_descriptors(pid_t pid);

/// Looks every tenth of a second until `holds`; false when that takes longer than `patience`.
[[nodiscard]] bool wait_until(const std::function<bool()>& holds, std::chrono::seconds patience);

}  // namespace flowersec::load
