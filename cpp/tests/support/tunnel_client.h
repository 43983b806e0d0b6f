// A WebSocket client on a blocking socket, plain or TLS, that does exactly what a test says.
// Test support. Every wait has a limit; a test that runs into it fails instead of hanging.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/client_frames.h"

namespace flowersec::testing {

class tunnel_client {
 public:
  static constexpr std::chrono::seconds patience{60};

  struct options {
    bool tls = false;
    std::string origin = "https://app.example";
    std::string path = "/ws";
    int receive_buffer_bytes = 0;   ///< 0: the system's choice
    std::string from = {};          ///< address to come from; empty: the system's choice
    std::string more_headers = {};  ///< of the upgrade, each with its line end
  };

  tunnel_client(const std::string& address, const options& how) {
    // OpenSSL writes without MSG_NOSIGNAL.
    ::signal(SIGPIPE, SIG_IGN);
    const auto colon = address.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (how.receive_buffer_bytes != 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &how.receive_buffer_bytes, sizeof how.receive_buffer_bytes);
    }
    if (!how.from.empty()) {
      sockaddr_in from{};
      from.sin_family = AF_INET;
      ::inet_pton(AF_INET, how.from.c_str(), &from.sin_addr);
      if (::bind(socket_, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0) throw std::runtime_error("bind");
    }
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) throw std::runtime_error("connect");
    if (how.tls) start_tls();
  }
  explicit tunnel_client(const std::string& address) : tunnel_client(address, options{}) {}
  tunnel_client(tunnel_client&& from) noexcept
      : socket_(std::exchange(from.socket_, -1)), tls_(std::move(from.tls_)), received_(std::move(from.received_)) {}
  tunnel_client& operator=(tunnel_client&& from) noexcept {
    std::swap(socket_, from.socket_);
    std::swap(tls_, from.tls_);
    std::swap(received_, from.received_);
    return *this;
  }
  ~tunnel_client() { close(); }

  /// A connection upgraded and attached; the tunnel's answer to the attach is the test's to wait for.
  static tunnel_client attached(const std::string& address, std::string_view attach_text, const options& how) {
    tunnel_client client{address, how};
    client.upgrade(how);
    client.send(client_frame(op_text, attach_text));
    return client;
  }
  static tunnel_client attached(const std::string& address, std::string_view attach_text) {
    return attached(address, attach_text, options{});
  }

  void upgrade(const options& how) {
    send_text("GET " + how.path + " HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nOrigin: " + how.origin +
              "\r\n" + how.more_headers + "\r\n");
    const auto head = read_http_head();
    if (!head.starts_with("HTTP/1.1 101 ")) throw std::runtime_error(head);
  }

  void send(byte_view bytes) {
    while (!bytes.empty()) {
      const auto sent = tls_ ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                             : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("send");
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
  }
  void send_text(std::string_view text) { send(as_bytes(text)); }
  void binary(byte_view payload) { send(client_frame(op_binary, payload)); }
  void binary(std::string_view payload) { binary(as_bytes(payload)); }
  /// What the socket takes without waiting.
  std::size_t send_some(byte_view bytes) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }

  /// Sends the same bytes over and over. False when the connection is still there after `longest`.
  [[nodiscard]] bool send_until_ended(byte_view bytes, std::chrono::milliseconds longest) {
    const auto until = std::chrono::steady_clock::now() + longest;
    for (std::size_t sent = 0;; sent %= bytes.size()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
      pollfd waiting{.fd = socket_, .events = POLLIN | POLLOUT, .revents = 0};
      if (left <= 0 || ::poll(&waiting, 1, static_cast<int>(left)) <= 0) return false;
      std::array<std::byte, 4096> piece;
      if ((waiting.revents & ~POLLOUT) != 0 && ::recv(socket_, piece.data(), piece.size(), MSG_DONTWAIT) <= 0) {
        return true;
      }
      sent += send_some(bytes.subspan(sent));
    }
  }

  /// The next frame; nullopt when the connection ended first.
  std::optional<server_frame> frame() {
    for (;;) {
      auto frames = take_server_frames(received_);
      if (!frames.empty()) {
        byte_buffer behind;
        for (std::size_t i = 1; i < frames.size(); ++i) append(behind, unparsed(frames[i]));
        append(behind, received_);
        received_ = std::move(behind);
        return frames.front();
      }
      if (!read_more()) return std::nullopt;
    }
  }
  /// The payload of the next frame as text, or "<end>".
  std::string message() {
    const auto next = frame();
    return next ? std::string{as_text(next->payload)} : "<end>";
  }
  std::string read_http_head() { return read_until("\r\n\r\n"); }
  std::string read_until(std::string_view end) {
    for (;;) {
      const auto at = as_text(received_).find(end);
      if (at != std::string_view::npos) {
        std::string text{as_text(received_).substr(0, at + end.size())};
        received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(text.size()));
        return text;
      }
      if (!read_more()) throw std::runtime_error("ended early: " + std::string{as_text(received_)});
    }
  }
  /// Everything up to the end of the connection.
  byte_buffer read_to_end() {
    while (read_more()) {
    }
    return std::exchange(received_, {});
  }
  /// Whether the connection ended cleanly, with nothing but what was read before.
  bool ended() { return read_to_end().empty() && !reset_; }
  [[nodiscard]] bool was_reset() const noexcept { return reset_; }
  /// For a test that waits for many.
  [[nodiscard]] int descriptor() const noexcept { return socket_; }

  /// Tells one server certificate from another.
  [[nodiscard]] std::string certificate_digest() const {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate{SSL_get1_peer_certificate(tls_.get()), &X509_free};
    std::string digest(EVP_MAX_MD_SIZE, '\0');
    unsigned int bytes = 0;
    X509_digest(certificate.get(), EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()), &bytes);
    digest.resize(bytes);
    return digest;
  }

  void finish_sending() { ::shutdown(socket_, SHUT_WR); }
  void close() {
    tls_.reset();
    if (const int s = std::exchange(socket_, -1); s >= 0) ::close(s);
  }
  /// Ends with a reset instead of an orderly end.
  void abort() {
    const linger none{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close();
  }

 private:
  struct free_tls {
    void operator()(SSL* s) const noexcept { SSL_free(s); }
  };

  static byte_buffer unparsed(const server_frame& f) {
    byte_buffer out{static_cast<std::byte>((f.fin ? 0x80 : 0) | f.op), std::byte{127}};
    append_be(out, static_cast<std::uint64_t>(f.payload.size()));
    append(out, f.payload);
    return out;
  }

  void start_tls() {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()), &SSL_CTX_free};
    tls_.reset(SSL_new(context.get()));
    SSL_set_fd(tls_.get(), socket_);
    if (SSL_connect(tls_.get()) != 1) throw std::runtime_error("tls");
  }

  bool read_more() {
    std::array<std::byte, 65536> piece;
    if (!tls_ || SSL_pending(tls_.get()) == 0) {
      pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
      const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
      if (::poll(&waiting, 1, static_cast<int>(limit)) <= 0) throw std::runtime_error("nothing came");
    }
    const auto got =
        tls_ ? SSL_read(tls_.get(), piece.data(), piece.size()) : ::recv(socket_, piece.data(), piece.size(), 0);
    if (got <= 0) {
      reset_ = !tls_ && got < 0;
      return false;
    }
    append(received_, byte_view{piece}.first(static_cast<std::size_t>(got)));
    return true;
  }

  int socket_ = -1;
  std::unique_ptr<SSL, free_tls> tls_;
  byte_buffer received_;
  bool reset_ = false;
};

/// Whether nothing comes to `who` for so long.
[[nodiscard]] inline bool is_silent(const tunnel_client& who, std::chrono::milliseconds time = {}) {
  pollfd waiting{.fd = who.descriptor(), .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, static_cast<int>(time.count())) == 0;
}

}  // namespace flowersec::testing
