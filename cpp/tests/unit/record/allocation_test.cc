// The hot path asks the heap for nothing: counted in operator new and in OpenSSL's own allocator.
#include <openssl/crypto.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "fixture.h"

namespace {

std::atomic<long> allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc{};
}

void* openssl_malloc(std::size_t size, const char*, int) {
  ++allocations;
  return std::malloc(size);
}
void* openssl_realloc(void* memory, std::size_t size, const char*, int) {
  ++allocations;
  return std::realloc(memory, size);
}
void openssl_free(void* memory, const char*, int) { std::free(memory); }

// Has to come before OpenSSL's first allocation, so before main.
const bool openssl_is_counted = CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace flowersec::record::testing {
namespace {

TEST(record_allocations, sealing_and_opening_take_nothing_from_the_heap) {
  ASSERT_TRUE(openssl_is_counted);
  const auto before_contexts = allocations.load();
  auto out = make_sealer();
  auto in = make_opener();
  ASSERT_GT(allocations.load(), before_contexts) << "the counter sees the contexts being made";

  const auto header = pattern(12);
  const auto body = pattern(16384);
  byte_buffer send(65536);
  const std::array<byte_view, 2> pieces{header, body};
  bool good = true;
  const auto exchange = [&] {
    for (int i = 0; i < 100; ++i) {
      const auto data = out.seal_app(pieces, send);
      good = good && data && in.open(std::span{send}.first(*data));
      const auto ping = out.seal_ping(send);
      good = good && ping && in.open(std::span{send}.first(*ping));
    }
  };
  exchange();
  const auto before = allocations.load();
  exchange();
  EXPECT_EQ(allocations.load(), before);
  EXPECT_TRUE(good);
}

TEST(record_allocations, an_announced_length_takes_nothing_from_the_heap) {
  auto in = make_opener();
  byte_buffer frame(header_bytes + 100);
  constexpr std::uint32_t announced = record_limits{}.max_record_bytes - header_bytes;
  encode_header({record_kind::app, first_sequence, announced}, std::span{frame}.first<header_bytes>());
  const auto before = allocations.load();
  const auto error = in.open(frame).error();
  EXPECT_EQ(allocations.load(), before);
  EXPECT_EQ(error, record_errc::size_mismatch);
}

}  // namespace
}  // namespace flowersec::record::testing
