// Turns the bytes of one WebSocket connection into lines of text: who sent a message, how long it was, and its bytes.
// Layer apps, on the ws frame codec. No I/O. It sees what a tunnel sees: the payloads with the WebSocket masking
// undone, which is no secret, and nothing further in.
#pragma once

#include <functional>
#include <string>

#include "flowersec/base/bytes.h"
#include "flowersec/ws/message_reader.h"

namespace flowersec::apps {

/// One direction of a connection.
class direction_recording {
 public:
  /// `line` gets "<name> <kind> <length> <hex of the first bytes>" per message.
  direction_recording(std::string name, ws::role sender, std::function<void(const std::string&)> line);

  /// The next bytes, as they passed. What is no WebSocket after the upgrade is not recorded further.
  void passed(byte_view bytes);

 private:
  void read_messages(byte_view bytes);
  void record(std::string_view kind, byte_view payload);

  std::string name_;
  std::function<void(const std::string&)> line_;
  std::string head_;  ///< of the HTTP exchange before the messages
  bool upgraded_ = false;
  bool broken_ = false;
  ws::message_reader reader_;
};

}  // namespace flowersec::apps
