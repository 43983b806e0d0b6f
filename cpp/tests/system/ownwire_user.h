// A user of a gateway who says one frame at a time, and a site's program on the encrypted link: the encrypted channel
// is the library's, the frames are the test's.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "flowersec/base/json_frame.h"
#include "flowersec/endpoint/connect.h"
#include "flowersec/ownwire/frames.h"

namespace flowersec::testing {

/// A stream of JSON frames in a session of its own. Waits have a limit; a test that runs into it fails.
class frame_stream {
 public:
  static constexpr std::chrono::seconds patience{60};

  /// Connects with `info` and opens a stream. Throws the error code of what failed.
  template <class Info>
  static frame_stream to(Info info, std::string origin, std::string kind, std::size_t max_frame_bytes) {
    frame_stream made{max_frame_bytes};
    endpoint::connect_options options;
    options.origin = std::move(origin);
    options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
    made.wait([&](auto done) {
      endpoint::async_connect(made.context_->get_executor(), std::move(info), std::move(options),
                              [&, done](error_code failed, endpoint::session connected) {
                                made.session_ = std::move(connected);
                                done(failed);
                              });
    });
    made.wait([&](auto done) {
      made.session_.async_open_stream(std::move(kind), [&, done](error_code failed, stream opened) {
        made.stream_ = std::move(opened);
        done(failed);
      });
    });
    return made;
  }
  frame_stream(frame_stream&&) = default;
  ~frame_stream() {
    if (!context_) return;
    // The session is closed when its handle dies; what that takes is done here.
    stream_ = {};
    session_ = {};
    context_->restart();
    context_->poll();
  }

  void send(const std::string& text) {
    const auto bytes = encode_json_frame(text);
    wait([&](auto done) {
      boost::asio::async_write(stream_, boost::asio::buffer(bytes),
                               [done](error_code failed, std::size_t) { done(failed); });
    });
  }

  /// The text of the next frame. Throws the error code of the end.
  std::string next() {
    for (;;) {
      byte_view input{received_};
      const auto status = splitter_.consume(input);
      received_.erase(received_.begin(), received_.end() - static_cast<std::ptrdiff_t>(input.size()));
      if (status == json_frame_splitter::status::bad_length) throw std::runtime_error("bad length");
      if (status == json_frame_splitter::status::frame) return std::string{splitter_.text()};
      std::array<std::byte, 4096> piece;
      wait([&](auto done) {
        stream_.async_read_some(boost::asio::buffer(piece), [&, done](error_code failed, std::size_t count) {
          append(received_, byte_view{piece}.first(count));
          done(failed);
        });
      });
    }
  }

 private:
  explicit frame_stream(std::size_t max_frame_bytes)
      : context_(std::make_unique<boost::asio::io_context>()), splitter_(max_frame_bytes) {}

  /// Runs the context until the operation has called what it is given; throws its error.
  template <class Start>
  void wait(Start start) {
    std::optional<error_code> outcome;
    start([&outcome](error_code failed) { outcome = failed; });
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!outcome) {
      context_->restart();
      if (std::chrono::steady_clock::now() > until) throw std::runtime_error("nothing came");
      context_->run_one_for(std::chrono::seconds{1});
    }
    if (*outcome) throw boost::system::system_error{*outcome};
  }

  std::unique_ptr<boost::asio::io_context> context_;
  endpoint::session session_;
  stream stream_;
  byte_buffer received_;
  json_frame_splitter splitter_;
};

/// What a user needs to know of a gateway.
inline endpoint::sealed_connect_info info_of(const std::string& ws_url, const std::string& server_key,
                                             crypto::suite suite) {
  const auto key = sealed::public_key::parse(server_key);
  if (!key) throw std::runtime_error("no key: " + server_key);
  endpoint::sealed_connect_info info;
  info.ws_url = ws_url;
  info.server_keys.push_back(*key);
  info.default_suite = suite;
  return info;
}

class chat_user {
 public:
  /// Connects and opens the stream. Throws the error code of what failed.
  chat_user(const std::string& ws_url, const std::string& server_key, crypto::suite suite = crypto::suite::x25519)
      : frames_(frame_stream::to(info_of(ws_url, server_key, suite), "http" + ws_url.substr(2, ws_url.rfind('/') - 2),
                                 std::string{ownwire::chat_stream_kind}, ownwire::max_chat_frame_bytes)) {}
  /// The same, with the first frames of both sides.
  chat_user(const std::string& ws_url, const std::string& server_key, const ownwire::hello_frame& hello)
      : chat_user(ws_url, server_key) {
    send(hello);
    welcome_ = expect<ownwire::welcome_frame>();
  }

  [[nodiscard]] const ownwire::welcome_frame& welcome() const noexcept { return welcome_; }

  void send(const ownwire::user_frame& frame) { frames_.send(encode(frame)); }
  void say(std::uint64_t id, std::string content) { send(ownwire::text_frame{id, std::move(content)}); }

  /// The next frame of the gateway.
  ownwire::gateway_frame next() {
    const auto text = frames_.next();
    auto frame = ownwire::decode_gateway_frame(text);
    if (!frame) throw std::runtime_error("no frame: " + text);
    return *std::move(frame);
  }
  template <class Frame>
  Frame expect() {
    auto frame = next();
    if (auto* found = std::get_if<Frame>(&frame)) return std::move(*found);
    throw std::runtime_error("another frame, number " + std::to_string(frame.index()));
  }
  /// Whether nothing comes behind what was read: the stream or the session is over.
  bool is_over() {
    try {
      static_cast<void>(next());
      return false;
    } catch (const boost::system::system_error&) {
      return true;
    }
  }

 private:
  frame_stream frames_;
  ownwire::welcome_frame welcome_;
};

}  // namespace flowersec::testing
