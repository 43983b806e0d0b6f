// One direction of the lab's link: what happens to each packet, and when it comes out.
// Pure: told the packets and the time, it answers with packets. The same seed and the same packets give the same
// outcome.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "flowersec/base/bytes.h"
#include "flowersec/base/error.h"

namespace flowersec::lab {

/// Since the program began.
using moment = std::chrono::nanoseconds;

/// What a path does to packets. Chances are in millionths.
struct shape {
  std::chrono::milliseconds delay{0};
  std::uint64_t bits_per_second = 0;       ///< 0: as fast as they come
  std::uint64_t burst_bytes = 3000;        ///< what may leave at once after a silence: the depth of the token bucket
  std::uint64_t queue_bytes = 256 * 1024;  ///< waiting for the rate; what comes then is dropped
  std::uint64_t mtu = 65535;               ///< a longer packet is dropped
  bool says_too_big = true;                ///< whether the sender of such a packet is told
  std::uint32_t loss = 0;
  std::uint32_t duplicate = 0;
  std::uint32_t reorder = 0;
  std::chrono::milliseconds reorder_delay{10};  ///< how much later a packet comes that others overtake
};

/// Changes what `text` names: "delay_ms=100 rate_kbit=1000 burst=3000 queue=65536 mtu=1280 says_too_big=no loss=0.01
/// duplicate=0.1 reorder=0.05 reorder_ms=20". Returns what is wrong with it.
[[nodiscard]] std::optional<std::string> change(shape& it, std::string_view text);

enum class verdict : std::uint8_t { taken, lost, swallowed, overflowed, too_big };

struct path_figures {
  std::uint64_t packets = 0;  ///< offered
  std::uint64_t bytes = 0;
  std::uint64_t delivered = 0;  ///< a duplicate counts twice
  std::uint64_t lost = 0;
  std::uint64_t swallowed = 0;  ///< by a black hole
  std::uint64_t overflowed = 0;
  std::uint64_t too_big = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
};

class path {
 public:
  explicit path(std::uint64_t seed) : random_(seed) {}

  /// From now on. What is under way keeps its time.
  void set_shape(const shape& it) { shape_ = it; }
  [[nodiscard]] const shape& current() const { return shape_; }

  /// Everything is lost until then, also what is under way and would come out meanwhile.
  void black_hole(moment until) { hole_until_ = until; }
  [[nodiscard]] bool in_black_hole(moment now) const { return now < hole_until_; }

  /// `size` is what counts: without what the program puts in front of a packet.
  verdict offer(byte_buffer packet, std::size_t size, moment now);
  /// The next packet that is due, in order.
  [[nodiscard]] std::optional<byte_buffer> take(moment now);
  [[nodiscard]] std::optional<moment> next_due() const;
  [[nodiscard]] const path_figures& figures() const { return figures_; }

 private:
  [[nodiscard]] bool happens(std::uint32_t chance) { return random_() % 1'000'000 < chance; }
  /// When a packet has left the token bucket. Absent: the queue in front of it is full.
  [[nodiscard]] std::optional<moment> leaves(std::size_t size, moment now);

  struct waiting {
    moment until;
    std::size_t size;
  };

  shape shape_;
  std::mt19937_64 random_;
  moment hole_until_{0};
  moment bucket_empty_until_{0};  ///< when every token that was spent is there again
  std::deque<waiting> queue_;     ///< sizes only: the packets are under way
  std::uint64_t queued_bytes_ = 0;
  std::multimap<moment, byte_buffer> under_way_;
  path_figures figures_;
};

}  // namespace flowersec::lab
