// Any text as a line of `flowersec chat --json`, and as one of people: what a command holds is text and JSON, what is
// sent is read again as it was, and what is shown of it hides nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "chat/command.h"
#include "chat/content.h"
#include "flowersec/base/display_text.h"
#include "flowersec/base/json.h"
#include "flowersec/base/json_scan.h"
#include "flowersec/base/text.h"

using namespace flowersec;
using namespace flowersec::apps;

namespace {

void demand(bool holds) {
  if (!holds) std::abort();
}

void check_content(const std::string& json) {
  const auto line = one_line_json(json);
  demand(is_valid_json(json) && is_valid_json(line) && one_line_json(line) == line && !has_hidden_characters(line));
  auto shown = shown_content(json);
  std::erase_if(shown, [](char c) { return c == '\n' || c == '\t'; });
  demand(!has_hidden_characters(shown));
}

struct check {
  template <class Command>
  void operator()(const Command& /*holds no text*/) const {}
  void operator()(const chat::say& c) const { demand(is_valid_utf8(c.text)); }
  void operator()(const chat::send& c) const {
    demand(is_valid_utf8(c.to));
    check_content(c.content);
    std::string again = R"({"do":"send","to":)";
    append_json_string(again, c.to);
    const auto read = parse_chat_json(again + ",\"content\":" + c.content + '}');
    const auto* sent = std::get_if<chat::send>(&read);
    demand(sent != nullptr && sent->to == c.to && sent->content == c.content);
  }
  void operator()(const chat::add& c) const { demand(is_valid_utf8(c.name) && is_valid_utf8(c.address)); }
  void operator()(const chat::verify& c) const { demand(is_valid_utf8(c.name)); }
  void operator()(const chat::set_policy& c) const { demand(is_valid_utf8(c.name)); }
  void operator()(const chat::remove& c) const { demand(is_valid_utf8(c.name)); }
  void operator()(const chat::invite& c) const { demand(is_valid_utf8(c.guest_name)); }
  void operator()(const chat::join& c) const { demand(is_valid_utf8(c.link) && is_valid_utf8(c.host_name)); }
  void operator()(const chat::choose& c) const { demand(is_valid_utf8(c.name)); }
  void operator()(const chat::retry& c) const {
    demand(!c.id || *c.id <= static_cast<std::uint64_t>(json_max_safe_integer));
  }
  void operator()(const chat::export_file& c) const { demand(is_valid_utf8(c.path)); }
  void operator()(const chat::import_file& c) const { demand(is_valid_utf8(c.path)); }
  void operator()(const chat::bad& c) const { demand(!c.why.empty()); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  std::visit(check{}, parse_chat_json(text));
  std::visit(check{}, parse_chat_line(text));
  return 0;
}
