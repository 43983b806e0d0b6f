#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "endpoint/attempt.h"
#include "endpoint/failure.h"
#include "endpoint/one_stream.h"
#include "flowersec/base/clock.h"
#include "flowersec/base/json_frame.h"
#include "flowersec/ws/connect.h"
#include "rendezvous/registry_connection.h"

namespace flowersec::rendezvous {

namespace asio = boost::asio;

namespace {

error_code dial_error(endpoint::endpoint_errc what) {
  return endpoint::make_error({.path = endpoint::path::direct, .stage = endpoint::stage::connect, .code = what});
}

class sealed_connection final : public registry_connection {
 public:
  sealed_connection(client_strand serial, registry_listener listener, endpoint::sealed_connect_info info,
                    endpoint::connect_options options)
      : registry_connection(std::move(serial), std::move(listener)),
        info_(std::move(info)),
        options_(std::move(options)) {}

  void dial() override {
    auto done = asio::bind_executor(
        serial_, [self = me()](error_code failed, endpoint::session up) { self->on_dialled(failed, std::move(up)); });
    const auto executor = serial_.get_inner_executor();
    endpoint::start_attempt(executor, info_, options_, hint_,
                            {asio::bind_cancellation_slot(stop_.slot(), std::move(done)), executor});
  }

 private:
  [[nodiscard]] std::shared_ptr<sealed_connection> me() {
    return std::static_pointer_cast<sealed_connection>(shared_from_this());
  }

  void on_dialled(error_code failed, endpoint::session up) {
    if (is_over()) return;  // `up` closes with its last handle
    if (failed) return lose(failed, hint_->draining);
    session_ = std::move(up);
    endpoint::refuse_streams(session_);
    auto done = asio::bind_executor(serial_, [self = me()](error_code refused, flowersec::stream opened) {
      self->on_stream(refused, std::move(opened));
    });
    session_.async_open_stream(std::string{registry_stream_kind}, std::move(done));
  }

  void on_stream(error_code failed, flowersec::stream opened) {
    if (is_over()) return;
    if (failed) return lose_carrier(failed);
    stream_ = std::move(opened);
    on_opened();
    if (!is_over()) read();
  }

  void read() {
    stream_.async_read_some(asio::buffer(input_),
                            asio::bind_executor(serial_, [self = me()](error_code failed, std::size_t bytes) {
                              self->on_read(failed, bytes);
                            }));
  }

  void on_read(error_code failed, std::size_t bytes) {
    if (is_over()) return;
    if (failed) return lose_carrier(rendezvous_errc::connection_lost);
    byte_view rest{input_.data(), bytes};
    while (true) {
      const auto status = splitter_.consume(rest);
      if (status == json_frame_splitter::status::need_more) return read();
      if (status != json_frame_splitter::status::frame) return lose(rendezvous_errc::bad_registry_frame);
      if (!on_text(splitter_.text())) return;
    }
  }

  void write(byte_view text) override {
    output_ = encode_json_frame(as_text(text));
    asio::async_write(stream_, asio::buffer(output_),
                      asio::bind_executor(serial_, [self = me()](error_code failed, std::size_t /*bytes*/) {
                        self->on_written(failed);
                      }));
  }

  void end() override {
    stop_.emit(asio::cancellation_type::terminal);
    stream_ = {};
    session_ = {};
  }

  void close(std::function<void()> gone) override {
    session_.async_close(asio::bind_executor(serial_, [self = me(), gone = std::move(gone)](error_code /*ignored*/) {
      self->end();
      gone();
    }));
  }

  void lose_carrier(error_code why) override {
    endpoint::ask_draining(session_, serial_, [self = me(), why](bool draining) { self->lose(why, draining); });
  }

  static constexpr std::size_t read_bytes = 16'384;

  endpoint::sealed_connect_info info_;
  endpoint::connect_options options_;
  asio::cancellation_signal stop_;
  std::shared_ptr<endpoint::attempt_hint> hint_ = std::make_shared<endpoint::attempt_hint>();
  endpoint::session session_;
  flowersec::stream stream_;
  json_frame_splitter splitter_{max_registry_frame_bytes};
  std::array<std::byte, read_bytes> input_;
  byte_buffer output_;
};

class plain_connection final : public registry_connection {
 public:
  plain_connection(client_strand serial, registry_listener listener, std::string url, endpoint::connect_options options)
      : registry_connection(std::move(serial), std::move(listener)),
        url_(std::move(url)),
        options_(std::move(options)),
        timer_(serial_) {}

  void dial() override {
    const auto target = ws::parse_url(url_);
    auto with = ws_options();
    if (!target || !with) return lose(dial_error(endpoint::endpoint_errc::dial_failed));
    timer_.expires_at(later(system_clocks().mono_now(), options_.connect_timeout));
    timer_.async_wait([self = me()](error_code canceled) {
      if (!canceled) self->stop_.emit(asio::cancellation_type::terminal);
    });
    auto done = asio::bind_executor(
        serial_, [self = me()](error_code failed, ws::message_socket up) { self->on_dialled(failed, std::move(up)); });
    ws::async_connect(serial_, *target, std::move(*with), asio::bind_cancellation_slot(stop_.slot(), std::move(done)));
  }

 private:
  [[nodiscard]] std::shared_ptr<plain_connection> me() {
    return std::static_pointer_cast<plain_connection>(shared_from_this());
  }

  [[nodiscard]] std::optional<ws::connect_options> ws_options() const {
    ws::connect_options with;
    with.origin = options_.origin;
    with.socket.limits.max_message_bytes = max_registry_frame_bytes;
    const auto& trust = options_.trust;
    if (trust.ca_file || trust.ca_pem) {
      auto tls =
          trust.ca_file ? ws::tls_context::client_from_file(*trust.ca_file) : ws::tls_context::client(trust.ca_pem);
      if (!tls) return std::nullopt;
      with.tls = *tls;
    }
    return with;
  }

  void on_dialled(error_code failed, ws::message_socket up) {
    const bool late = timer_.cancel() == 0;
    if (is_over()) return;
    if (failed) {
      const auto what = late ? endpoint::endpoint_errc::timeout : endpoint::endpoint_errc::dial_failed;
      return lose(dial_error(what), endpoint::is_unavailable(failed));
    }
    socket_ = std::move(up);
    on_opened();
    if (!is_over()) read();
  }

  void read() {
    socket_.async_read_message(
        asio::bind_executor(serial_, [self = me()](error_code failed, ws::received_message message) {
          if (self->is_over()) return;
          if (failed) return self->lose_carrier(errc_of(failed));
          if (message.kind != ws::message_kind::text) return self->lose(rendezvous_errc::bad_registry_frame);
          if (self->on_text(as_text(message.payload))) self->read();
        }));
  }

  void write(byte_view text) override {
    socket_.async_write_message(
        ws::message_kind::text, text,
        asio::bind_executor(serial_, [self = me()](error_code failed) { self->on_written(failed); }));
  }

  /// A frame that is too long says as much of a registry as one that is none.
  [[nodiscard]] static rendezvous_errc errc_of(error_code failed) {
    return failed == make_error_code(ws::ws_errc::message_too_big) ? rendezvous_errc::bad_registry_frame
                                                                   : rendezvous_errc::connection_lost;
  }

  void end() override {
    timer_.cancel();
    stop_.emit(asio::cancellation_type::terminal);
    if (socket_ && !closing_) close([] {});
  }

  void lose_carrier(error_code why) override {
    socket_.find_peer_close();
    lose(why, endpoint::is_going_away(socket_.peer_close()));
  }

  // Within close_timeout it is over, whatever the registry does.
  void close(std::function<void()> gone) override {
    closing_ = true;
    socket_.async_close(
        ws::close_code::normal, {},
        asio::bind_executor(serial_, [self = me(), gone = std::move(gone)](error_code /*ignored*/) { gone(); }));
  }

  std::string url_;
  endpoint::connect_options options_;
  asio::steady_timer timer_;
  asio::cancellation_signal stop_;
  ws::message_socket socket_;
  bool closing_ = false;
};

}  // namespace

std::shared_ptr<registry_connection> make_sealed_connection(client_strand serial, registry_listener listener,
                                                            endpoint::sealed_connect_info info,
                                                            endpoint::connect_options options) {
  return std::make_shared<sealed_connection>(std::move(serial), std::move(listener), std::move(info),
                                             std::move(options));
}

std::shared_ptr<registry_connection> make_plain_connection(client_strand serial, registry_listener listener,
                                                           std::string url, endpoint::connect_options options) {
  return std::make_shared<plain_connection>(std::move(serial), std::move(listener), std::move(url), std::move(options));
}

}  // namespace flowersec::rendezvous
