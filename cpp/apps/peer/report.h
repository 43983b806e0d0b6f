// The result line of a client run: every check with its outcome, and the figures.
// Layer apps. One thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flowersec/base/json.h"

namespace flowersec::apps {

class client_report {
 public:
  void passed(std::string name) { checks_.push_back({std::move(name), {}}); }
  void failed(std::string name, std::string why) { checks_.push_back({std::move(name), std::move(why)}); }
  void figure(std::string name, double value) { figures_.emplace_back(std::move(name), value); }

  [[nodiscard]] bool ok() const noexcept;
  /// {"role":"client","path":..,"ok":..,"checks":{name:"ok" or the reason..},"figures":{name:number..}}
  [[nodiscard]] std::string line(std::string_view path) const;

 private:
  struct check {
    std::string name;
    std::string why;  ///< empty when it held
  };
  std::vector<check> checks_;
  std::vector<std::pair<std::string, double>> figures_;
};

}  // namespace flowersec::apps
