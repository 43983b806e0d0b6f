// Short answers of the messenger's machine.
// Layer apps. Pure; for the machine's own files.
#pragma once

#include <utility>

#include "chat/intents.h"

namespace flowersec::apps {

inline chat_intents only(intents::intent what) {
  chat_intents all;
  all.push_back(std::move(what));
  return all;
}

inline chat_intents complain(std::string_view code, std::string_view why) {
  return only(intents::tell{trouble(code, why)});
}
inline chat_intents complain(error_code code) { return complain(error_name(code), code.message()); }

}  // namespace flowersec::apps
