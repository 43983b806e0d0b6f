// Memory for parsed JSON that may hold a token or a key: every block is overwritten before it is freed.
// Layer base, on Boost.JSON. Knows nothing of what the values are. Thread-safe when its upstream is.
#pragma once

#include <boost/json/memory_resource.hpp>
#include <boost/json/storage_ptr.hpp>
#include <cstddef>

namespace flowersec {

class wiping_resource final : public boost::json::memory_resource {
 public:
  /// Takes its blocks from `upstream`, or from the heap.
  explicit wiping_resource(boost::json::storage_ptr upstream = {}) noexcept : upstream_(std::move(upstream)) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  boost::json::storage_ptr upstream_;
};

/// The resource of the whole process, on the heap.
[[nodiscard]] boost::json::storage_ptr wiping_storage() noexcept;

}  // namespace flowersec
