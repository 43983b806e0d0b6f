#include "tunneld/channel_watch.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "flowersec/policy/v1/types.gen.h"
#include "serving/log.h"
#include "tunneld/authorizer.h"
#include "tunneld/policy_answer.h"

namespace flowersec::apps {

namespace asio = boost::asio;
namespace wire = messages::policy::v1;

channel_watch::channel_watch(asio::io_context& context, tunnel::server& server, authorizer_options options,
                             std::shared_ptr<ssl_ctx_st> trust)
    : context_(context),
      server_(server),
      options_(std::move(options)),
      trust_(std::move(trust)),
      timer_(context, std::chrono::steady_clock::now()) {
  wait();
}

/// At a steady pace; rounds that a slow authorizer made us miss are left out.
void channel_watch::wait() {
  const auto now = std::chrono::steady_clock::now();
  timer_.expires_at(std::max(now, timer_.expiry() + options_.observe_interval));
  timer_.async_wait([this](error_code canceled) {
    if (!canceled) begin_round();
  });
}

void channel_watch::begin_round() {
  server_.report_channels(tunnel::reported_channels::open, [this](std::vector<tunnel::channel_report> channels) {
    asio::post(context_, [this, channels = std::move(channels)]() mutable {
      const auto now = system_clocks().wall_now().time_since_epoch();
      round_unix_ms_ = std::chrono::floor<std::chrono::milliseconds>(now).count();
      round_ = std::move(channels);
      asked_ = 0;
      ask_next();
    });
  });
}

void channel_watch::ask_next() {
  if (asked_ == round_.size()) {
    round_ = {};
    return wait();
  }
  wire::observe_question question{.now_unix_ms = round_unix_ms_, .channels = {}};
  for (const auto last = asked_ + std::min(options_.batch_size, round_.size() - asked_); asked_ != last; ++asked_) {
    auto& one = round_[asked_];
    question.channels.push_back({.channel_id = std::move(one.channel_id),
                                 .tenant_id = std::move(one.tenant_id),
                                 .audience = std::move(one.audience),
                                 .issuer = std::move(one.issuer),
                                 .bytes_to_client = one.bytes.to_client,
                                 .bytes_to_server = one.bytes.to_server});
  }
  http::fetch_options how;
  how.timeout = options_.request_timeout;
  how.trust = trust_;
  http::async_fetch(context_.get_executor(), http::json_post(*options_.observe, encode(question), options_.headers),
                    how, [this](error_code error, const http::response& response) { on_answer(error, response); });
}

void channel_watch::on_answer(error_code error, const http::response& response) {
  auto why = failure_of(error, response);
  if (why.empty()) {
    if (auto decisions = read_observe_answer(response.body)) {
      server_.apply_decisions(std::move(*decisions));
    } else {
      why = "its answer is a failure or cannot be read";
    }
  }
  if (!why.empty() && complaints_.is_over()) {
    log_line(log_level::warning, "observe authorizer: " + why + "; channels go on, and leases run out");
  }
  ask_next();
}

}  // namespace flowersec::apps
