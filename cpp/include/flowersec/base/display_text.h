// Text of strangers on a terminal or a page: nothing in it moves the cursor, reorders its neighbours or hides.
// Layer base. Pure functions. The table of cases that both languages share is testdata/base/display_text.json.
// Source: IDENTITY, "Text of strangers".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace flowersec {

enum class line_breaks : std::uint8_t {
  shown,  ///< as any control character
  kept,   ///< U+000A and U+0009 stay, CR LF becomes LF: for text in a block of its own
};

/// The text with its hidden characters gone or visible.
/// Dropped  soft hyphen, zero width space, joiner and non-joiner, word joiner, byte order mark.
/// Shown    every other hidden character, as \u{202e}; each byte that is not UTF-8, as \x{9b}.
/// Limits   the result has at most 6 bytes for one of the text; a caller bounds the text.
[[nodiscard]] std::string display_text(std::string_view text, line_breaks breaks = line_breaks::shown);

/// Whether a text is not UTF-8, or has a hidden character: a control, or a format character of no width of its own
/// (soft hyphen, Arabic letter mark, zero width and direction marks, line and paragraph separators, embeddings,
/// overrides and isolates, word joiner, byte order mark, interlinear annotations, tags).
[[nodiscard]] bool has_hidden_characters(std::string_view text) noexcept;

}  // namespace flowersec
