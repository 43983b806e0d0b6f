#include "flowersec/base/wiping_resource.h"

#include <cstring>

namespace flowersec {

void* wiping_resource::do_allocate(std::size_t bytes, std::size_t alignment) {
  return upstream_->allocate(bytes, alignment);
}

void wiping_resource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment) {
  explicit_bzero(block, bytes);
  upstream_->deallocate(block, bytes, alignment);
}

boost::json::storage_ptr wiping_storage() noexcept {
  static wiping_resource resource;
  return &resource;
}

}  // namespace flowersec
