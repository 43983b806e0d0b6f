#include "chat/qr.h"

#include <qrencode.h>

#include <memory>

namespace flowersec::apps {
namespace {

struct free_code {
  void operator()(QRcode* code) const noexcept { QRcode_free(code); }
};

constexpr std::string_view colours_on = "\x1b[30;107m";
constexpr std::string_view colours_off = "\x1b[0m";

std::string_view half_block(bool upper, bool lower) noexcept {
  if (upper) return lower ? "\u2588" : "\u2580";
  return lower ? "\u2584" : " ";
}

}  // namespace

std::optional<std::string> qr_blocks(std::string_view text, qr_colours colours) {
  const std::string terminated{text};
  const std::unique_ptr<QRcode, free_code> code{QRcode_encodeString8bit(terminated.c_str(), 0, QR_ECLEVEL_L)};
  if (!code) return std::nullopt;
  const int width = code->width;
  const auto is_dark = [&](int row, int column) {
    if (row < 0 || column < 0 || row >= width || column >= width) return false;
    return (code->data[static_cast<std::size_t>(row * width + column)] & 1U) != 0;
  };
  std::string lines;
  for (int row = -qr_quiet_modules; row < width + qr_quiet_modules; row += 2) {
    if (colours == qr_colours::black_on_white) lines += colours_on;
    for (int column = -qr_quiet_modules; column < width + qr_quiet_modules; ++column) {
      lines += half_block(is_dark(row, column), is_dark(row + 1, column));
    }
    if (colours == qr_colours::black_on_white) lines += colours_off;
    lines += '\n';
  }
  return lines;
}

}  // namespace flowersec::apps
