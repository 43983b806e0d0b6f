#include "ownwire_assets/assets.h"

#include <algorithm>
#include <array>

#include "ownwire_assets/integrity.h"
#include "ownwire_assets/page_policy.h"

namespace flowersec::apps {
namespace {

constexpr std::string_view keys_template = "%OWNWIRE_SERVER_KEYS%";
constexpr std::string_view compat_template = "%OWNWIRE_COMPAT_SRI%";
constexpr std::string_view application_template = "%OWNWIRE_APPLICATION_SRI%";

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

std::string contents_of(asset_files files, std::string_view name) {
  const auto found = std::ranges::find(files, name, &asset_file::name);
  return found == files.end() ? std::string{} : std::string{found->contents};
}

std::string joined(const std::vector<std::string>& keys) {
  std::string text;
  for (const auto& key : keys) text += (text.empty() ? "" : ",") + key;
  return text;
}

/// For a value inside double quotes.
std::string escaped_attribute(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      out += c;
    }
  }
  return out;
}

/// Scripts in the order in which they name each other.
class script_writer {
 public:
  script_writer(asset_files files, std::string keys) : files_(files), keys_(std::move(keys)) {}

  asset write(std::string_view name) { return write(name, name, keys_); }

  /// The file `name` under another name, with other keys.
  asset write(std::string_view name, std::string_view as, std::string_view keys) {
    auto body = contents_of(files_, name);
    replace_all(body, keys_template, keys);
    replace_all(body, compat_template, compat_);
    replace_all(body, application_template, application_);
    auto integrity = integrity_of(body);
    if (as == "js/ownwire_compat.js") compat_ = integrity;
    if (as == "js/application.js") application_ = integrity;
    return {.path = '/' + std::string{as},
            .kind = asset_kind::script,
            .body = std::move(body),
            .integrity = std::move(integrity)};
  }

 private:
  asset_files files_;
  std::string keys_;
  std::string compat_;
  std::string application_;
};

asset plain(std::string path, asset_kind kind, std::string body) {
  return {.path = std::move(path), .kind = kind, .body = std::move(body)};
}

}  // namespace

std::string rewrite_references(std::string html, std::string_view assets_url) {
  for (const std::string_view reference : {"css/style.css", "js/application.js"}) {
    replace_all(html, "\"/" + std::string{reference} + '"',
                '"' + escaped_attribute(assets_url) + std::string{reference} + '"');
  }
  return html;
}

asset_set::asset_set(asset_files files, const asset_settings& settings) {
  auto sheet = contents_of(files, "css/style.css");
  if (!settings.custom_css.empty()) sheet += '\n' + settings.custom_css;
  all_.push_back(plain("/css/style.css", asset_kind::style, std::move(sheet)));

  script_writer scripts{files, joined(settings.server_keys)};
  for (const auto* name : {"js/ownwire_compat.js", "js/application.js", "js/ownwire.js", "js/ownwire_widget.js"}) {
    all_.push_back(scripts.write(name));
  }
  all_.push_back(scripts.write("js/ownwire.js", "js/ownwire_nokeys.js", ""));
  all_.push_back(plain("/assets/chat-icon.png", asset_kind::image, contents_of(files, "assets/chat-icon.png")));

  const auto add_page = [&](std::string path, std::string_view name, page_role role) {
    auto html = contents_of(files, name);
    if (!settings.assets_url.empty()) html = rewrite_references(std::move(html), settings.assets_url);
    auto policy = page_policy(role, html, settings.assets_url, settings.allowed_origins);
    auto page = plain(std::move(path), asset_kind::page, std::move(html));
    page.policy = std::move(policy);
    all_.push_back(std::move(page));
  };
  add_page("/", "html/index.html", page_role::chat);
  add_page("/embed_example.html", "html/embed_example.html", page_role::example);

  for (auto& one : all_) one.entity_tag = entity_tag_of(one.body);
}

const asset* asset_set::find(std::string_view path) const noexcept {
  const auto found = std::ranges::find(all_, path, &asset::path);
  return found == all_.end() ? nullptr : &*found;
}

}  // namespace flowersec::apps
