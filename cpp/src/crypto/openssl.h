// Checks on OpenSSL calls that fail only when memory or the default provider is gone.
// Layer crypto, private.
#pragma once

#include <new>

namespace flowersec::crypto {

/// Input never reaches this: lengths were checked before. std::bad_alloc is the honest name for what is left.
inline void require(bool succeeded) {
  if (!succeeded) throw std::bad_alloc{};
}

}  // namespace flowersec::crypto
