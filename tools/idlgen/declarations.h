// The names that generated code declares, noted by a printer where it prints each, so that the rule against clashes
// knows every name there is. One for all files of a run: two of them may open the same namespace.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "diagnostics.h"
#include "model.h"

namespace flowersec::idlgen {

class declarations {
 public:
  /// `language` is for messages, for example "C++".
  explicit declarations(std::string language) : language_(std::move(language)) {}

  /// Something that has its name for itself within the scope. Returns the name.
  std::string declare(const std::string& scope, const std::string& name, const origin& owner);
  /// One of several functions of this name, told apart by their parameters.
  std::string overload(const std::string& scope, const std::string& name, const origin& owner);
  /// A namespace and those around it, "acme::files::v1". Several files may open it.
  void open_namespace(const std::string& name, const origin& owner);

  /// The first name that two elements share, at the one declared later; once for each two.
  void report(diagnostics& problems) const;

 private:
  enum class sharing { none, overloads, namespaces };
  struct use {
    sharing how = sharing::none;
    origin owner{};
  };
  void note(const std::string& scope, const std::string& name, sharing how, const origin& owner);

  using place = std::pair<std::string, std::string>;  ///< scope and name

  std::string language_;
  std::map<place, std::vector<use>> uses_;
  std::vector<place> order_;
};

}  // namespace flowersec::idlgen
