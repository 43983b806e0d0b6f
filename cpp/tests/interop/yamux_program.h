// A yamux session that is driven by lines: what to do with which stream, and what came of it.
// Without I/O: the bytes of the connection and the lines go in and out here; yamux_peer.cc moves them.
// tests/interop/yamux/README.md lists the words. What streams carry is a pattern, which the reader compares.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowersec/yamux/session.h"

namespace flowersec::interop {

class yamux_program {
 public:
  explicit yamux_program(std::function<void(const std::string&)> say) : say_(std::move(say)) {}

  /// Starts anew, with a connection that was just made.
  void start(yamux::session session);
  /// One line without its number, which the answer repeats. Words it does not know end the program.
  void obey(const std::string& number, const std::vector<std::string>& words);

  void receive(byte_view bytes);
  void end_of_input();
  /// Moves what is due to the end of `out`, as long as that is shorter than `most`.
  void output_to(std::vector<std::byte>& out, std::size_t most);

  [[nodiscard]] bool ended() const { return !session_ || session_->ended(); }
  /// Told to take nothing from the connection.
  [[nodiscard]] bool stalled() const { return stalled_; }

 private:
  struct read_job {
    std::string number;
    std::optional<std::size_t> left;  ///< nullopt: until the end
    bool echo = false;
    std::size_t count = 0;
  };
  struct write_job {
    std::string number;  ///< empty: of an echo
    std::vector<std::byte> bytes;
  };
  struct stream {
    yamux::stream_id id;
    std::size_t read_at = 0, write_at = 0;
    std::optional<read_job> reading{};
    std::deque<write_job> writes{};
    std::vector<std::byte> room{};
    bool finished = false;
    std::optional<error_code> failed{};
  };

  void answer(const std::string& number, const std::string& what) { say_(number + " " + what); }
  void refuse(const std::string& number, error_code why);
  stream& add(yamux::stream_id id);
  void hand_out();
  void write(stream& to, write_job job);
  void go_on_reading(stream& from);
  void got(stream& from, std::size_t bytes);
  void end_of_reading(stream& from);
  void take_events();
  void on(const yamux::event& what);
  void fail(stream& failed, yamux::yamux_errc why);

  std::function<void(const std::string&)> say_;
  std::optional<yamux::session> session_;
  std::map<yamux::stream_id, stream> streams_;
  std::map<std::string, yamux::stream_id> names_;
  std::deque<yamux::stream_id> arrived_;
  std::deque<std::pair<std::string, std::string>> accepting_;  ///< number and name
  std::deque<std::string> pinging_, waiting_for_end_;
  bool serving_ = false;
  bool stalled_ = false;
};

}  // namespace flowersec::interop
