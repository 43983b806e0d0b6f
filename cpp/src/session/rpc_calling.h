// The calling side of an rpc stream within a link. Layer session, on the link's strand.
#pragma once

#include <map>

#include "flowersec/rpc/client.h"
#include "rpc_channel.h"

namespace flowersec::session {

class rpc_calling final : public rpc_channel {
 public:
  using deliver_notification = std::function<void(std::uint32_t type_id, std::string payload)>;
  using reply_completion = completion<error_code, rpc::reply>;

  /// `names` turns rpc_errc and session_errc into what callers see.
  rpc_calling(std::shared_ptr<link> on, stream_id id, rpc::client machine, deliver_notification deliver,
              std::function<error_code(error_code)> names)
      : rpc_channel(std::move(on), id),
        client_(std::move(machine)),
        deliver_(std::move(deliver)),
        names_(std::move(names)) {}

  /// `serial` names the call for cancel().
  void call(std::uint64_t serial, std::uint32_t type_id, std::string_view payload, call_options options,
            reply_completion done);
  void cancel(std::uint64_t serial);
  void notify(std::uint32_t type_id, std::string_view payload, completion<error_code> done);

  [[nodiscard]] bool usable() const noexcept { return !gone() && !client_.ended(); }
  [[nodiscard]] std::optional<mono_time> deadline() const override;
  void advance(moment now) override;

 private:
  struct waiting_call {
    std::uint64_t serial;
    std::optional<mono_time> deadline;
    reply_completion done;
  };

  void consume(byte_view bytes, moment now) override;
  void on_end_of_input(moment now) override;
  void on_stream_gone(moment now) override;
  [[nodiscard]] std::optional<byte_buffer> take_output() override { return client_.take_output(); }
  void drain();
  void finish(rpc::call_id id, const result<rpc::reply>& outcome);
  void abandon(rpc::call_id id, session_errc told);

  rpc::client client_;
  deliver_notification deliver_;
  std::function<error_code(error_code)> names_;
  std::map<rpc::call_id, waiting_call> calls_;
};

}  // namespace flowersec::session
