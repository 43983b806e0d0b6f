#include "serving/identity_keys.h"

#include <unistd.h>

#include <filesystem>

namespace flowersec::apps {
namespace {

or_problem<loaded_keys> loaded(sealed::keyring keys, bool is_new) {
  return or_problem<loaded_keys>{boost::system::in_place_value,
                                 loaded_keys{std::make_shared<const sealed::keyring>(std::move(keys)), is_new}};
}

}  // namespace

or_problem<loaded_keys> load_identity(const std::string& path, bool may_make, random_source& random, unix_seconds now,
                                      std::string_view flag) {
  auto read = sealed::read_key_file(path);
  if (read) return loaded(std::move(*read), false);
  if (read.error().code != boost::system::errc::no_such_file_or_directory) return problem{read.error().text};
  if (!may_make) {
    return problem{"there is no key file " + path + ": run this in the working directory of the server, or give " +
                   std::string{flag} + " FILE; --new-key makes one, which no client knows"};
  }
  auto made = sealed::create_key_file(path, random, now);
  if (made) return loaded(std::move(*made), true);
  // Another process that starts was faster.
  if (made.error().code == boost::system::errc::file_exists) return load_identity(path, false, random, now, flag);
  return problem{made.error().text};
}

or_problem<loaded_keys> plan_identity(const std::string& path, random_source& random, unix_seconds now) {
  auto read = sealed::read_key_file(path);
  if (read) return loaded(std::move(*read), false);
  if (read.error().code != boost::system::errc::no_such_file_or_directory) return problem{read.error().text};
  auto made = sealed::key_pair::generate(random);
  if (!made) return problem{path + ": " + made.error().message()};
  return loaded(sealed::keyring{{.key = std::move(*made), .created_at = now}}, true);
}

std::optional<problem> save_identity(const std::string& path, const loaded_keys& found) {
  if (!found.is_new) return std::nullopt;
  const auto written = sealed::create_key_file(path, *found.keys);
  if (written) return std::nullopt;
  if (written.error().code != boost::system::errc::file_exists) return problem{written.error().text};
  return problem{"another program made the key file " + path + " meanwhile; start again to use it"};
}

std::vector<std::string> public_texts(const sealed::keyring& keys) {
  std::vector<std::string> texts;
  for (const auto& entry : keys.entries()) texts.push_back(entry.key.public_half().text());
  return texts;
}

std::string key_lines(const sealed::keyring& keys) {
  std::string text;
  for (const auto& entry : keys.entries()) text += entry.key.public_half().text() + ' ' + entry.key.kid() + '\n';
  return text;
}

config_check check_key_file(const std::string& path) {
  config_check check{"key file " + path};
  const auto read = sealed::read_key_file(path);
  if (read) {
    check.what += ", kid " + read->current().kid();
  } else if (read.error().code != boost::system::errc::no_such_file_or_directory) {
    check.wrong = read.error().text;
  } else {
    check.what += " (none yet: the first start makes it)";
    auto folder = std::filesystem::path{path}.parent_path();
    if (folder.empty()) folder = ".";
    if (::access(folder.c_str(), W_OK) != 0) check.wrong = "cannot write to " + folder.native();
  }
  return check;
}

}  // namespace flowersec::apps
