#include "support/allocation_counter.h"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t allocations = 0;
thread_local std::size_t allocated_bytes = 0;

void* allocate(std::size_t bytes) {
  ++allocations;
  allocated_bytes += bytes;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc{};
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes); }
void* operator new[](std::size_t bytes) { return allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace flowersec::testing {

allocation_counter::allocation_counter() noexcept : at_start_(allocations), bytes_at_start_(allocated_bytes) {}
std::size_t allocation_counter::count() const noexcept { return allocations - at_start_; }
std::size_t allocation_counter::bytes() const noexcept { return allocated_bytes - bytes_at_start_; }

}  // namespace flowersec::testing
