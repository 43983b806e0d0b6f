// Docstrings in the printed TypeScript: every export has one.
#pragma once

#include <string>

#include "model.h"
#include "text.h"

namespace flowersec::idlgen {

/// A docstring. Empty: prints nothing.
void doc(text& out, const std::string& comment);

/// The comment of a declaration; where the .proto has none, what it declares: "Message acme.files.v1.Folder."
std::string comment_or(const std::string& comment, const std::string& what, const origin& at);

}  // namespace flowersec::idlgen
