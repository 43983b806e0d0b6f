// The serving side of an rpc stream within a link. Layer session, on the link's strand; handlers run on the executor.
#pragma once

#include <stop_token>
#include <utility>

#include "flowersec/rpc/server.h"
#include "rpc_channel.h"

namespace flowersec::session {

class rpc_serving final : public rpc_channel, public rpc::reply_sink {
 public:
  rpc_serving(link& on, stream_id id, rpc::server machine)
      : rpc_channel(on, id), server_(std::move(machine)), executor_(on.executor()), serial_(on.serial()) {}

  /// Makes the handlers, on the executor, then serves.
  void start(rpc_router_factory make_router);

  /// On the strand. Errors as rpc::server.
  result<void> notify(std::uint32_t type_id, std::string_view payload);

  /// From any thread.
  void finish(rpc::request_key key, rpc::reply answer) noexcept override;
  void post_notification(std::uint32_t type_id, std::string payload);

 private:
  void consume(byte_view bytes, moment now) override;
  void on_end_of_input(moment now) override;
  void on_stream_gone(moment now) override;
  void drop_waiters() noexcept override { const auto dropped = std::exchange(router_, nullptr); }
  [[nodiscard]] std::optional<byte_buffer> take_output() override { return server_.take_output(); }
  [[nodiscard]] std::shared_ptr<rpc_serving> self() {
    return std::static_pointer_cast<rpc_serving>(shared_from_this());
  }
  void drain();
  void dispatch(rpc::request_key key, rpc::request request, bool is_notification);
  void kick_owner();

  rpc::server server_;
  boost::asio::any_io_executor executor_;
  strand serial_;
  std::shared_ptr<const rpc::router> router_;
  std::stop_source stop_;
};

}  // namespace flowersec::session
