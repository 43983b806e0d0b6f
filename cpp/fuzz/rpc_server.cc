// Feeds an RPC server whatever a client could send, while handlers answer late and output is taken now and then.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "flowersec/base/json_scan.h"
#include "flowersec/rpc/server.h"

namespace {

using namespace flowersec;

constexpr rpc::server_limits limits{.max_running_requests = 2,
                                    .max_queued_requests = 2,
                                    .max_queued_notifications = 2,
                                    .max_held_payload_bytes = 5000,
                                    .max_queued_refusals = 4,
                                    .max_frame_bytes = 4096,
                                    .max_output_bytes = 5000};

void require(bool holds) {
  if (!holds) std::abort();
}

class harness {
 public:
  void feed(byte_view input) {
    while (!input.empty()) {
      server_.receive(input);
      events();
      require(server_.admitted_requests() <= limits.max_running_requests + limits.max_queued_requests);
      if (++turns_ % 3 == 0) answer_one();
      if (turns_ % 4 == 0) take_output();
    }
  }

  void finish() {
    while (!waiting_.empty()) answer_one();
    take_output();
    server_.end_of_input();
    events();
    require(server_.ended().has_value() && server_.admitted_requests() == 0 && !server_.has_output());
  }

 private:
  void events() {
    while (auto event = server_.poll_event()) {
      if (auto* request = std::get_if<rpc::start_request>(&*event)) {
        waiting_.push_back({request->key, std::move(request->payload)});
      } else if (auto* notice = std::get_if<rpc::start_notification>(&*event)) {
        waiting_.push_back({notice->key, std::move(notice->payload)});
      } else {
        waiting_.clear();
      }
    }
  }

  void answer_one() {
    if (waiting_.empty()) return;
    auto [key, payload] = std::move(waiting_.back());
    waiting_.pop_back();
    server_.finish(key, rpc::success(std::move(payload)));
    events();
  }

  void take_output() {
    while (const auto frame = server_.take_output()) {
      require(is_valid_json(as_text(byte_view{*frame}.subspan(json_frame_header_bytes))));
      events();
    }
  }

  struct pending {
    rpc::request_key key;
    std::string payload;
  };

  rpc::server server_ = *rpc::server::create({.limits = limits});
  std::vector<pending> waiting_;
  unsigned turns_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  byte_reader input{std::as_bytes(std::span{data, size})};
  const auto cut = input.read<std::uint8_t>().value_or(0);
  harness run;
  if (const auto first = input.take(std::min<std::size_t>(cut, input.size()))) run.feed(*first);
  run.feed(input.rest());
  run.finish();
  return 0;
}
