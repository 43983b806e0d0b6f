// One connection to a registry, sealed or plain: frames in, frames out. What is said goes to a machine.
// Layer rendezvous, part `client`, private. Runs on a strand. Reading never waits for writing.
#pragma once

#include <boost/asio/strand.hpp>
#include <deque>
#include <functional>
#include <memory>

#include "flowersec/endpoint/connect.h"
#include "flowersec/rendezvous/frames.h"

namespace flowersec::rendezvous {

using client_strand = boost::asio::strand<boost::asio::any_io_executor>;

/// What is queued to a registry that does not read; beyond it the connection is given up.
inline constexpr std::size_t max_registry_outbox_bytes = 262'144;

/// Who hears of a connection. After lost() nothing more.
struct registry_listener {
  std::function<void()> opened;
  std::function<void(server_frame)> frame;
  /// `draining`: the registry said that it is going away.
  std::function<void(error_code, bool draining)> lost;
};

class registry_connection : public std::enable_shared_from_this<registry_connection> {
 public:
  registry_connection(client_strand serial, registry_listener listener)
      : serial_(std::move(serial)), listener_(std::move(listener)) {}
  virtual ~registry_connection() = default;
  registry_connection(const registry_connection&) = delete;
  registry_connection& operator=(const registry_connection&) = delete;

  virtual void dial() = 0;
  void send(const client_frame& frame);
  /// Ends it at once; the listener hears nothing more. The registry still gets a close frame.
  void drop();
  /// Ends it in order and calls `gone` then.
  void leave(std::function<void()> gone);

 protected:
  virtual void write(byte_view text) = 0;
  virtual void end() = 0;
  virtual void close(std::function<void()> gone) = 0;
  /// What carries the frames failed. Ends in lose(), with what the registry said of it.
  virtual void lose_carrier(error_code why) = 0;

  [[nodiscard]] bool is_over() const noexcept { return over_; }
  void on_opened();
  /// False when the connection is over.
  bool on_text(std::string_view text);
  void on_written(error_code failed);
  void lose(error_code why, bool draining = false);

  client_strand serial_;

 private:
  void write_next();

  registry_listener listener_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  std::string writing_;
  bool is_writing_ = false;
  bool is_open_ = false;
  bool over_ = false;
  std::function<void()> gone_;
};

/// With the path /rv/v1/sealed, and the key that the registry must have.
[[nodiscard]] std::shared_ptr<registry_connection> make_sealed_connection(client_strand serial,
                                                                          registry_listener listener,
                                                                          endpoint::sealed_connect_info info,
                                                                          endpoint::connect_options options);
/// With the path /rv/v1/ws. Of the options, origin, trust and connect_timeout count.
[[nodiscard]] std::shared_ptr<registry_connection> make_plain_connection(client_strand serial,
                                                                         registry_listener listener, std::string url,
                                                                         endpoint::connect_options options);

}  // namespace flowersec::rendezvous
