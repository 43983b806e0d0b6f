// What the links of a gateway share: the hub on its strand, the timer, and who is there.
// Layer ownwire, private, on Asio. Every member on the strand.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "ownwire/front.h"
#include "ownwire/hub.h"

namespace flowersec::ownwire {

/// The socket of a user, told by the hub what to do.
class user_side {
 public:
  virtual ~user_side() = default;
  /// The hub has frames.
  virtual void wake() = 0;
  /// Nothing comes behind what the hub has now.
  virtual void end(enum end_user::how how) = 0;
  /// At once, without a word.
  virtual void abort() = 0;
};

/// The socket of an internal client.
class client_side {
 public:
  virtual ~client_side() = default;
  /// The hub has a batch.
  virtual void wake() = 0;
  /// The gateway ends.
  virtual void leave() = 0;
  virtual void abort() = 0;
};

class core : public std::enable_shared_from_this<core> {
 public:
  core(serial_executor serial, const gateway_limits& limits, const clock_source& clocks, random_source& random,
       std::function<void(const gateway_event&)> on_event);

  [[nodiscard]] const serial_executor& serial() const noexcept { return serial_; }
  [[nodiscard]] mono_time now() const noexcept { return clocks_.mono_now(); }
  [[nodiscard]] hub& machine() noexcept { return hub_; }

  /// Carries out what the hub wants. After every call of it.
  void perform();
  /// Whoever hears of it finds it counted, as does whoever is sent something.
  void report(gateway_event event);
  /// An origin_refused or visitor_refused that the hub never sees: counted here.
  void report_refused(gateway_event event) {
    ++(event.kind == gateway_event_kind::origin_refused ? origins_refused_ : visitors_refused_);
    report(std::move(event));
  }
  /// As of the last perform(). From any thread.
  [[nodiscard]] gateway_counts last_counts() const;

  void add(connection_id who, std::shared_ptr<user_side> link) {
    if (closed_) link->abort();
    users_.emplace(who, std::move(link));
  }
  void add(client_id who, std::shared_ptr<client_side> link) {
    if (closed_) link->abort();
    clients_.emplace(who, std::move(link));
  }
  /// A socket is open and nobody yet: it hears the farewell when the gateway ends, and stop() waits for it.
  void expect(std::shared_ptr<farewell> arriving);
  /// It is somebody, or gone.
  void arrived(const std::shared_ptr<farewell>& arriving);
  /// The connection is over. The hub is told as well.
  void remove_user(connection_id who);
  void remove_client(client_id who);

  /// Tells everybody that the gateway ends and calls `done` when they are gone, or when `limit` is over.
  void stop(std::chrono::milliseconds limit, std::function<void()> done);
  /// Ends every connection, those that are on their way in included, and reports nothing any more.
  void close();
  /// Lets go of the links, which hold this: for an executor that will not run any more.
  void forget_links() noexcept {
    users_.clear();
    clients_.clear();
    arriving_.clear();
  }

 private:
  void abort();
  void carry_out(const hub_action& action);
  void arm();
  void publish_counts();
  void continue_stopping();

  serial_executor serial_;
  const clock_source& clocks_;
  std::function<void(const gateway_event&)> on_event_;
  hub hub_;
  std::unordered_map<connection_id, std::shared_ptr<user_side>> users_;
  std::unordered_map<client_id, std::shared_ptr<client_side>> clients_;
  std::unordered_set<std::shared_ptr<farewell>> arriving_;
  boost::asio::steady_timer timer_;
  std::optional<mono_time> armed_;
  std::uint64_t origins_refused_ = 0;
  std::uint64_t visitors_refused_ = 0;  ///< before the hub saw them
  mutable std::mutex counts_mutex_;     // the one thing that other threads read
  gateway_counts counts_;
  boost::asio::steady_timer stop_timer_;
  bool stopping_ = false;
  bool closed_ = false;  // nobody owns the gateway any more
  bool clients_told_ = false;
  std::vector<std::function<void()>> on_stopped_;
};

}  // namespace flowersec::ownwire
