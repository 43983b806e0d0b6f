// Those who are on their way in at a port: how many, of which address, and the upgrade each has to get through.
// Layer ws, part `front`, private. Counting has no I/O and is safe from any thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "flowersec/ws/accept.h"
#include "ws/address.h"

namespace flowersec::ws {

/// Places at an entrance. An address has its share of them, so that nobody can keep all others out.
class entrance : public std::enable_shared_from_this<entrance> {
 public:
  /// Beside the places: connections that are being answered 503; one more is disconnected without an answer.
  static constexpr std::size_t max_refusals = 64;

  /// A place that is taken; given back when it dies.
  class place {
   public:
    place(place&&) noexcept = default;
    place& operator=(place&& other) noexcept {
      std::swap(home_, other.home_);
      std::swap(counted_, other.counted_);
      std::swap(busy_, other.busy_);
      return *this;
    }
    ~place() {
      if (home_) home_->leave(counted_, busy_);
    }
    /// There was no room: answer 503.
    [[nodiscard]] bool busy() const noexcept { return busy_; }

   private:
    friend class entrance;
    place(std::shared_ptr<entrance> home, std::optional<std::string> counted, bool busy) noexcept
        : home_(std::move(home)), counted_(std::move(counted)), busy_(busy) {}
    std::shared_ptr<entrance> home_;
    std::optional<std::string> counted_;
    bool busy_;
  };

  /// `exempt`: proxies, behind which many are.
  entrance(std::size_t max_places, std::size_t max_places_per_address, network_list exempt)
      : max_places_(max_places), max_per_address_(max_places_per_address), exempt_(std::move(exempt)) {}

  /// nullopt: to be disconnected.
  [[nodiscard]] std::optional<place> enter(const boost::asio::ip::address& peer);
  /// For one whose request has been read. `counted` as in visitor_address; nobody is exempt, and no place is busy.
  /// nullopt: answer 503.
  [[nodiscard]] std::optional<place> enter(const visitor_address& from);

 private:
  [[nodiscard]] std::optional<place> take(std::optional<std::string> counted, std::size_t max_busy);
  void leave(const std::optional<std::string>& counted, bool busy) noexcept;

  std::size_t max_places_;
  std::size_t max_per_address_;
  network_list exempt_;
  std::mutex mutex_;
  std::size_t taken_ = 0;
  std::size_t busy_ = 0;  ///< not among those taken: who is refused keeps no place from being free again
  std::map<std::string, std::size_t> by_address_;
};

/// The upgrade of one connection, which has head_timeout for it. nullopt when it is none, or is late.
[[nodiscard]] boost::asio::awaitable<std::optional<accepted_socket>> upgrade(boost::asio::ip::tcp::socket socket,
                                                                             accept_options options);

}  // namespace flowersec::ws
