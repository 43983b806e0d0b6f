// Any text as what an operator writes, and as what an authorizer answers: a configuration file, a tenants file, values
// of flags. What is taken says the same when it is written out and read again; what is not is refused with words.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "cli/config_file.h"
#include "cli/program.h"
#include "cli/values.h"
#include "flowersec/base/text.h"
#include "serving/flag_values.h"
#include "tunneld/policy_answer.h"
#include "tunneld/tenants_file.h"

namespace {

using namespace flowersec;
using namespace flowersec::apps;

void require(bool holds) {
  if (!holds) std::abort();
}

struct settings {
  bool loud = false;
  std::string name;
  std::int64_t count = 3;
  std::optional<std::int64_t> bound;
  std::chrono::nanoseconds wait{};
  std::vector<std::string> tags;
  std::string path;

  program described() {
    return {.name = "greet",
            .summary = "Greets.",
            .blocks = {},
            .options = {{"loud", &loud, "shout"},
                        {"name", &name, "who"},
                        {"count", &count, "how often"},
                        {"bound", &bound, "most"},
                        {"wait", &wait, "pause"},
                        {"tag", &tags, "labels"},
                        command_line_only({"config", &path, "file"})},
            .config_file = &path};
  }
};

void check_config(std::string_view text) {
  settings first;
  if (!apply_config(first.described().options, "f", text, {}).empty()) return;
  const auto written = config_text(first.described());
  settings again;
  require(apply_config(again.described().options, "f", written, {}).empty());
  require(config_text(again.described()) == written);
}

void check_values(const std::string& text) {
  if (const auto wait = parse_duration(text)) require(parse_duration(format_duration(*wait)) == wait);
  if (const auto plain = parse_decimal_integer(text)) require(parse_decimal_integer(std::to_string(*plain)) == plain);
  static_cast<void>(parse_flag_integer(text));
  static_cast<void>(parse_bool_word(text));
  for (const auto& item : split_comma_list(text)) require(!item.empty());
  static_cast<void>(parse_level_word(text));
  if (const auto wrong = address_problem("--listen", text)) {
    require(wrong->find("--listen") != std::string::npos);
  }
  static_cast<void>(is_loopback_address(text));
  static_cast<void>(is_network(text));
  static_cast<void>(origins_problem({text}));
  static_cast<void>(proxies_problem({text}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text{reinterpret_cast<const char*>(data), size};
  check_config(text);
  check_values(text);
  if (const auto tenants = parse_tenants(text)) {
    for (const auto& each : *tenants) require(!each.issuer_keys_file.empty());
  } else {
    require(!tenants.error().text.empty());
  }
  static_cast<void>(read_attach_answer(text));
  static_cast<void>(read_observe_answer(text));
  return 0;
}
