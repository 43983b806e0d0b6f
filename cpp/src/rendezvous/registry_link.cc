#include "rendezvous/registry_link.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "flowersec/base/json_frame.h"

namespace flowersec::rendezvous {

namespace asio = boost::asio;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t read_bytes = 4096;

class socket_link final : public registry_link {
 public:
  socket_link(std::shared_ptr<registry_core> core, socket_id who, ws::message_socket socket,
              const registry_limits& limits)
      : registry_link(std::move(core), who, socket.get_executor(), limits),
        socket_(std::move(socket)),
        closed_(socket_.get_executor(), asio::steady_timer::time_point::max()) {}

 protected:
  asio::awaitable<void> read() override {
    while (true) {
      const auto [failed, message] = co_await socket_.async_read_message(as_result);
      if (failed) break;
      if (message.kind == ws::message_kind::text) {
        co_await tell_frame(as_text(message.payload));
      } else {
        co_await tell_bad_frame();
      }
    }
    co_await close_once(ws::close_code::normal, {});
  }

  asio::awaitable<bool> write(const std::string& text) override {
    const auto [failed] = co_await socket_.async_write_message(ws::message_kind::text, as_bytes(text), as_result);
    co_return !failed;
  }

  asio::awaitable<void> close(std::uint16_t close_code, const std::string& reason) override {
    co_await close_once(static_cast<ws::close_code>(close_code), reason);
  }

  void abort() override { socket_.abort(); }

 private:
  /// The end of reading and the machine may both close: the first says why, the second waits until it is done.
  asio::awaitable<void> close_once(ws::close_code code, std::string_view reason) {
    if (std::exchange(closing_, true)) {
      co_await closed_.async_wait(as_result);
      co_return;
    }
    co_await socket_.async_close(code, reason, as_result);
    closed_.expires_at(asio::steady_timer::time_point::min());
  }

  ws::message_socket socket_;
  bool closing_ = false;
  /// Runs out when the socket is closed.
  asio::steady_timer closed_;
};

class stream_link final : public registry_link {
 public:
  stream_link(std::shared_ptr<registry_core> core, socket_id who, asio::any_io_executor strand,
              endpoint::session session, stream frames, const registry_limits& limits)
      : registry_link(std::move(core), who, std::move(strand), limits),
        session_(std::move(session)),
        frames_(std::move(frames)) {}

 protected:
  asio::awaitable<void> read() override {
    asio::co_spawn(session_.get_executor(), refuse_streams(session_), asio::detached);
    co_await read_frames();
    co_await session_.async_close(as_result);
  }

  asio::awaitable<bool> write(const std::string& text) override {
    const auto bytes = encode_json_frame(text);
    const auto [failed, written] = co_await asio::async_write(frames_, asio::buffer(bytes), as_result);
    co_return !failed;
  }

  /// The client has until the base's timer is over to close by itself.
  asio::awaitable<void> close(std::uint16_t /*close_code*/, const std::string& /*reason*/) override {
    co_await frames_.async_shutdown_send(as_result);
  }

  void abort() override { session_.async_close(asio::detached); }

 private:
  /// One stream is all there is in a session.
  static asio::awaitable<void> refuse_streams(endpoint::session session) {
    while (true) {
      auto [failed, incoming] = co_await session.async_accept_stream(as_result);
      if (failed) co_return;
      incoming.stream.reset();
    }
  }

  asio::awaitable<void> read_frames() {
    json_frame_splitter splitter{max_registry_frame_bytes};
    std::array<std::byte, read_bytes> buffer;
    while (true) {
      const auto [failed, bytes] = co_await frames_.async_read_some(asio::buffer(buffer), as_result);
      if (failed) co_return;
      byte_view rest{buffer.data(), bytes};
      while (!rest.empty()) {
        const auto status = splitter.consume(rest);
        if (status == json_frame_splitter::status::frame) co_await tell_frame(splitter.text());
        if (status != json_frame_splitter::status::bad_length) continue;
        // The place in the stream is lost: what follows is only waited for.
        co_await tell_bad_frame();
        co_return co_await drain();
      }
    }
  }

  asio::awaitable<void> drain() {
    std::array<std::byte, read_bytes> buffer;
    while (true) {
      const auto [failed, bytes] = co_await frames_.async_read_some(asio::buffer(buffer), as_result);
      if (failed) co_return;
    }
  }

  endpoint::session session_;
  stream frames_;
};

}  // namespace

registry_link::registry_link(std::shared_ptr<registry_core> core, socket_id who, asio::any_io_executor strand,
                             const registry_limits& limits)
    : core_(std::move(core)),
      who_(who),
      strand_(std::move(strand)),
      max_queued_(limits.max_queue_bytes),
      linger_(limits.fatal_linger),
      late_(strand_) {}

bool registry_link::send(std::string text) {
  if (queued_.fetch_add(text.size()) + text.size() > max_queued_) return false;
  asio::post(strand_, [self = shared_from_this(), text = std::move(text)]() mutable {
    if (self->over_) return;
    self->queue_.push_back(std::move(text));
    self->wake();
  });
  return true;
}

void registry_link::end(std::uint16_t close_code, std::string reason) {
  asio::post(strand_, [self = shared_from_this(), close_code, reason = std::move(reason)]() mutable {
    if (self->over_) return;
    if (close_code == 0) return self->abort();
    if (self->ending_) return;
    self->ending_.emplace(close_code, std::move(reason));
    // The client may have stopped reading: then no write ever completes, and this is what ends it.
    self->late_.expires_after(self->linger_);
    self->late_.async_wait([self](error_code canceled) {
      if (!canceled) self->abort();
    });
    self->wake();
  });
}

asio::awaitable<void> registry_link::live(std::shared_ptr<registry_link> self) {
  co_await self->read();
  self->over_ = true;
  self->queue_.clear();
  self->late_.cancel();
  auto farewell = on_core(*self->core_, [self] {
    self->core_->remove(self->who_);
    return true;
  });
  co_await std::move(farewell);
}

asio::awaitable<void> registry_link::tell_frame(std::string_view text) {
  auto telling = on_core(*core_, [this, text] {
    core_->machine().on_frame(who_, text, core_->now());
    core_->perform();
    return true;
  });
  co_await std::move(telling);
}

asio::awaitable<void> registry_link::tell_bad_frame() {
  auto telling = on_core(*core_, [this] {
    core_->machine().on_bad_frame(who_, core_->now());
    core_->perform();
    return true;
  });
  co_await std::move(telling);
}

void registry_link::wake() {
  if (std::exchange(writing_, true)) return;
  asio::co_spawn(strand_, write_all(shared_from_this()), asio::detached);
}

asio::awaitable<void> registry_link::write_all(std::shared_ptr<registry_link> self) {
  while (!self->queue_.empty() && !self->over_) {
    const auto text = std::move(self->queue_.front());
    self->queue_.pop_front();
    const bool written = co_await self->write(text);
    self->queued_ -= text.size();
    if (!written) break;
  }
  self->writing_ = false;
  if (self->ending_ && !self->over_) co_await self->close(self->ending_->first, self->ending_->second);
}

std::shared_ptr<registry_link> make_link(std::shared_ptr<registry_core> core, socket_id who, ws::message_socket socket,
                                         const registry_limits& limits) {
  return std::make_shared<socket_link>(std::move(core), who, std::move(socket), limits);
}

std::shared_ptr<registry_link> make_link(std::shared_ptr<registry_core> core, socket_id who,
                                         asio::any_io_executor strand, endpoint::session session, stream frames,
                                         const registry_limits& limits) {
  return std::make_shared<stream_link>(std::move(core), who, std::move(strand), std::move(session), std::move(frames),
                                       limits);
}

}  // namespace flowersec::rendezvous
