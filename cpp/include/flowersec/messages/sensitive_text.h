// A text that must not be printed or left behind in memory: tokens, pre-shared keys and private keys in wire form.
// Layer messages. One owner: moving leaves the source empty and wiped; a copy has to be asked for by name.
#pragma once

#include <string>
#include <string_view>

namespace flowersec::messages {

class sensitive_text {
 public:
  sensitive_text() noexcept = default;
  explicit sensitive_text(std::string text) noexcept : text_(std::move(text)) {}
  explicit sensitive_text(std::string_view text) : text_(text) {}
  explicit sensitive_text(const char* text) : text_(text) {}
  sensitive_text(sensitive_text&& other) noexcept { text_.swap(other.text_); }
  sensitive_text& operator=(sensitive_text&& other) noexcept;
  sensitive_text(const sensitive_text&) = delete;
  sensitive_text& operator=(const sensitive_text&) = delete;
  ~sensitive_text() { wipe(); }

  /// A second owner of the same text.
  [[nodiscard]] sensitive_text clone() const { return sensitive_text{std::string_view{text_}}; }
  /// Valid until this object moves or dies.
  [[nodiscard]] std::string_view view() const noexcept { return text_; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  /// Overwrites the text and leaves this object empty.
  void wipe() noexcept;

 private:
  std::string text_;
};

}  // namespace flowersec::messages
