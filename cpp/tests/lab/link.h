// The lab's link: two devices, and a path from each to the other.
#pragma once

#include <array>
#include <iosfwd>
#include <string>
#include <string_view>

#include "lab/path.h"
#include "lab/tun.h"

namespace flowersec::lab {

/// Where a device is made.
struct link_end {
  std::string space;
  std::string device;
};

/// Told what to do by lines, it says what it did by lines of JSON.
///
///   set there|back|both NAME=VALUE...   what the paths do from now on; see change()
///   hole there|back|both MS             nothing comes through for so long
///   stats                               what happened to the packets
class lab_link {
 public:
  lab_link(const link_end& near, const link_end& far, bool offload, std::uint64_t seed, std::ostream& out);

  /// Until the input ends.
  void run(int input);

 private:
  void obey(std::string_view line);
  void set(std::string_view which, std::string_view changes);
  void open_hole(std::string_view which, std::string_view milliseconds);
  void print_figures();
  void say(std::string_view text);

  bool read_commands(int input);
  void receive(std::size_t from, moment now);
  void refuse(std::size_t from, byte_view packet);
  void deliver(moment now);
  void close_hole(moment now);
  [[nodiscard]] moment sleep_until() const;
  [[nodiscard]] moment now() const;

  std::ostream& out_;
  const std::size_t header_bytes_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::array<tun_device, 2> devices_;
  std::array<path, 2> paths_;  ///< [i] is from devices_[i] to the other
  std::optional<moment> hole_until_;
  std::uint64_t refused_by_kernel_ = 0;
  std::string commands_;
  byte_buffer block_ = byte_buffer(128 * 1024);
};

}  // namespace flowersec::lab
