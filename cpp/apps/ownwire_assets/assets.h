// What OwnWire serves to browsers, made of the built-in files and of what the operator asked for.
// Layer apps. Pure: made once, at start and after a change of keys; immutable afterwards, so any thread may read it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ownwire_assets/files.h"

namespace flowersec::apps {

struct asset_settings {
  /// Public keys as clients pin them, base64url, the current one first.
  std::vector<std::string> server_keys{};
  std::string custom_css{};  ///< appended to the built-in sheet
  std::string assets_url{};  ///< root of a copy, with a slash at its end; empty: this program's own paths
  /// Entries of --allow-origin: who may put the chat into a frame. Empty: everybody.
  std::vector<std::string> allowed_origins{};
};

enum class asset_kind { page, style, script, image };

struct asset {
  std::string path{};  ///< with a leading slash
  asset_kind kind = asset_kind::script;
  std::string body{};
  std::string entity_tag{};
  std::string integrity{};  ///< scripts only
  std::string policy{};     ///< pages only: Content-Security-Policy
};

class asset_set {
 public:
  /// `files` has all of OwnWire's files; one that is missing is an empty one.
  /// Scripts carry the keys and each other's integrity values from here on; /js/ownwire_nokeys.js is the SDK without
  /// keys, whose digest does not change with them.
  asset_set(asset_files files, const asset_settings& settings);

  /// nullptr when there is none. `path` is without its query.
  [[nodiscard]] const asset* find(std::string_view path) const noexcept;
  [[nodiscard]] const std::vector<asset>& all() const noexcept { return all_; }

 private:
  std::vector<asset> all_;
};

/// `html` with its references to the stylesheet and the module script led to `assets_url`; nothing else changes.
[[nodiscard]] std::string rewrite_references(std::string html, std::string_view assets_url);

}  // namespace flowersec::apps
