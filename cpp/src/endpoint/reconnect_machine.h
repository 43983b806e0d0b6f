// The life of a connection that is tried again: states, attempts, waits. Layer endpoint, private.
// Told what happened and the time, it answers with intents; it opens nothing and draws no random numbers of its own.
// Source: RECONNECT, the whole page. testdata/reconnect_cases.json is its table of cases, which TypeScript shares.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>
#include <variant>

#include "flowersec/base/clock.h"
#include "flowersec/endpoint/connection_state.h"
#include "flowersec/endpoint/observer.h"
#include "flowersec/endpoint/reconnect_options.h"

namespace flowersec::endpoint {

/// Whether another attempt may help.
[[nodiscard]] bool is_retryable(const error_code& why) noexcept;

/// Names one attempt, and the session that came of it. Never used twice by a machine.
enum class attempt_id : std::uint64_t {};

enum class source_kind : std::uint8_t { missing, once, refreshable };

struct attempt_failure {
  error_code why;
  /// The other side announced that it is going away: whoever it told comes at the same time.
  bool draining = false;
};

namespace intent {
/// Get an artifact and connect with it.
struct begin_attempt {
  attempt_id id;
  std::uint64_t attempt_seq;
};
/// Cancel the attempt under way. Its outcome is still reported, and changes nothing.
struct abandon_attempt {
  attempt_id id;
};
/// Close the session that was published.
struct close_session {
  attempt_id id;
};
/// Close a session that came too late, unpublished.
struct discard_session {
  attempt_id id;
};
/// status() or error() changed.
struct publish {};
/// An event of stage reconnect for the observer.
struct tell {
  std::string_view code;
  event_result result;
  std::uint64_t attempt_seq;
};
/// Complete everybody who waits for the outcome. Success: a session is there.
struct answer {
  error_code outcome;
};
}  // namespace intent

using reconnect_intent = std::variant<intent::begin_attempt, intent::abandon_attempt, intent::close_session,
                                      intent::discard_session, intent::publish, intent::tell, intent::answer>;

/// What connect_if_needed found.
enum class joining : std::uint8_t { started, waiting, connected };

class reconnect_machine {
 public:
  /// `unit` draws numbers, uniform in 0..1: one for each wait, and a second one when there was a hint.
  explicit reconnect_machine(std::function<double()> unit) : unit_(std::move(unit)) {}

  /// Replaces whatever there is. Errors   validate/invalid_option: bad options, no source, or a source that yields
  /// once together with enabled options; nothing changes then.
  [[nodiscard]] result<void> connect(const reconnect_options& options, source_kind source);
  /// The same unless a run with the same configuration is under way or has succeeded.
  [[nodiscard]] result<joining> connect_if_needed(const reconnect_options& options, source_kind source, bool same);
  void disconnect();
  void attempt_succeeded(attempt_id id);
  void attempt_failed(attempt_id id, attempt_failure failure, mono_time now);
  void session_lost(attempt_id id, attempt_failure failure, mono_time now);
  /// A session could not be closed: whatever goes on is given up.
  void close_failed(error_code why);
  void advance(mono_time now);

  /// When advance() has something to do.
  [[nodiscard]] std::optional<mono_time> deadline() const noexcept { return wake_; }
  [[nodiscard]] std::optional<reconnect_intent> poll_intent();

  [[nodiscard]] connection_status status() const noexcept { return status_; }
  [[nodiscard]] error_code error() const noexcept { return error_; }
  /// The session that is published.
  [[nodiscard]] std::optional<attempt_id> connected() const noexcept { return connected_; }
  /// The attempt under way or the last one; 0 before the first.
  [[nodiscard]] std::uint64_t attempt_seq() const noexcept { return attempt_seq_; }

 private:
  void begin_attempt(bool first_of_cycle);
  void schedule(const attempt_failure& failure, mono_time now);
  void drop_everything(error_code told);
  void become(connection_status status, error_code error);
  void tell(std::string_view code, event_result result);

  std::function<double()> unit_;
  reconnect_options options_;
  connection_status status_ = connection_status::disconnected;
  error_code error_;
  std::uint64_t attempt_seq_ = 0;
  std::uint64_t last_id_ = 0;
  int failed_in_cycle_ = 0;
  std::optional<attempt_id> attempting_;
  std::optional<attempt_id> connected_;
  std::optional<mono_time> wake_;
  std::deque<reconnect_intent> intents_;
};

}  // namespace flowersec::endpoint
