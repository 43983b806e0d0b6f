#include "flowersec/base/clock.h"

namespace flowersec {
namespace {

class system_clock_source final : public clock_source {
 public:
  [[nodiscard]] mono_time mono_now() const noexcept override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] wall_time wall_now() const noexcept override { return std::chrono::system_clock::now(); }
};

}  // namespace

const clock_source& system_clocks() noexcept {
  static const system_clock_source source;
  return source;
}

}  // namespace flowersec
