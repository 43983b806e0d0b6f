#include "ws/descriptor_bio.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace flowersec::ws {
namespace {

int descriptor_of(BIO* bio) noexcept { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

bool would_block() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int write_bytes(BIO* bio, const char* from, std::size_t size, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(descriptor_of(bio), from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) {
    if (would_block()) BIO_set_retry_write(bio);
    return 0;
  }
  *written = static_cast<std::size_t>(sent);
  return 1;
}

int read_bytes(BIO* bio, char* into, std::size_t size, std::size_t* read) {
  BIO_clear_retry_flags(bio);
  const auto received = ::recv(descriptor_of(bio), into, size, MSG_DONTWAIT);
  if (received > 0) {
    *read = static_cast<std::size_t>(received);
    return 1;
  }
  if (received == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  if (received < 0 && would_block()) BIO_set_retry_read(bio);
  return 0;
}

long control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
  switch (command) {
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    case BIO_CTRL_FLUSH:
      return 1;
    default:
      return 0;
  }
}

/// Made once and kept for the life of the process.
const BIO_METHOD* method() noexcept {
  static const BIO_METHOD* const made = [] {
    auto* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "flowersec socket");
    if (fresh != nullptr) {
      BIO_meth_set_write_ex(fresh, &write_bytes);
      BIO_meth_set_read_ex(fresh, &read_bytes);
      BIO_meth_set_ctrl(fresh, &control);
    }
    return fresh;
  }();
  return made;
}

}  // namespace

BIO* make_descriptor_bio(int descriptor) noexcept {
  if (method() == nullptr) return nullptr;
  auto* bio = BIO_new(method());
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(descriptor)));
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace flowersec::ws
