#include "model/term.h"

#include <array>

namespace flowersec::model {

term term_table::add(row made) {
  rows_.push_back(std::move(made));
  return static_cast<term>(rows_.size() - 1);
}

term term_table::atom(shape what, std::string_view text) {
  const auto [place, is_new] = atoms_.try_emplace({what, std::string{text}}, 0);
  if (is_new) place->second = add({what, {}, std::string{text}});
  return place->second;
}

term term_table::make(shape what, std::vector<term> parts) {
  const auto [place, is_new] = made_.try_emplace({what, parts}, 0);
  if (is_new) place->second = add({what, std::move(parts), {}});
  return place->second;
}

std::string term_table::text(term of) const {
  static constexpr std::array<std::string_view, 8> words{"", "", "public", "shared", "hash", "mac", "derive", "seal"};
  const auto& it = rows_[of];
  if (it.parts.empty()) return it.atom;
  std::string out{words[static_cast<std::size_t>(it.what)]};
  out += '(';
  for (std::size_t i = 0; i < it.parts.size(); ++i) out += (i == 0 ? "" : ", ") + text(it.parts[i]);
  return out + ')';
}

}  // namespace flowersec::model
