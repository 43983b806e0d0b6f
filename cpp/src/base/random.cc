#include "flowersec/base/random.h"

#include <sys/random.h>

#include <cerrno>

namespace flowersec {
namespace {

class system_random_source final : public random_source {
 public:
  [[nodiscard]] bool fill(mutable_byte_view into) noexcept override {
    while (!into.empty()) {
      const auto got = ::getrandom(into.data(), into.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      into = into.subspan(static_cast<std::size_t>(got));
    }
    return true;
  }
};

}  // namespace

random_source& system_random() noexcept {
  static system_random_source source;
  return source;
}

}  // namespace flowersec
