// libsodium chooses its fastest code for this processor in sodium_init; every part calls this before its first use.
// Layer crypto, private.
#pragma once

namespace flowersec::crypto {

void prepare_sodium() noexcept;

}  // namespace flowersec::crypto
