#include "flowersec/messages/codec.h"

#include <algorithm>
#include <cstring>

#include "flowersec/base/text.h"

namespace flowersec::messages {
namespace {

/// Whether the member's name stands for `key`; an escape in it is resolved.
bool is_named(const json_member& member, std::string_view key) {
  if (member.raw_name == key) return true;
  if (member.raw_name.find('\\') == std::string_view::npos) return false;
  return decode_json_string('"' + std::string{member.raw_name} + '"') == key;
}

}  // namespace

// ---- reading

std::optional<decode_error> find_members(const message_shape& shape, std::string_view text,
                                         std::span<std::string_view> raw) {
  std::optional<std::string> stranger;
  const auto keep = [&](const json_member& member) {
    for (std::size_t i = 0; i < shape.keys.size(); ++i) {
      if (is_named(member, shape.keys[i])) {
        raw[i] = member.raw_value;
        return;
      }
    }
    if (!shape.strict) return;
    auto name = decode_json_string('"' + std::string{member.raw_name} + '"');
    if (!stranger || name < stranger) stranger = std::move(name);
  };
  if (!scan_json_object(text, keep, shape.max_depth))
    return decode_error{messages_errc::not_an_object, std::string{shape.name}, {}};
  if (stranger) return decode_error{messages_errc::bad_field, std::string{shape.name}, std::move(*stranger)};
  return std::nullopt;
}

bool field_reader::assign(std::string_view raw, std::string& into) {
  auto text = decode_json_string(raw);
  if (!text) return false;
  into = std::move(*text);
  return true;
}

bool field_reader::assign(std::string_view raw, sensitive_text& into) {
  auto text = decode_json_string(raw);
  if (!text) return false;
  into = sensitive_text{std::move(*text)};
  return true;
}

bool field_reader::assign(std::string_view raw, bool& into) noexcept {
  into = raw == "true";
  return into || raw == "false";
}

bool field_reader::assign(std::string_view raw, std::map<std::string, std::string>& into) {
  into.clear();
  // The last of two equal keys counts, so only that one has to be good.
  std::map<std::string, std::string_view> last;
  const auto keep = [&last](const json_member& member) {
    if (auto key = decode_json_string('"' + std::string{member.raw_name} + '"'))
      last[std::move(*key)] = member.raw_value;
  };
  if (!scan_json_object(raw, keep)) return false;
  for (const auto& [key, text] : last) {
    std::string value;
    if (!assign(text, value)) {
      fail("[]");
      return false;
    }
    into.emplace(key, std::move(value));
  }
  return true;
}

void field_reader::fail(std::string_view suffix) {
  if (failure_) return;
  auto field = std::string{keys_[at_ - 1]};
  field += suffix;
  failure_ = decode_error{messages_errc::bad_field, std::string{message_}, std::move(field)};
}

void field_reader::add_place(std::size_t index) {
  auto place = std::string{keys_[at_ - 1]} + "[" + std::to_string(index) + "]";
  if (!failure_->place.empty()) place += "." + failure_->place;
  failure_->place = std::move(place);
}

// ---- writing

void text_writer::reserve_more(std::size_t bytes) {
  if (out_.capacity() - out_.size() >= bytes) return;
  constexpr std::size_t first_bytes = 256;
  std::string bigger;
  bigger.reserve(std::max({first_bytes, out_.capacity() * 2, out_.size() + bytes}));
  bigger = out_;
  if (style_.secret) explicit_bzero(out_.data(), out_.size());
  out_.swap(bigger);
}

void text_writer::new_line() {
  if (!style_.indented) return;
  verbatim("\n");
  for (std::size_t i = 0; i < depth_; ++i) verbatim("  ");
}

void text_writer::open(char bracket) {
  verbatim({&bracket, 1});
  deepest_ = std::max(deepest_, ++depth_);
  empty_ = true;
}

void text_writer::close(char bracket) {
  --depth_;
  if (!empty_) new_line();
  verbatim({&bracket, 1});
  empty_ = false;
}

void text_writer::begin_item() {
  if (!empty_) verbatim(",");
  empty_ = false;
  new_line();
}

void text_writer::key(std::string_view name) {
  string(name);
  verbatim(style_.indented ? ": " : ":");
}

void text_writer::verbatim(std::string_view json) {
  reserve_more(json.size());
  out_ += json;
}

void text_writer::string(std::string_view text) {
  // As much as it can take: six bytes for each, and the quotes.
  reserve_more(text.size() * 6 + 2);
  append_json_string(out_, text);
}

field_writer& field_writer::json(std::string_view value) {
  const auto key = keys_[at_++];
  out_.begin_item();
  out_.key(key);
  out_.verbatim(value.empty() ? std::string_view{"null"} : value);
  if (out_.checked() && !value.empty() && !is_valid_json(value, out_.room_below()) && !failure_) fail(key);
  return *this;
}

bool field_writer::put(std::string_view text) {
  out_.string(text);
  return !out_.checked() || is_valid_utf8(text);
}

bool field_writer::put(bool value) {
  out_.verbatim(value ? "true" : "false");
  return true;
}

bool field_writer::put(const std::map<std::string, std::string>& values) {
  out_.open('{');
  bool good = true;
  for (const auto& [key, value] : values) {
    out_.begin_item();
    out_.key(key);
    good = put(value) && (!out_.checked() || is_valid_utf8(key)) && good;
  }
  out_.close('}');
  if (!good && !failure_) fail(std::string{keys_[at_ - 1]} + "[]");
  return good;
}

bool field_writer::put_integer(std::int64_t value) {
  out_.verbatim(std::to_string(value));
  return value >= -json_max_safe_integer && value <= json_max_safe_integer;
}

bool field_writer::put_integer(std::uint64_t value) {
  out_.verbatim(std::to_string(value));
  return value <= static_cast<std::uint64_t>(json_max_safe_integer);
}

}  // namespace flowersec::messages
