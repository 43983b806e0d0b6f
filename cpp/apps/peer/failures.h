// Errors of the endpoint layer in words for people.
// Layer apps.
#pragma once

#include <exception>
#include <string>

#include "flowersec/base/error.h"

namespace flowersec::apps {

/// "tunnel: attach/token_replay (the token was used before)", or the plain message of another error.
[[nodiscard]] std::string explain(const error_code& error);

/// The same for what a coroutine threw.
[[nodiscard]] std::string explain(const std::exception_ptr& thrown);

}  // namespace flowersec::apps
