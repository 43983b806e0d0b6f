#include "flowersec/messages/sensitive_text.h"

#include <cstring>

namespace flowersec::messages {

sensitive_text& sensitive_text::operator=(sensitive_text&& other) noexcept {
  if (this != &other) {
    wipe();
    text_.swap(other.text_);
  }
  return *this;
}

void sensitive_text::wipe() noexcept {
  // capacity(), not size(): a shorter text may have replaced a longer one in the same memory.
  text_.resize(text_.capacity());
  explicit_bzero(text_.data(), text_.size());
  text_.clear();
}

}  // namespace flowersec::messages
