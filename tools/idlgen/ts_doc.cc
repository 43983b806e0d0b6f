#include "ts_doc.h"

namespace flowersec::idlgen {

void doc(text& out, const std::string& comment) {
  if (comment.empty()) return;
  if (comment.find('\n') == std::string::npos) {
    out.line("/** ", comment, " */");
    return;
  }
  out.line("/**").comment(comment, " * ").line(" */");
}

std::string comment_or(const std::string& comment, const std::string& what, const origin& at) {
  return comment.empty() ? what + ' ' + at.element + '.' : comment;
}

}  // namespace flowersec::idlgen
