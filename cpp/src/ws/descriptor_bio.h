// An OpenSSL BIO on a non-blocking socket that never raises SIGPIPE, as OpenSSL's own socket BIO does.
// Layer ws, private to tls.
#pragma once

#include <openssl/bio.h>

namespace flowersec::ws {

/// The descriptor is not owned. nullptr when out of memory.
[[nodiscard]] BIO* make_descriptor_bio(int descriptor) noexcept;

}  // namespace flowersec::ws
