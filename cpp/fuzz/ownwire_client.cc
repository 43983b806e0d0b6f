// A chat client that is told anything at any time: it asks for nothing twice, every text has exactly one end, and a
// chat that is closed stays silent. Input: actions of one byte, some followed by a length and the text of a frame.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>

#include "ownwire/client_machine.h"

using namespace flowersec;
using namespace flowersec::ownwire;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

class world {
 public:
  world() : machine_(settings(), [] { return 0.5; }) {}

  void act(std::uint8_t what, byte_reader& input) {
    switch (what % 9) {
      case 0:
        machine_.connect();
        break;
      case 1:
        if (const auto id = machine_.send("text", now_)) require(open_.insert(*id).second);
        break;
      case 2:
        machine_.opened(attempt_, now_);
        break;
      case 3:
        hear(input);
        break;
      case 4:
        machine_.lost(attempt_, client_errc::connection_lost, what > 127, now_);
        break;
      case 5:
        now_ += std::chrono::milliseconds{what};
        machine_.advance(now_);
        break;
      case 6:
        if (const auto deadline = machine_.deadline()) now_ = std::max(now_, *deadline);
        machine_.advance(now_);
        break;
      case 7:
        machine_.typing(what > 127);
        break;
      default:
        machine_.close();
    }
    perform();
  }

 private:
  static machine_settings settings() {
    machine_settings made;
    made.reconnect.enabled = true;
    made.max_queue = 30;
    return made;
  }

  void hear(byte_reader& input) {
    const auto size = input.read<std::uint8_t>().value_or(0);
    const auto text = input.take(std::min<std::size_t>(size, input.size())).value_or(byte_view{});
    if (const auto frame = decode_gateway_frame(as_text(text))) machine_.take(attempt_, *frame, now_);
  }

  void perform() {
    while (const auto next = machine_.poll_intent()) {
      if (const auto* dial = std::get_if<want::dial>(&*next)) {
        require(attempts_.insert(static_cast<std::uint64_t>(dial->attempt)).second);
        attempt_ = dial->attempt;
      }
      if (const auto* send = std::get_if<want::send>(&*next)) {
        require(attempts_.contains(static_cast<std::uint64_t>(send->attempt)));
        require(encode(send->frame).size() <= max_chat_frame_bytes);
      }
      if (const auto* told = std::get_if<want::tell>(&*next)) hear(told->event);
    }
    require(machine_.pending() == open_.size());
    if (machine_.state() != client_state::closed) return;
    require(open_.empty() && !machine_.deadline());
  }

  void hear(const client_event& event) {
    if (const auto* delivered = std::get_if<text_delivered>(&event)) require(open_.erase(delivered->id) == 1);
    if (const auto* failed = std::get_if<text_failed>(&event)) require(open_.erase(failed->id) == 1);
    if (const auto* sent = std::get_if<text_sent>(&event)) require(open_.contains(sent->id));
    if (const auto* opened = std::get_if<session_opened>(&event)) last_seq_ = opened->resumed ? last_seq_ : 0;
    if (const auto* reply = std::get_if<reply_received>(&event)) {
      require(reply->seq > last_seq_);
      last_seq_ = reply->seq;
    }
  }

  mono_time now_{std::chrono::seconds{1}};
  client_machine machine_;
  attempt_id attempt_{};
  std::set<std::uint64_t> attempts_;
  std::set<std::uint64_t> open_;  ///< texts that have not ended
  std::uint64_t last_seq_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  world all;
  byte_reader input{std::as_bytes(std::span{data, size})};
  while (const auto what = input.read<std::uint8_t>()) all.act(*what, input);
  return 0;
}
