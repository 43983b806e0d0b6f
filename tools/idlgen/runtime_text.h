// runtime.ts, as part of the plugin.
#pragma once

#include <string_view>

namespace flowersec::idlgen {

extern const std::string_view ts_runtime_text;

}  // namespace flowersec::idlgen
