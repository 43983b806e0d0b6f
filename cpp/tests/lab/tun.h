// A TUN device of another network namespace.
#pragma once

#include <string>

#include "flowersec/base/error.h"

namespace flowersec::lab {

/// Owns the descriptor; the device is gone with it.
class tun_device {
 public:
  /// Makes the device `name` in the namespace /run/netns/`space`. `offload`: packets may be larger than the device's
  /// MTU and their checksums missing, as a network card would have them; each has `header_bytes` in front that say so.
  /// The calling thread is in that namespace afterwards. Throws std::system_error.
  tun_device(const std::string& space, const std::string& name, bool offload);
  tun_device(const tun_device&) = delete;
  tun_device& operator=(const tun_device&) = delete;
  ~tun_device();

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

  /// Of struct virtio_net_hdr.
  static constexpr std::size_t header_bytes = 10;

 private:
  int descriptor_ = -1;
};

}  // namespace flowersec::lab
