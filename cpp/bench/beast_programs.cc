// The two programs built on Beast's WebSocket stream: a message relay and the floor of an attach.
// Concrete executor, deflate compiled out, auto_fragment off: the leanest that Beast allows.
#include <sodium.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <iostream>
#include <memory>

#include "programs.h"
#include "sockets.h"

namespace flowersec::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using executor = asio::io_context::executor_type;
using tcp_socket = asio::basic_stream_socket<tcp, executor>;
using tcp_acceptor = asio::basic_socket_acceptor<tcp, executor>;
using message_stream = beast::websocket::stream<tcp_socket, false>;

constexpr std::size_t max_message_bytes = 1024 * 1024;

class peer {
 public:
  explicit peer(tcp_socket socket) : stream_(std::move(socket)) {
    tune(stream_.next_layer().native_handle());
    stream_.auto_fragment(false);
    stream_.read_message_max(max_message_bytes);
  }

  message_stream& stream() { return stream_; }
  beast::flat_buffer& message() { return message_; }

 private:
  message_stream stream_;
  beast::flat_buffer message_;
};

/// Two peers; each holds the pair alive through its pending operation.
class joined_pair : public std::enable_shared_from_this<joined_pair> {
 public:
  joined_pair(tcp_socket first, tcp_socket second) : first_(std::move(first)), second_(std::move(second)) {}

  void start() {
    upgrade(first_);
    upgrade(second_);
  }

 private:
  void upgrade(peer& each) {
    each.stream().async_accept([this, self = shared_from_this()](error_code error) {
      if (error || ++upgraded_ < 2) return;
      forward(first_, second_);
      forward(second_, first_);
    });
  }

  void forward(peer& from, peer& to) {
    from.stream().async_read(from.message(), [this, self = shared_from_this(), &from, &to](error_code error, auto) {
      if (error) return end();
      to.stream().binary(true);
      to.stream().async_write(from.message().data(), [this, self, &from, &to](error_code failed, auto) {
        if (failed) return end();
        from.message().clear();
        forward(from, to);
      });
    });
  }

  void end() {
    error_code ignored;
    first_.stream().next_layer().close(ignored);
    second_.stream().next_layer().close(ignored);
  }

  peer first_;
  peer second_;
  int upgraded_ = 0;
};

/// Same size as what the tunnel signs and verifies: "FST2." and the base64url of a token's payload.
struct signed_text {
  std::array<unsigned char, 330> text{};
  std::array<unsigned char, crypto_sign_BYTES> signature{};
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> public_key{};

  signed_text() {
    std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret_key{};
    crypto_sign_keypair(public_key.data(), secret_key.data());
    crypto_sign_detached(signature.data(), nullptr, text.data(), text.size(), secret_key.data());
  }
  [[nodiscard]] bool verify() const {
    return crypto_sign_verify_detached(signature.data(), text.data(), text.size(), public_key.data()) == 0;
  }
};

class attach_floor : public std::enable_shared_from_this<attach_floor> {
 public:
  attach_floor(tcp_socket socket, const signed_text& proof) : peer_(std::move(socket)), proof_(proof) {}

  void start() {
    peer_.stream().async_accept([this, self = shared_from_this()](error_code error) {
      if (error) return;
      peer_.stream().async_read(peer_.message(), [this, self](error_code failed, auto) {
        if (failed || !peer_.stream().got_text() || !proof_.verify()) return;
        error_code ignored;
        peer_.stream().next_layer().close(ignored);
      });
    });
  }

 private:
  peer peer_;
  const signed_text& proof_;
};

class server {
 public:
  server() : context_(1), acceptor_(context_) {
    const auto listener = listen_on_loopback();
    acceptor_.assign(tcp::v4(), ::dup(listener.get()));
  }

  template <class OnSocket>
  void run(OnSocket on_socket) {
    std::cout << acceptor_.local_endpoint().port() << std::endl;
    accept(on_socket);
    context_.run();
  }

 private:
  template <class OnSocket>
  void accept(OnSocket& on_socket) {
    acceptor_.async_accept([this, &on_socket](error_code error, tcp_socket socket) {
      if (!error) on_socket(std::move(socket));
      accept(on_socket);
    });
  }

  asio::io_context context_;
  tcp_acceptor acceptor_;
};

}  // namespace

void run_beast_relay() {
  std::optional<tcp_socket> waiting;
  server{}.run([&](tcp_socket socket) {
    if (!waiting) {
      waiting.emplace(std::move(socket));
      return;
    }
    std::make_shared<joined_pair>(std::move(*waiting), std::move(socket))->start();
    waiting.reset();
  });
}

void run_beast_attach() {
  const signed_text proof;
  server{}.run([&](tcp_socket socket) { std::make_shared<attach_floor>(std::move(socket), proof)->start(); });
}

}  // namespace flowersec::bench
