// Members that several frames have.
// Layer rendezvous, part `frames`. Internal.
#pragma once

#include <algorithm>

#include "flowersec/base/base64url.h"
#include "flowersec/base/json.h"
#include "flowersec/rendezvous/frames.h"

namespace flowersec::rendezvous {

/// nullopt marks the reader failed.
inline std::optional<public_key> read_key(json_object_reader& reader, std::string_view name) {
  std::string text;
  reader.read(name, text);
  if (!reader.ok()) return std::nullopt;
  const auto key = public_key::parse(text);
  if (key) return *key;
  reader.fail(name);
  return std::nullopt;
}

/// 1 to `most` keys; empty marks the reader failed.
inline std::vector<public_key> read_keys(json_object_reader& reader, std::string_view name, std::size_t most) {
  std::vector<public_key> keys;
  const auto* found = reader.find(name);
  const bool is_list = found != nullptr && found->is_array();
  if (is_list && !found->get_array().empty() && found->get_array().size() <= most) {
    for (const auto& each : found->get_array()) {
      const auto key = each.is_string() ? public_key::parse(each.get_string()) : identity::identity_errc::bad_length;
      if (key) keys.push_back(*key);
    }
    if (keys.size() == found->get_array().size()) return keys;
  }
  reader.fail(name);
  return {};
}

template <std::size_t size>
void read_bytes(json_object_reader& reader, std::string_view name, std::array<std::byte, size>& into) {
  std::string text;
  reader.read(name, text);
  if (reader.ok() && !decode_base64url_into(text, into)) reader.fail(name);
}

/// Request ids start at 1.
inline void read_rid(json_object_reader& reader, std::uint64_t& into) {
  reader.read("rid", into);
  if (reader.ok() && into == 0) reader.fail("rid");
}

inline void read_id(json_object_reader& reader, std::string_view name, std::string& into) {
  reader.read(name, into);
  if (reader.ok() && (into.empty() || into.size() > max_id_bytes)) reader.fail(name);
}

inline void read_note(json_object_reader& reader, std::optional<std::string>& into) {
  reader.read("note", into);
  if (reader.ok() && into && into->size() > max_note_bytes) reader.fail("note");
}

template <class Frame>
std::optional<Frame> read_time(json_object_reader& reader) {
  Frame frame;
  reader.read("t", frame.t);
  return reader.ok() ? std::optional{frame} : std::nullopt;
}

template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

inline json_object_writer begin_frame(std::string& out, std::string_view type) {
  json_object_writer writer{out};
  writer.field("type", type);
  return writer;
}

inline std::string key_list(const std::vector<public_key>& keys) {
  std::string out{"["};
  for (const auto& key : keys) {
    if (out.size() > 1) out += ',';
    append_json_string(out, key.text());
  }
  return out += ']';
}

}  // namespace flowersec::rendezvous
