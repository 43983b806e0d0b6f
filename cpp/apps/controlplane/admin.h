// The commands that administer a state file.
// Layer apps. Each works on the file itself, also while a service uses it: who may read the file may administer it, and
// there is no door to guard besides.
#pragma once

#include "controlplane/options.h"

namespace flowersec::apps::plane {

/// Runs the command of that name. nullopt when there is none.
[[nodiscard]] std::optional<int> run_admin(std::string_view word, const invocation& io);

}  // namespace flowersec::apps::plane
