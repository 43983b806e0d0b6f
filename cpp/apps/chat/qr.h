// A text as a QR code of characters, two modules each.
// Layer apps. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace flowersec::apps {

/// Light modules around the symbol, on each side. The standard asks for four; cameras are content with two.
inline constexpr int qr_quiet_modules = 2;

enum class qr_colours { none, black_on_white };

/// Lines of half blocks, each with its end; black modules are the ink. `black_on_white` sets the colours of a terminal
/// for each line, so that its own do not matter. nullopt: the text does not fit in a symbol.
[[nodiscard]] std::optional<std::string> qr_blocks(std::string_view text, qr_colours colours);

}  // namespace flowersec::apps
