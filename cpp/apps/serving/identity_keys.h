// The identity keys of a server: from the key file, which is made when there is none.
// Layer apps. Blocking file I/O.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/problem.h"
#include "flowersec/base/random.h"
#include "flowersec/sealed/key_file.h"
#include "serving/config_check.h"

namespace flowersec::apps {

using shared_keyring = std::shared_ptr<const sealed::keyring>;

struct loaded_keys {
  shared_keyring keys;
  bool is_new = false;  ///< made just now
};

/// Reads the key file; makes it when there is none and `may_make` says so. Problems name the file and `flag`, never a
/// key.
[[nodiscard]] or_problem<loaded_keys> load_identity(const std::string& path, bool may_make, random_source& random,
                                                    unix_seconds now, std::string_view flag = "--identity-key");

/// For a start: reads the key file, or makes a key when there is none. Nothing is written: a start that fails leaves
/// nothing behind.
[[nodiscard]] or_problem<loaded_keys> plan_identity(const std::string& path, random_source& random, unix_seconds now);

/// Writes the key file of what plan_identity() made; everything else of the start holds by then. A file that came to be
/// meanwhile is a problem: its key is another.
[[nodiscard]] std::optional<problem> save_identity(const std::string& path, const loaded_keys& found);

/// As clients pin them, the current one first.
[[nodiscard]] std::vector<std::string> public_texts(const sealed::keyring& keys);

/// A line per key: key, blank, key id.
[[nodiscard]] std::string key_lines(const sealed::keyring& keys);

/// For --check-config: the key file at `path`, which the first start makes.
[[nodiscard]] config_check check_key_file(const std::string& path);

}  // namespace flowersec::apps
