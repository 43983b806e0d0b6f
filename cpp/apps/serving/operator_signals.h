// What a program that serves does when its operator signals it.
// Layer apps. Runs on the context it is given.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>

namespace flowersec::apps {

/// SIGHUP reads files again, the first SIGINT or SIGTERM ends the program in order, and one more ends it at once.
class operator_signals {
 public:
  struct reactions {
    std::function<void()> reload;
    std::function<void()> stop;
    std::function<void()> stop_at_once;
  };

  /// From here on the signals no longer kill; they are kept until watch().
  operator_signals(boost::asio::io_context& context, reactions wanted);
  void watch();
  /// Reacts to none any more.
  void cancel() { signals_.cancel(); }

 private:
  void react(int number);

  boost::asio::signal_set signals_;
  reactions wanted_;
  bool stopping_ = false;
};

}  // namespace flowersec::apps
