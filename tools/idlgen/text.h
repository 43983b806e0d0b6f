// Lines of generated code, indented.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flowersec::idlgen {

class text {
 public:
  /// One line; empty for a blank one.
  template <class... Parts>
  text& line(const Parts&... parts) {
    std::string made;
    ((made += parts), ...);
    if (!made.empty()) out_.append(indent_ * 2, ' ').append(made);
    out_ += '\n';
    return *this;
  }
  /// Each line of `comment` behind `mark`, for example "/// ".
  text& comment(std::string_view comment, std::string_view mark);
  text& in() {
    ++indent_;
    return *this;
  }
  text& out() {
    --indent_;
    return *this;
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::size_t indent_ = 0;
};

/// The first line of every output, behind `mark`.
[[nodiscard]] std::string banner(std::string_view source);

}  // namespace flowersec::idlgen
