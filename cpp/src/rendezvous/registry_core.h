// What the links of a registry share: the machine on its strand, the timer, and who is there.
// Layer rendezvous, part `registry`, private, on Asio. Every member on the strand.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "rendezvous/registry_machine.h"
#include "ws/door.h"
#include "ws/farewell.h"

namespace flowersec::rendezvous {

/// The socket of a client, told by the machine what to do.
class client_side {
 public:
  virtual ~client_side() = default;
  /// False: too much waits to be sent already.
  [[nodiscard]] virtual bool send(std::string text) = 0;
  /// Less than half of what may wait does.
  [[nodiscard]] virtual bool has_room() const = 0;
  /// Behind what was sent; 0: at once, without a word.
  virtual void end(std::uint16_t close_code, std::string reason) = 0;
};

class registry_core : public std::enable_shared_from_this<registry_core> {
 public:
  registry_core(ws::serial_executor serial, const registry_limits& limits, registry_setup setup,
                const clock_source& clocks, std::function<void(const registry_event&)> on_event);

  [[nodiscard]] const ws::serial_executor& serial() const noexcept { return serial_; }
  [[nodiscard]] mono_time now() const noexcept { return clocks_.mono_now(); }
  [[nodiscard]] wall_time wall_now() const noexcept { return clocks_.wall_now(); }
  [[nodiscard]] registry_machine& machine() noexcept { return machine_; }

  /// Carries out what the machine wants. After every call of it.
  void perform();
  /// Whoever hears of it finds it counted, as does whoever is sent something.
  void report(const registry_event& event);
  /// Counted here, because the machine never sees them.
  void count_refused_origin(const registry_event& event);
  void count_failed_open(const registry_event& event);
  /// As of the last perform(). From any thread.
  [[nodiscard]] registry_counts last_counts() const;

  /// From now on it is told; until then the machine's wishes for it are lost, but for its end.
  void add(socket_id who, std::shared_ptr<client_side> link);
  /// A socket is open and has no link yet: it hears the farewell when the registry ends, and stop() waits for it.
  void expect(std::shared_ptr<ws::farewell> arriving);
  /// It has a link, or is gone.
  void arrived(const std::shared_ptr<ws::farewell>& arriving);
  /// The connection is over.
  void remove(socket_id who);

  /// Tells everybody, and calls `done` when they are gone, or when `limit` is over.
  void stop(std::chrono::milliseconds limit, std::function<void()> done);
  /// Ends every connection at once, and reports nothing any more.
  void close();

 private:
  [[nodiscard]] registry_setup with_room(registry_setup setup) const;
  void carry_out(registry_action& action);
  void end_all();
  void arm();
  void publish_counts();
  void continue_stopping();

  ws::serial_executor serial_;
  const clock_source& clocks_;
  std::function<void(const registry_event&)> on_event_;
  registry_machine machine_;
  std::unordered_map<socket_id, std::shared_ptr<client_side>> links_;
  std::unordered_set<std::shared_ptr<ws::farewell>> arriving_;
  boost::asio::steady_timer timer_;
  std::optional<mono_time> armed_;
  std::vector<socket_id> slow_;
  std::uint64_t origins_refused_ = 0;
  std::uint64_t opens_failed_ = 0;
  mutable std::mutex counts_mutex_;  // the one thing that other threads read
  registry_counts counts_;
  boost::asio::steady_timer stop_timer_;
  bool stopping_ = false;
  bool closed_ = false;
  std::vector<std::function<void()>> on_stopped_;
};

}  // namespace flowersec::rendezvous
