// A client that stays: numbered lines over an echo stream, on a connection that comes back. tests/lab/client.mjs is the
// same in TypeScript.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <iosfwd>
#include <string>
#include <string_view>

#include "flowersec/endpoint/reconnect_manager.h"

namespace flowersec::lab {

/// Told what to do by lines on its input, it says what happened by lines of JSON.
///
///   artifact FILE   the answer to {"is":"wants"}: what the next attempt connects with
///   say N           N more lines, each sent once in every session until its echo was heard
///   end             closes the session and ends
///
///   {"is":"wants"} {"is":"connected"} {"is":"lost","error":...} {"is":"failed","error":...}
///   {"is":"gave_up","error":...}
///   {"is":"heard","number":n} {"is":"wrong"}
class staying_client {
 public:
  /// `options` without a source.
  staying_client(endpoint::reconnect_config options, int input, std::ostream& out);

  /// Until told to end.
  void run();

 private:
  boost::asio::awaitable<void> obey();
  boost::asio::awaitable<void> keep_connected();
  boost::asio::awaitable<result<endpoint::connect_artifact>> ask_for_artifact();
  void changed(const endpoint::connection_state& now);
  boost::asio::awaitable<void> talk(endpoint::session session);
  boost::asio::awaitable<void> send(flowersec::stream& stream);
  boost::asio::awaitable<void> listen(flowersec::stream& stream);
  void take_echo(std::string_view line);
  void say(std::string_view is, const error_code& error = {});

  boost::asio::io_context context_{1};
  boost::asio::posix::stream_descriptor input_;
  std::ostream& out_;
  endpoint::reconnect_config config_;
  endpoint::reconnect_manager manager_{context_.get_executor()};
  endpoint::state_subscription watching_;
  bool was_connected_ = false;
  bool ending_ = false;
  std::deque<std::string> artifacts_;        ///< files that came and were not taken yet
  boost::asio::steady_timer artifact_came_;  ///< never fires; cancelled when one came
  boost::asio::steady_timer more_to_say_;    ///< never fires; cancelled when there is more, or nobody to say it to
  std::uint64_t said_ = 0;
  std::uint64_t heard_ = 0;
  std::uint64_t generation_ = 0;  ///< of the session of the moment
};

}  // namespace flowersec::lab
