// The calling side of an rpc stream within a link. Layer session, on the link's strand.
#pragma once

#include <map>
#include <utility>

#include "flowersec/rpc/client.h"
#include "rpc_channel.h"

namespace flowersec::session {

class rpc_calling final : public rpc_channel {
 public:
  /// Where notifications go, on another strand. A peer that sends them faster than the application takes them is read
  /// no further while this many and one block of input wait.
  class notification_queue {
   public:
    static constexpr std::size_t max_waiting = 128;

    virtual ~notification_queue() = default;
    virtual void push(std::uint32_t type_id, std::string payload) = 0;
    [[nodiscard]] virtual std::size_t waiting() const noexcept = 0;
  };
  using reply_completion = completion<error_code, rpc::reply>;

  /// `names` turns rpc_errc and session_errc into what callers see.
  rpc_calling(link& on, stream_id id, rpc::client machine, std::shared_ptr<notification_queue> notifications,
              std::function<error_code(error_code)> names)
      : rpc_channel(on, id),
        client_(std::move(machine)),
        notifications_(std::move(notifications)),
        names_(std::move(names)) {}

  /// `serial` names the call for cancel().
  void call(std::uint64_t serial, std::uint32_t type_id, std::string_view payload, call_options options,
            reply_completion done);
  void cancel(std::uint64_t serial);
  void notify(std::uint32_t type_id, std::string_view payload, completion<error_code> done);

  /// Whether the peer has ever sent anything: one that serves no RPC does not.
  [[nodiscard]] bool heard() const noexcept { return heard_; }
  [[nodiscard]] bool usable() const noexcept { return !gone() && !client_.ended(); }
  [[nodiscard]] std::optional<mono_time> deadline() const override;
  void advance(moment now) override;

 private:
  struct waiting_call {
    std::uint64_t serial;
    std::optional<mono_time> deadline;
    reply_completion done;
  };

  [[nodiscard]] bool wants_input() const noexcept override {
    return notifications_->waiting() < notification_queue::max_waiting;
  }
  void consume(byte_view bytes, moment now) override;
  void on_end_of_input(moment now) override;
  void on_stream_gone(moment now) override;
  void drop_waiters() noexcept override { const auto dropped = std::exchange(calls_, {}); }
  [[nodiscard]] std::optional<byte_buffer> take_output() override { return client_.take_output(); }
  void drain();
  void finish(rpc::call_id id, result<rpc::reply> outcome);
  void abandon(rpc::call_id id, session_errc told);

  bool heard_ = false;
  rpc::client client_;
  std::shared_ptr<notification_queue> notifications_;
  std::function<error_code(error_code)> names_;
  std::map<rpc::call_id, waiting_call> calls_;
};

}  // namespace flowersec::session
