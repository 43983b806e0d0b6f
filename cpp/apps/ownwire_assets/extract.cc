#include "ownwire_assets/extract.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace flowersec::apps {
namespace {

problem cannot_write(const std::filesystem::path& path, const std::string& what) {
  return {"cannot write " + path.native() + ": " + what};
}

}  // namespace

or_problem<std::vector<extracted_file>> extract_assets(const asset_set& assets, const std::string& folder) {
  std::vector<extracted_file> written;
  const auto root = std::filesystem::path{folder} / extracted_folder;
  for (const auto& one : assets.all()) {
    if (one.kind == asset_kind::page) continue;
    const auto path = root / one.path.substr(1);
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (error) return cannot_write(path.parent_path(), error.message());
    std::ofstream file{path, std::ios::binary | std::ios::trunc};
    file << one.body;
    if (!file.flush()) return cannot_write(path, std::generic_category().message(errno));
    written.push_back({path.native(), one.integrity});
  }
  return or_problem<std::vector<extracted_file>>{boost::system::in_place_value, std::move(written)};
}

std::string extracted_lines(const std::vector<extracted_file>& files) {
  std::string text;
  for (const auto& one : files) text += one.path + (one.integrity.empty() ? "" : ' ' + one.integrity) + '\n';
  return text;
}

}  // namespace flowersec::apps
