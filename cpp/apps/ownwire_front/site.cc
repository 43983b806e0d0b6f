#include "ownwire_front/site.h"

#include "cli/file.h"

namespace flowersec::apps {

or_problem<asset_settings> read_asset_settings(const front_command& command) {
  asset_settings settings{.assets_url = command.assets_url, .allowed_origins = command.allowed_origins};
  if (!command.custom_css.empty()) {
    auto sheet = read_text_file(command.custom_css, max_custom_css_bytes);
    if (!sheet) return problem{"invalid --custom-css: " + sheet.error().text};
    settings.custom_css = std::move(*sheet);
  }
  return or_problem<asset_settings>{boost::system::in_place_value, std::move(settings)};
}

site::site(asset_files files, asset_settings settings)
    : files_(files), settings_(std::move(settings)), present_(std::make_shared<const asset_set>(files_, settings_)) {}

void site::replace_keys(std::vector<std::string> server_keys) {
  settings_.server_keys = std::move(server_keys);
  auto made = std::make_shared<const asset_set>(files_, settings_);
  const std::lock_guard held{guard_};
  present_ = std::move(made);
}

std::string site::answer(const page_request& asked) {
  auto answered = answer_page(*present(), asked);
  const std::lock_guard held{guard_};
  ++answers_[answered.status];
  return std::move(answered.text);
}

std::shared_ptr<const asset_set> site::present() const {
  const std::lock_guard held{guard_};
  return present_;
}

metric_family site::answers() const {
  metric_family family{
      "ownwire_http_responses_total", "Answers to plain requests of the public port, by status.", true, {}};
  const std::lock_guard held{guard_};
  for (const auto& [status, count] : answers_) {
    family.samples.push_back({static_cast<double>(count), {{"status", std::to_string(status)}}});
  }
  return family;
}

}  // namespace flowersec::apps
