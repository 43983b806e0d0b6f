#include "lab/tun.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace flowersec::lab {
namespace {

[[noreturn]] void fail(const std::string& what) { throw std::system_error{errno, std::generic_category(), what}; }

void enter(const std::string& space) {
  const auto file = "/run/netns/" + space;
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail(file);
  const int entered = ::setns(descriptor, CLONE_NEWNET);
  const int why = errno;
  ::close(descriptor);
  errno = why;
  if (entered != 0) fail("entering " + file);
}

}  // namespace

tun_device::tun_device(const std::string& space, const std::string& name, bool offload) {
  enter(space);
  ifreq request{};
  if (name.size() >= sizeof request.ifr_name) {
    errno = ENAMETOOLONG;
    fail(name);
  }
  std::copy(name.begin(), name.end(), std::begin(request.ifr_name));
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0));
  descriptor_ = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (descriptor_ < 0) fail("/dev/net/tun");
  const bool made = ::ioctl(descriptor_, TUNSETIFF, &request) == 0 &&
                    (!offload || ::ioctl(descriptor_, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) == 0);
  if (made) return;
  const int why = errno;
  ::close(descriptor_);
  errno = why;
  fail("device " + name);
}

tun_device::~tun_device() { ::close(descriptor_); }

}  // namespace flowersec::lab
