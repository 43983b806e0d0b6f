// The pages of a running program: made at start, made anew when the keys change.
// Layer apps. Any thread may ask while another replaces the keys.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "cli/problem.h"
#include "ownwire_assets/answer.h"
#include "ownwire_front/options.h"
#include "serving/metrics_text.h"

namespace flowersec::apps {

/// What the flags say about assets, without keys. Reads the stylesheet of --custom-css; problems name the flag.
[[nodiscard]] or_problem<asset_settings> read_asset_settings(const front_command& command);

class site {
 public:
  site(asset_files files, asset_settings settings);

  /// Scripts carry these keys from the next request on.
  void replace_keys(std::vector<std::string> server_keys);
  /// Answers the request, and counts the answer.
  [[nodiscard]] std::string answer(const page_request& asked);
  [[nodiscard]] std::shared_ptr<const asset_set> present() const;
  /// How many answers had which status.
  [[nodiscard]] metric_family answers() const;

 private:
  const asset_files files_;
  asset_settings settings_;
  mutable std::mutex guard_;
  std::shared_ptr<const asset_set> present_;
  std::map<unsigned, std::uint64_t> answers_;
};

}  // namespace flowersec::apps
