// Whether this test program was built with a sanitizer. Test support.
// A sanitizer takes several times as long for everything and keeps some descriptors and libraries for itself.
#pragma once

#if defined(__SANITIZE_THREAD__)
#define FLOWERSEC_THREAD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FLOWERSEC_THREAD_SANITIZED 1
#endif
#endif

namespace flowersec::testing_support {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

}  // namespace flowersec::testing_support
