// One connection of the HTTP server: requests are parsed by Beast, answers written by serialize().

#include <atomic>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <optional>

#include "flowersec/base/clock.h"
#include "flowersec/base/text.h"
#include "http/arriving_body.h"
#include "http/server_core.h"

namespace flowersec::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// Waits for one answer, from whichever thread it comes. The last copy of the responder answers 500 if none did.
class reply_slot {
 public:
  using handler = asio::any_completion_handler<void(response)>;

  reply_slot(asio::any_io_executor executor, handler waiting)
      : executor_(std::move(executor)), waiting_(std::move(waiting)) {}
  reply_slot(const reply_slot&) = delete;
  reply_slot& operator=(const reply_slot&) = delete;
  ~reply_slot() { fill(error_response(500, reason_phrase(500))); }

  void fill(response answer) {
    if (filled_.exchange(true)) return;
    asio::post(executor_, asio::append(std::move(waiting_), std::move(answer)));
  }

 private:
  asio::any_io_executor executor_;
  handler waiting_;
  std::atomic<bool> filled_ = false;
};

template <typename Stream>
class connection final : public server_connection, public std::enable_shared_from_this<connection<Stream>> {
 public:
  static constexpr bool is_tls = !std::is_same_v<Stream, tcp::socket>;
  using server_connection::time_point;
  using server_connection::waiting;
  using parser = beast::http::request_parser<arriving_body>;

  template <typename... Args>
  explicit connection(std::shared_ptr<server_core> core, Args&&... stream)
      : core_(std::move(core)), stream_(std::forward<Args>(stream)...), timer_(stream_.get_executor()) {}

  void start() { asio::co_spawn(stream_.get_executor(), run(this->shared_from_this()), asio::detached); }

  void wind_down() override {
    winding_down_ = true;
    if (!busy_) drop();
  }
  [[nodiscard]] std::optional<waiting> waits() const noexcept override {
    return answering_ ? std::nullopt : std::optional{waiting_};
  }
  void drop() override {
    error_code ignored;
    timer_.cancel();
    socket().close(ignored);
  }

 private:
  using verdict = std::optional<response>;  ///< an answer that ends the connection

  static asio::awaitable<void> run(std::shared_ptr<connection> self) {
    // No co_await in a loop's condition: GCC 12 reads the result before it is there.
    bool going = co_await self->open();
    while (going) going = co_await self->serve_one();
    co_await self->close();
    self->core_->remove(*self);
  }

  tcp::socket& socket() noexcept {
    if constexpr (is_tls)
      return stream_.next_layer();
    else
      return stream_;
  }

  /// The connection is dropped at `end`, unless another limit replaces this one.
  void limit(time_point end) {
    timer_.expires_at(end);
    timer_.async_wait([weak = this->weak_from_this()](error_code canceled) {
      const auto self = weak.lock();
      if (self && !canceled) self->drop();
    });
  }
  void limit(std::chrono::milliseconds time) { limit(later(std::chrono::steady_clock::now(), time)); }
  void lift_limit() { timer_.cancel(); }

  asio::awaitable<bool> open() {
    limit(core_->limits().header_timeout);
    if constexpr (is_tls) {
      const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server, as_result);
      if (is_plain_http(error)) {
        static constexpr std::string_view answer =
            "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
        (void)co_await asio::async_write(socket(), asio::buffer(answer), as_result);
      }
      co_return !error;
    }
    co_return true;
  }

  /// Whether the handshake failed because the client began with an HTTP request: somebody forgot the s of https.
  static bool is_plain_http(const error_code& handshake) {
    const auto reason = static_cast<unsigned long>(handshake.value());
    return handshake.category() == asio::error::get_ssl_category() && ERR_GET_LIB(reason) == ERR_LIB_SSL &&
           ERR_GET_REASON(reason) == SSL_R_HTTP_REQUEST;
  }

  /// One request and its answer. False when the connection is to end.
  asio::awaitable<bool> serve_one() {
    busy_ = buffer_.size() > 0;
    if (!busy_) {
      const bool begun_in_time = co_await first_byte();
      if (!begun_in_time) co_return false;
    }
    busy_ = true;
    const auto begun = waiting_.heard = std::chrono::steady_clock::now();
    parser incoming;
    incoming.header_limit(static_cast<std::uint32_t>(core_->limits().max_header_bytes));
    incoming.body_limit(core_->limits().max_body_bytes);
    const auto error = co_await read_request(incoming, begun);
    answering_ = true;
    if (error) {
      if (const auto refusal = refuse(error, incoming)) co_await write(*refusal, false, false);
      co_return false;
    }
    const bool head_only = incoming.get().method() == beast::http::verb::head;
    const bool wants_more = incoming.keep_alive();
    lift_limit();
    auto answer = co_await ask(take(incoming));
    const bool keep = wants_more && !winding_down_;
    const bool written = co_await write(answer, keep, head_only);
    const bool going_on = written && keep && !winding_down_;
    if (going_on) wait_for_request();
    co_return going_on;
  }

  void wait_for_request() {
    answering_ = false;
    waiting_.since = waiting_.heard = std::chrono::steady_clock::now();
  }

  asio::awaitable<bool> first_byte() {
    limit(std::exchange(fresh_, false) ? core_->limits().header_timeout : core_->limits().idle_timeout);
    constexpr std::size_t chunk = 4096;
    const auto [error, count] = co_await stream_.async_read_some(buffer_.prepare(chunk), as_result);
    buffer_.commit(count);
    co_return !error && !winding_down_;
  }

  asio::awaitable<error_code> read_request(parser& incoming, time_point begun) {
    const auto end = later(begun, core_->limits().request_timeout);
    limit(std::min(end, later(begun, core_->limits().header_timeout)));
    const auto [bad_head, head_bytes] = co_await beast::http::async_read_header(stream_, buffer_, incoming, as_result);
    if (bad_head) co_return bad_head;
    // RFC 9112, 6.3: where such a body ends cannot be told.
    const bool is_coded = incoming.get().find(beast::http::field::transfer_encoding) != incoming.get().end();
    if (is_coded && !incoming.chunked()) co_return beast::http::error::bad_transfer_encoding;
    if (incoming.is_done()) co_return error_code{};
    if (ascii_iequals(std::string_view{incoming.get()[beast::http::field::expect]}, "100-continue")) {
      static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      const auto [unsent, bytes] = co_await asio::async_write(stream_, asio::buffer(go_on), as_result);
      if (unsent) co_return unsent;
    }
    limit(end);
    const auto [bad_body, body_bytes] = co_await beast::http::async_read(stream_, buffer_, incoming, as_result);
    co_return bad_body;
  }

  /// What a client that sent an unusable request is told; nullopt when it is gone or too slow.
  verdict refuse(const error_code& why, parser& incoming) {
    const auto status = status_of(why);
    if (!status) return std::nullopt;
    if (!core_->refusal()) {
      return error_response(*status, std::to_string(*status) + ' ' + std::string{reason_phrase(*status)});
    }
    // An announced length over the limit ends the parser at the last byte of the head, before it calls the head done.
    const bool has_head = incoming.is_header_done() || *status == 413;
    auto head = has_head ? take(incoming) : request{.method = {}, .target = {}, .headers = {}, .body = {}};
    head.body.clear();
    return core_->refusal()(*status, head);
  }

  static std::optional<unsigned> status_of(const error_code& why) {
    using beast::http::error;
    if (why == error::header_limit) return 431;
    if (why == error::body_limit) return 413;
    if (why == error::end_of_stream || why == error::partial_message) return std::nullopt;
    const bool from_parser = why.category() == make_error_code(error::bad_method).category();
    return from_parser ? std::optional{400U} : std::nullopt;
  }

  request take(parser& incoming) {
    auto message = incoming.release();
    request out{.method = std::string{std::string_view{message.method_string()}},
                .target = std::string{std::string_view{message.target()}},
                .headers = {},
                .body = std::move(message.body()),
                .remote_address = remote_address()};
    for (const auto& field : message) {
      out.headers.push_back(
          {std::string{std::string_view{field.name_string()}}, std::string{std::string_view{field.value()}}});
    }
    return out;
  }

  [[nodiscard]] std::string remote_address() {
    error_code gone;
    const auto peer = socket().remote_endpoint(gone);
    if (gone) return {};
    auto address = peer.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {  // IPv4, on a socket for both families
      address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    }
    const auto text = address.to_string();
    return (address.is_v6() ? '[' + text + ']' : text) + ':' + std::to_string(peer.port());
  }

  asio::awaitable<response> ask(request question) {
    constexpr auto token = asio::use_awaitable;
    co_return co_await asio::async_initiate<decltype(token), void(response)>(
        [this](auto handler, request incoming) {
          auto slot = std::make_shared<reply_slot>(stream_.get_executor(), std::move(handler));
          core_->handler()(std::move(incoming), [slot](response answer) { slot->fill(std::move(answer)); });
        },
        token, std::move(question));
  }

  asio::awaitable<bool> write(const response& answer, bool keep, bool head_only) {
    const auto date = http_date(count(to_unix_seconds(system_clocks().wall_now())));
    const auto text = serialize(answer, {.keep_alive = keep, .head_request = head_only, .date = date});
    limit(core_->limits().write_timeout);
    const auto [error, bytes] = co_await asio::async_write(stream_, asio::buffer(text), as_result);
    co_return !error;
  }

  /// Ends our half and lets the client end its own: closing with input unread would reset the connection and take the
  /// answer away again.
  asio::awaitable<void> close() {
    constexpr std::chrono::milliseconds patience{1000};
    constexpr std::size_t most_dropped_bytes = 256 * 1024;
    limit(patience);
    if constexpr (is_tls) (void)co_await stream_.async_shutdown(as_result);
    error_code ended;
    socket().shutdown(tcp::socket::shutdown_send, ended);
    std::array<char, 4096> dropped;
    for (std::size_t total = 0; !ended && total < most_dropped_bytes;) {
      const auto [error, count] = co_await socket().async_read_some(asio::buffer(dropped), as_result);
      ended = error;
      total += count;
    }
    drop();
  }

  std::shared_ptr<server_core> core_;
  Stream stream_;
  asio::steady_timer timer_;
  beast::flat_buffer buffer_;
  bool fresh_ = true;  ///< no request has been read yet
  waiting waiting_{std::chrono::steady_clock::now(), std::chrono::steady_clock::now()};
  bool busy_ = false;          ///< a request has begun and is not answered
  bool answering_ = false;     ///< a request has come, and its answer is not written yet
  bool winding_down_ = false;  ///< the server is stopping
};

template <typename Stream, typename... Args>
std::shared_ptr<server_connection> launch(std::shared_ptr<server_core> core, Args&&... stream) {
  auto made = std::make_shared<connection<Stream>>(std::move(core), std::forward<Args>(stream)...);
  made->start();
  return made;
}

}  // namespace

std::shared_ptr<server_connection> serve_connection(std::shared_ptr<server_core> core, tcp::socket socket,
                                                    asio::ssl::context* tls) {
  if (tls == nullptr) return launch<tcp::socket>(std::move(core), std::move(socket));
  return launch<asio::ssl::stream<tcp::socket>>(std::move(core), std::move(socket), *tls);
}

}  // namespace flowersec::http
