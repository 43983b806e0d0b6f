#include "flowersec/ownwire/behind.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <unordered_set>

#include "flowersec/ownwire/peer_message.h"
#include "flowersec/ws/connect.h"
#include "ownwire/front.h"

namespace flowersec::ownwire {

namespace asio = boost::asio;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

using opened = std::tuple<error_code, ws::message_socket>;

asio::awaitable<opened> dial(asio::any_io_executor executor, ws::url target, ws::connect_options options) {
  co_return co_await ws::async_connect(std::move(executor), std::move(target), std::move(options), as_result);
}

}  // namespace

class behind::impl : public std::enable_shared_from_this<impl> {
 public:
  impl(asio::any_io_executor executor, gateway& to, behind_options options)
      : executor_(std::move(executor)),
        serial_(executor_),
        adopt_(to.adopter()),
        options_(std::move(options)),
        pause_(serial_) {
    show(options_.token);
    plan_.tls = options_.tls;
    plan_.socket.limits.max_message_bytes = endpoint::session_options{}.record.max_record_bytes;
    plan_.socket.limits.max_block_bytes = 16'384;
    plan_.socket.ping_after = options_.ping_after;
    plan_.socket.silence_limit = options_.silence_limit;
    plan_.socket.going_away = going_away_;
  }

  void start() {
    asio::dispatch(serial_, [self = shared_from_this()] { self->fill(); });
  }

  void replace_token(std::string token) {
    asio::dispatch(serial_, [self = shared_from_this(), token = std::move(token)] {
      self->show(token);
      self->pause_.cancel();
    });
  }

  /// From now on closing says that the server ends: not where another takes its place.
  void go_away() { *going_away_ = true; }

  void stop() {
    asio::dispatch(serial_, [self = shared_from_this()] {
      self->stopped_ = true;
      self->pause_.cancel();
      const auto waiting = self->waiting_;
      for (const auto& socket : waiting) {
        asio::dispatch(socket->get_executor(), [socket] { socket->abort(); });
      }
    });
  }

 private:
  using socket_ptr = std::shared_ptr<ws::message_socket>;

  void show(const std::string& token) { plan_.headers = {{.name = "Authorization", .value = "Bearer " + token}}; }

  /// As many attempts as sockets are missing; a single one while the edge is not reached.
  void fill() {
    if (stopped_ || pausing_) return;
    const auto at_once = failures_ == 0 ? options_.waiting : std::size_t{1};
    while (waiting_.size() + attempts_ < options_.waiting && attempts_ < at_once) {
      ++attempts_;
      asio::co_spawn(serial_, keep_one(shared_from_this()), asio::detached);
    }
  }

  static asio::awaitable<void> keep_one(std::shared_ptr<impl> self) {
    // The socket is the gateway's later, which wants a strand for each.
    const asio::any_io_executor own = serial_executor{self->executor_};
    auto attempt = asio::co_spawn(own, dial(own, self->options_.edge, self->plan_), asio::use_awaitable);
    auto made = co_await within(self->options_.connect_timeout, std::move(attempt));
    const auto failed = made ? std::get<0>(*made) : make_error_code(boost::system::errc::timed_out);
    --self->attempts_;
    if (failed || self->stopped_) {
      co_return self->on_failure(failed);
    }
    const auto socket = std::make_shared<ws::message_socket>(std::move(std::get<1>(*made)));
    self->waiting_.insert(socket);
    self->on_reached();
    const auto told = co_await asio::co_spawn(own, await_peer(socket), asio::use_awaitable);
    self->waiting_.erase(socket);
    if (told && !self->stopped_) {
      self->adopt_(std::move(*socket), told->remote_addr);
    } else if (!told) {
      // Lost while it waited: the edge may be gone, and trying again at once would be a storm.
      co_return self->on_failure(make_error_code(ws::ws_errc::abrupt_end));
    }
    self->fill();
  }

  static asio::awaitable<std::optional<peer_message>> await_peer(socket_ptr socket) {
    const auto [failed, message] = co_await socket->async_read_message(as_result);
    std::optional<peer_message> told;
    if (!failed && message.kind == ws::message_kind::text) told = decode_peer_message(as_text(message.payload));
    if (!told) co_await socket->async_close(ws::close_code::policy_violation, {}, as_result);
    co_return told;
  }

  void on_reached() {
    const bool first = std::exchange(failures_, 0) != 0 || !std::exchange(reached_, true);
    if (first && options_.on_edge) options_.on_edge({});
    fill();
  }

  void on_failure(const error_code& why) {
    // Several that fail together are one failure.
    if (stopped_ || std::exchange(pausing_, true)) return;
    if (failures_++ == 0 && options_.on_edge) options_.on_edge(why);
    pause_.expires_after(next_pause());
    pause_.async_wait([self = shared_from_this()](error_code /*a new token ends the pause*/) {
      self->pausing_ = false;
      self->fill();
    });
  }

  std::chrono::milliseconds next_pause() {
    constexpr unsigned most_doublings = 16;
    const auto grown = options_.first_pause * (1U << std::min(failures_ - 1, most_doublings));
    const auto whole = std::min<std::chrono::milliseconds>(grown, options_.longest_pause);
    std::array<std::byte, 2> spread{};
    if (!options_.random->fill(spread)) return whole;
    return whole / 2 + whole / 2 * load_be<std::uint16_t>(spread.data()) / 0xFFFF;
  }

  asio::any_io_executor executor_;
  serial_executor serial_;
  gateway::adopter_function adopt_;
  behind_options options_;
  ws::connect_options plan_;
  std::shared_ptr<std::atomic<bool>> going_away_ = std::make_shared<std::atomic<bool>>(false);
  asio::steady_timer pause_;
  std::unordered_set<socket_ptr> waiting_;
  std::size_t attempts_ = 0;  // under way
  unsigned failures_ = 0;     // in a row
  bool reached_ = false;
  bool pausing_ = false;
  bool stopped_ = false;
};

behind::behind(asio::any_io_executor executor, gateway& to, behind_options options)
    : impl_(std::make_shared<impl>(std::move(executor), to, std::move(options))) {
  impl_->start();
}

behind::~behind() { impl_->stop(); }

void behind::replace_token(std::string token) { impl_->replace_token(std::move(token)); }

void behind::stop() {
  impl_->go_away();
  impl_->stop();
}

}  // namespace flowersec::ownwire
