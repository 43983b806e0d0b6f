#include "tunneld/authorizer.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "flowersec/policy/v1/types.gen.h"
#include "serving/log.h"
#include "tunneld/policy_answer.h"

namespace flowersec::apps {

namespace asio = boost::asio;

namespace {

messages::decoded<std::string> question_of(tunnel::attach_query query) {
  auto& token = query.token;
  messages::policy::v1::attach_question question;
  question.channel_id = std::move(token.channel_id);
  question.tenant_id = std::move(token.scope.tenant_id);
  question.audience = std::move(token.scope.audience);
  question.issuer = std::move(token.scope.issuer);
  question.role = token.role == tunnel::endpoint_role::client ? "client" : "server";
  question.endpoint_instance_id = std::move(query.endpoint_instance_id);
  question.token_id = std::move(token.token_id);
  question.init_exp_unix = token.init_exp;
  question.idle_timeout_seconds = token.idle_timeout_seconds;
  question.origin = std::move(query.origin);
  question.remote_addr = std::move(query.remote_addr);
  return try_encode(question);
}

}  // namespace

/// One attach from the question to the answer.
struct authorizer::call : std::enable_shared_from_this<authorizer::call> {
  std::string question;
  std::function<void(std::optional<tunnel::attach_decision>)> answer;
  std::chrono::steady_clock::time_point deadline;
  asio::cancellation_signal cancel;
  std::stop_token abandoned;
  std::optional<std::stop_callback<std::function<void()>>> on_abandoned;

  /// On the context's thread from here to there; a weak pointer, because the callback is a part of this.
  void give_up_when_abandoned(asio::io_context& context) {
    on_abandoned.emplace(abandoned, [&context, weak = weak_from_this()] {
      asio::post(context, [weak] {
        if (const auto self = weak.lock()) self->cancel.emit(asio::cancellation_type::terminal);
      });
    });
  }
};

std::string failure_of(error_code error, const http::response& response) {
  if (error) return error.message();
  if (response.status >= 400) return "it answered with status " + std::to_string(response.status);
  return {};
}

authorizer::authorizer(asio::io_context& context, authorizer_options options, std::shared_ptr<ssl_ctx_st> trust)
    : context_(context), options_(std::move(options)), trust_(std::move(trust)) {}

void authorizer::decide(tunnel::attach_query query, std::stop_token abandoned,
                        std::function<void(std::optional<tunnel::attach_decision>)> answer) {
  // A header is whatever bytes the peer sent, and JSON holds only text.
  auto question = question_of(std::move(query));
  if (!question) return answer(std::nullopt);
  auto asked = std::make_shared<call>();
  asked->question = std::move(*question);
  asked->answer = std::move(answer);
  asked->deadline = std::chrono::steady_clock::now() + options_.request_timeout;
  asked->abandoned = std::move(abandoned);
  asio::post(context_,
             [self = shared_from_this(), asked = std::move(asked)]() mutable { self->enqueue(std::move(asked)); });
}

void authorizer::enqueue(std::shared_ptr<call> asked) {
  waiting_.push_back(std::move(asked));
  start_waiting();
}

/// Nobody in the line needs a timer: all have the same time-out, so by the time that the first of them has waited for
/// too long, every call before it is over.
void authorizer::start_waiting() {
  while (running_ < most_calls && !waiting_.empty()) {
    const auto asked = std::move(waiting_.front());
    waiting_.pop_front();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(asked->deadline - std::chrono::steady_clock::now());
    if (asked->abandoned.stop_requested() || left.count() <= 0) {
      asked->answer(std::nullopt);
    } else {
      start(asked, left);
    }
  }
}

void authorizer::start(const std::shared_ptr<call>& asked, std::chrono::milliseconds time_left) {
  ++running_;
  http::fetch_options how;
  how.timeout = time_left;
  how.trust = trust_;
  http::async_fetch(
      context_.get_executor(), http::json_post(options_.attach, std::move(asked->question), options_.headers), how,
      asio::bind_cancellation_slot(
          asked->cancel.slot(), [self = shared_from_this(), asked](error_code error, const http::response& response) {
            self->finish(*asked, error, response);
          }));
  asked->give_up_when_abandoned(context_);
}

void authorizer::finish(call& asked, error_code error, const http::response& response) {
  --running_;
  asked.on_abandoned.reset();
  auto why = failure_of(error, response);
  std::optional<tunnel::attach_decision> decision;
  if (why.empty()) {
    decision = read_attach_answer(response.body);
    if (!decision) why = "its answer is a failure or cannot be read";
  }
  if (!decision && !asked.abandoned.stop_requested() && complaints_.is_over()) {
    log_line(log_level::warning, "attach authorizer: " + why + "; attaches are refused as policy_error");
  }
  asked.answer(decision);
  start_waiting();
}

}  // namespace flowersec::apps
