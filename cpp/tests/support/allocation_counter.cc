#include "support/allocation_counter.h"

#include <malloc.h>

#include <cstdlib>
#include <new>

#include "support/sanitized.h"

namespace {

thread_local std::size_t allocations = 0;
thread_local std::size_t allocated_bytes = 0;
thread_local std::ptrdiff_t held_bytes = 0;

}  // namespace

#ifndef FLOWERSEC_THREAD_SANITIZED  // which has an operator new of its own

namespace {

void* allocate_or_null(std::size_t bytes) noexcept {
  ++allocations;
  allocated_bytes += bytes;
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  held_bytes += static_cast<std::ptrdiff_t>(::malloc_usable_size(memory));
  return memory;
}

void* allocate(std::size_t bytes) {
  if (void* memory = allocate_or_null(bytes)) return memory;
  throw std::bad_alloc{};
}

void give_back(void* memory) noexcept {
  held_bytes -= static_cast<std::ptrdiff_t>(::malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes); }
void* operator new[](std::size_t bytes) { return allocate(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept { return allocate_or_null(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept { return allocate_or_null(bytes); }
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete[](void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept { give_back(memory); }
void operator delete[](void* memory, const std::nothrow_t& /*tag*/) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { give_back(memory); }

#endif

namespace flowersec::testing {

#ifdef FLOWERSEC_THREAD_SANITIZED
bool allocation_counter::counts() noexcept { return false; }
#else
bool allocation_counter::counts() noexcept { return true; }
#endif

allocation_counter::allocation_counter() noexcept
    : at_start_(allocations), bytes_at_start_(allocated_bytes), held_at_start_(held_bytes) {}
std::size_t allocation_counter::count() const noexcept { return allocations - at_start_; }
std::size_t allocation_counter::bytes() const noexcept { return allocated_bytes - bytes_at_start_; }
std::ptrdiff_t allocation_counter::held() const noexcept { return held_bytes - held_at_start_; }

}  // namespace flowersec::testing
