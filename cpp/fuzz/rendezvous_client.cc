// A client of two registries that say anything: registration and calls are given decoded frames, between what the user
// does and while the time passes. Nobody but a contact is ever attached to, nothing is said that a registry could not
// read, and the work done for a registry is what its challenge asked for, never more.
#include <cstdint>
#include <cstdlib>
#include <deque>

#include "flowersec/base/bytes.h"
#include "rendezvous/call_machine.h"
#include "rendezvous/registration_machine.h"
#include "support/random_sources.h"

namespace {

using namespace flowersec;
using namespace flowersec::rendezvous;

void require(bool holds) {
  if (!holds) std::abort();
}

identity::identity person(char filler) {
  const std::string bytes(identity::key_bytes, filler);
  return identity::identity::from_private(as_bytes(bytes)).value();
}

struct people {
  std::shared_ptr<const identity::identity> self = std::make_shared<identity::identity>(person('a'));
  identity::identity bob = person('b');
  identity::identity registry = person('r');
};

class harness {
 public:
  explicit harness(const people& who)
      : who_(who),
        known_(std::make_shared<identity::contacts>(who.self)),
        calls_(known_, true, random_),
        registration_({.self = who.self, .pinned = {who.registry.key()}}, [] { return 0.5; }) {
    require(known_->add(who.bob.key(), "bob").has_value());
    registration_.start();
    look();
  }

  /// A piece of the input: a byte that says what, two of length, that many bytes of text.
  void step(std::uint8_t what, std::string_view text) {
    switch (what % 8U) {
      case 0:
      case 1:
      case 2:
        if (auto frame = decode_server_frame(text)) take(std::move(*frame), what % 2U);
        break;
      case 3:
        now_ += std::chrono::milliseconds{50} * (text.size() + 1);
        registration_.advance(now_);
        calls_.advance(now_);
        break;
      case 4:
        calls_.call(who_.bob.key(), what >> 7U, now_);
        break;
      case 5:
        if (what & 8U) registration_.opened(attempt_, now_);
        if (what & 16U) registration_.lost(attempt_, make_error_code(rendezvous_errc::closed), (what & 32U) != 0, now_);
        if (what & 64U) calls_.gone(what >> 7U);
        break;
      case 6:
        if (!asked_.empty()) {
          what & 8U ? calls_.accept(asked_.front(), now_) : calls_.decline(asked_.front());
          asked_.pop_front();
        }
        calls_.cancel(who_.bob.key());
        break;
      default:
        if (!attaching_.empty()) {
          what & 8U ? calls_.attached(attaching_.front()) : calls_.attach_failed(attaching_.front());
          attaching_.pop_front();
        }
    }
    look();
  }

  void finish() {
    registration_.close();
    calls_.gone(0);
    calls_.gone(1);
    look();
    require(registration_.status() == registry_status::closed);
  }

 private:
  /// The first registry is registered with; the second is there for calls only.
  void take(server_frame frame, registry_index at) {
    if (at == 0) return registration_.take(attempt_, std::move(frame), now_);
    pass(std::move(frame), at);
  }
  void pass(server_frame frame, registry_index at) {
    calls_.take(at, "wss://r.example/rv/v1/ws", std::move(frame), now_, unix_seconds{1'800'000'000});
  }

  void look() {
    while (auto wanted = registration_.poll_intent()) {
      if (const auto* dialled = std::get_if<reg::dial>(&*wanted)) {
        require(dialled->key == 0);
        attempt_ = dialled->attempt;
      }
      if (const auto* said = std::get_if<reg::send>(&*wanted)) check(said->frame);
      if (auto* passed = std::get_if<reg::pass>(&*wanted)) pass(std::move(passed->frame), 0);
      // One slice is enough to see that it may be asked for; the proof itself has tests of its own.
      if (std::holds_alternative<reg::work>(*wanted) && slices_++ < 4) registration_.work(now_);
    }
    while (auto wanted = calls_.poll_intent()) {
      if (const auto* said = std::get_if<dial::say>(&*wanted)) check(said->frame);
      if (const auto* asked = std::get_if<dial::ask>(&*wanted)) asked_.push_back(asked->call.id);
      if (const auto* found = std::get_if<dial::attach>(&*wanted)) {
        require(found->peer == who_.bob.key());
        attaching_.push_back(found->number);
      }
    }
    require(known_->size() == 1);
  }
  static void check(const client_frame& said) { require(decode_client_frame(encode(said)).has_value()); }

  const people& who_;
  testing::seeded_random random_;
  std::shared_ptr<identity::contacts> known_;
  call_machine calls_;
  registration_machine registration_;
  attempt_id attempt_{};
  mono_time now_{std::chrono::hours{1}};
  std::deque<std::uint64_t> asked_;
  std::deque<std::uint64_t> attaching_;
  int slices_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const people who;
  harness run{who};
  byte_reader input{std::as_bytes(std::span{data, size})};
  while (const auto what = input.read<std::uint8_t>()) {
    const auto length = input.read<std::uint16_t>().value_or(0);
    run.step(*what, as_text(*input.take(std::min<std::size_t>(length, input.size()))));
  }
  run.finish();
  return 0;
}
