// The HTTP client: one connection per exchange, Beast for the response, redirects on the same origin.

#include "flowersec/http/client.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/system/system_error.hpp>
#include <memory>

#include "flowersec/base/clock.h"
#include "flowersec/base/text.h"
#include "http/arriving_body.h"
#include "http/tls.h"

namespace flowersec::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

result<std::string> request_text(const fetch_request& request) {
  const auto invalid = make_error_code(http_errc::header_invalid);
  if (!is_token(request.method)) return invalid;
  std::string text = request.method + ' ' + request.to.target + " HTTP/1.1\r\nHost: " + request.to.host_header() +
                     "\r\nConnection: close\r\n";
  for (const auto& entry : request.headers) {
    if (!can_send(entry)) return invalid;
    text += entry.name + ": " + entry.value + "\r\n";
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return text + "\r\n" + request.body;
}

error_code translate(const error_code& error) {
  using failure = beast::http::error;
  if (error == failure::header_limit) return make_error_code(http_errc::header_too_large);
  if (error == failure::body_limit) return make_error_code(http_errc::body_too_large);
  const bool cut = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
  if (cut || error.category() == make_error_code(failure::bad_method).category()) {
    return make_error_code(http_errc::response_invalid);
  }
  return error;
}

using response_parser = beast::http::response_parser<arriving_body>;

/// How an exchange ended. An error may come with a response that has no body.
struct outcome {
  error_code error;
  response answer;

  outcome() = default;
  outcome(const error_code& failed) : error(failed) {}           // NOLINT: errors are returned as they are
  outcome(http_errc failed) : error(make_error_code(failed)) {}  // NOLINT
  explicit outcome(response received, const error_code& failed = {}) : error(failed), answer(std::move(received)) {}
};

response take(response_parser& incoming) {
  auto message = incoming.release();
  response out{.status = message.result_int(), .headers = {}, .body = std::move(message.body())};
  for (const auto& field : message) {
    out.headers.push_back(
        {std::string{std::string_view{field.name_string()}}, std::string{std::string_view{field.value()}}});
  }
  return out;
}

/// Of a body that is too large the status is still worth telling.
outcome cut_short(response_parser& incoming, const error_code& why) {
  if (why != http_errc::body_too_large) return why;
  auto head = take(incoming);
  head.body.clear();
  return outcome{std::move(head), why};
}

template <typename Stream>
asio::awaitable<outcome> converse(Stream& stream, const fetch_request& request, const std::string& text,
                                  const fetch_options& options) {
  const auto [unsent, sent] = co_await asio::async_write(stream, asio::buffer(text), as_result);
  if (unsent) co_return unsent;
  beast::flat_buffer buffer;
  while (true) {
    response_parser incoming;
    incoming.header_limit(static_cast<std::uint32_t>(options.max_header_bytes));
    incoming.body_limit(options.max_body_bytes);
    if (request.method == "HEAD") incoming.skip(true);
    const auto [error, received] = co_await beast::http::async_read(stream, buffer, incoming, as_result);
    if (error) co_return cut_short(incoming, translate(error));
    auto answer = take(incoming);
    if (answer.status >= 200) co_return outcome{std::move(answer)};  // interim answers come before the real one
  }
}

asio::awaitable<outcome> exchange(const fetch_request& request, const fetch_options& options, asio::ssl::context* tls) {
  const auto text = request_text(request);
  if (!text) co_return text.error();
  const auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver{executor};
  const auto [unresolved, endpoints] = co_await resolver.async_resolve(request.to.host, std::to_string(request.to.port),
                                                                       tcp::resolver::numeric_service, as_result);
  if (unresolved) co_return unresolved;
  tcp::socket socket{executor};
  const auto [refused, endpoint] = co_await asio::async_connect(socket, endpoints, as_result);
  if (refused) co_return refused;
  if (tls == nullptr) co_return co_await converse(socket, request, *text, options);

  asio::ssl::stream<tcp::socket> secure{std::move(socket), *tls};
  secure.set_verify_callback(asio::ssl::host_name_verification{request.to.host});
  error_code not_ip;
  (void)asio::ip::make_address(request.to.host, not_ip);
  if (not_ip) SSL_set_tlsext_host_name(secure.native_handle(), request.to.host.c_str());
  const auto [untrusted] = co_await secure.async_handshake(asio::ssl::stream_base::client, as_result);
  if (untrusted == asio::error::operation_aborted) co_return untrusted;
  if (untrusted) co_return http_errc::tls_failed;
  co_return co_await converse(secure, request, *text, options);
}

bool is_redirect(unsigned status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// 307 and 308 repeat the request; the others become a GET without body.
void follow(fetch_request& request, unsigned status) {
  if (status == 307 || status == 308) return;
  if (request.method != "HEAD") request.method = "GET";
  request.body.clear();
  std::erase_if(request.headers, [](const header& entry) { return ascii_iequals(entry.name, "Content-Type"); });
}

asio::awaitable<outcome> fetch(fetch_request request, fetch_options options) {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  std::shared_ptr<asio::ssl::context> tls;
  if (request.to.secure) {
    auto trust = options.trust;
    if (!trust) {
      auto loaded = load_client_tls(options.ca_pem);
      if (!loaded) co_return loaded.error();
      trust = *std::move(loaded);
    }
    tls = share_context(*trust);
  }
  for (unsigned redirects = 0;; ++redirects) {
    auto ended = co_await exchange(request, options, tls.get());
    if (ended.error || !options.follow_redirects || !is_redirect(ended.answer.status)) co_return ended;
    const auto location = find_header(ended.answer.headers, "Location");
    if (!location) co_return ended;
    if (redirects == options.max_redirects) co_return http_errc::too_many_redirects;
    auto next = resolve_location(request.to, *location);
    if (!next) co_return next.error();
    if (!next->same_origin(request.to)) co_return http_errc::redirect_cross_origin;
    request.to = std::move(*next);
    follow(request, ended.answer.status);
  }
}

/// One call: completes once, with the outcome, the time limit or the cancellation, whichever comes first. What is still
/// under way then (a name lookup cannot be interrupted) ends behind the scenes.
class fetch_call : public std::enable_shared_from_this<fetch_call> {
 public:
  fetch_call(const asio::any_io_executor& executor, detail::fetch_handler handler)
      : strand_(asio::make_strand(executor)), timer_(strand_), handler_(std::move(handler)) {}

  void start(fetch_request request, const fetch_options& options) {
    auto slot = asio::get_associated_cancellation_slot(handler_);
    if (slot.is_connected()) {
      slot.assign([weak = weak_from_this(), strand = strand_](asio::cancellation_type /*kind*/) {
        asio::dispatch(strand, [weak] {
          if (const auto self = weak.lock()) self->finish(asio::error::operation_aborted, {});
        });
      });
    }
    timer_.expires_at(later(system_clocks().mono_now(), options.timeout));
    timer_.async_wait([self = shared_from_this()](error_code canceled) {
      if (!canceled) self->finish(make_error_code(http_errc::timeout), {});
    });
    asio::co_spawn(strand_, fetch(std::move(request), options),
                   asio::bind_cancellation_slot(
                       stop_.slot(), [self = shared_from_this()](const std::exception_ptr& thrown, outcome ended) {
                         if (thrown) return self->finish(asio::error::operation_aborted, {});
                         self->finish(ended.error, std::move(ended.answer));
                       }));
  }

 private:
  void finish(error_code error, response answer) {
    if (!handler_) return;
    auto handler = std::exchange(handler_, nullptr);
    timer_.cancel();
    stop_.emit(asio::cancellation_type::terminal);
    const auto where = asio::get_associated_executor(handler, strand_.get_inner_executor());
    asio::post(strand_.get_inner_executor(),
               asio::bind_executor(where, [handler = std::move(handler), error, answer = std::move(answer)]() mutable {
                 // The slot belongs to the caller's executor, which is where this runs.
                 if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) slot.clear();
                 std::move(handler)(error, std::move(answer));
               }));
  }

  asio::strand<asio::any_io_executor> strand_;
  asio::steady_timer timer_;
  asio::cancellation_signal stop_;
  detail::fetch_handler handler_;
};

}  // namespace

bool fetch_options::validate() const noexcept {
  return timeout > std::chrono::milliseconds::zero() && max_header_bytes >= 1024 && max_header_bytes <= 1048576;
}

fetch_request json_post(url to, std::string json, std::vector<header> extra_headers) {
  fetch_request request{.to = std::move(to), .method = "POST", .headers = {}, .body = std::move(json)};
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  std::ranges::move(extra_headers, std::back_inserter(request.headers));
  return request;
}

void detail::start_fetch(asio::any_io_executor executor, fetch_request request, fetch_options options,
                         fetch_handler handler) {
  std::make_shared<fetch_call>(executor, std::move(handler))->start(std::move(request), options);
}

}  // namespace flowersec::http
