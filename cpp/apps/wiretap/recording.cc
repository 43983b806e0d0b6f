#include "wiretap/recording.h"

#include <algorithm>
#include <cstring>

#include "cli/hex.h"

namespace flowersec::apps {
namespace {

constexpr std::size_t max_head_bytes = 65536;
constexpr std::size_t max_shown_bytes = 512;

}  // namespace

direction_recording::direction_recording(std::string name, ws::role sender,
                                         std::function<void(const std::string&)> line)
    : name_(std::move(name)), line_(std::move(line)), reader_(ws::peer_of(sender), ws::reader_limits{}) {}

void direction_recording::passed(byte_view bytes) {
  if (broken_) return;
  if (upgraded_) return read_messages(bytes);
  head_ += as_text(bytes);
  const auto end = head_.find("\r\n\r\n");
  broken_ = end == head_.npos && head_.size() > max_head_bytes;
  if (end == head_.npos) return;
  upgraded_ = true;
  read_messages(as_bytes(std::string_view{head_}.substr(end + 4)));
}

void direction_recording::read_messages(byte_view bytes) {
  while (!bytes.empty() && !broken_) {
    const auto room = reader_.prepare();
    const auto count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    reader_.commit(count);
    bytes = bytes.subspan(count);
    while (true) {
      const auto event = reader_.next();
      if (std::holds_alternative<ws::message_reader::need_more>(event)) break;
      if (const auto* message = std::get_if<ws::message_reader::message>(&event)) {
        record(message->kind == ws::message_kind::text ? "text" : "binary", message->payload);
      } else if (const auto* control = std::get_if<ws::message_reader::control>(&event)) {
        record("control", control->payload);
      } else {
        broken_ = true;
        break;
      }
    }
  }
}

void direction_recording::record(std::string_view kind, byte_view payload) {
  line_(name_ + ' ' + std::string{kind} + ' ' + std::to_string(payload.size()) + ' ' +
        to_hex(payload.first(std::min(payload.size(), max_shown_bytes))));
}

}  // namespace flowersec::apps
