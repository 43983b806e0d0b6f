#include "flowersec/messages/demo_v1.h"

#include "messages/codec.h"

namespace flowersec::messages::demo::v1 {

std::string encode(const ping_request& /*message*/) { return "{}"; }

std::string encode(const ping_response& message) {
  std::string out;
  json_object_writer{out}.field("ok", message.ok).end();
  return out;
}

std::string encode(const hello_notify& message) {
  std::string out;
  json_object_writer{out}.field("hello", message.hello).end();
  return out;
}

decoded<ping_request> decode_ping_request(std::string_view text) {
  return decode_object<ping_request>("PingRequest", text, [](json_object_reader&, ping_request&) {});
}

decoded<ping_response> decode_ping_response(std::string_view text) {
  return decode_object<ping_response>(
      "PingResponse", text, [](json_object_reader& reader, ping_response& message) { reader.read("ok", message.ok); });
}

decoded<hello_notify> decode_hello_notify(std::string_view text) {
  return decode_object<hello_notify>("HelloNotify", text, [](json_object_reader& reader, hello_notify& message) {
    reader.read("hello", message.hello);
  });
}

}  // namespace flowersec::messages::demo::v1
