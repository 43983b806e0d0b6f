#include "ws/entrance.h"

#include <tuple>

#include "ws/time_limit.h"

namespace flowersec::ws {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// TLS is the proxy's matter, or comes first: what is left is one request head.
constexpr std::chrono::seconds head_timeout{10};

asio::awaitable<std::tuple<error_code, accepted_socket>> accept(tcp::socket socket, accept_options options) {
  co_return co_await async_accept(std::move(socket), std::move(options), asio::as_tuple(asio::use_awaitable));
}

}  // namespace

std::optional<entrance::place> entrance::enter(const asio::ip::address& peer) {
  std::optional<std::string> counted;
  if (!exempt_.contains(peer)) counted = address_as_told(peer.to_string()).counted;
  return take(std::move(counted), max_refusals);
}

std::optional<entrance::place> entrance::enter(const visitor_address& from) { return take(from.counted, 0); }

std::optional<entrance::place> entrance::take(std::optional<std::string> counted, std::size_t max_busy) {
  const std::lock_guard lock{mutex_};
  const bool busy = taken_ >= max_places_;
  if (busy && busy_ >= max_busy) return std::nullopt;
  if (counted) {
    auto& own = by_address_[*counted];
    if (own >= max_per_address_) return std::nullopt;
    ++own;
  }
  ++(busy ? busy_ : taken_);
  return place{shared_from_this(), std::move(counted), busy};
}

void entrance::leave(const std::optional<std::string>& counted, bool busy) noexcept {
  const std::lock_guard lock{mutex_};
  --(busy ? busy_ : taken_);
  if (!counted) return;
  const auto own = by_address_.find(*counted);
  if (--own->second == 0) by_address_.erase(own);
}

asio::awaitable<std::optional<accepted_socket>> upgrade(tcp::socket socket, accept_options options) {
  auto accepted = co_await within(head_timeout, accept(std::move(socket), std::move(options)));
  if (!accepted || std::get<0>(*accepted)) co_return std::nullopt;
  co_return std::move(std::get<1>(*accepted));
}

}  // namespace flowersec::ws
