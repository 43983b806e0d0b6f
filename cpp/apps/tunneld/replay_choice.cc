#include "tunneld/replay_choice.h"

#include <csignal>

#include "flowersec/tunnel/replay_journal.h"
#include "serving/log.h"

namespace flowersec::apps {
namespace {

or_problem<std::shared_ptr<tunnel::replay_store>> open_journal(const std::string& path, std::size_t max_entries) {
  const auto name = "--replay-journal " + path;
  // A file-size limit must be an error of the write, like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  const auto report = [name](std::string_view text) { log_line(log_level::warning, name + ": " + std::string{text}); };
  const auto& clocks = system_clocks();
  auto opened = tunnel::open_replay_journal({.path = path, .max_entries = max_entries, .report = report},
                                            clocks.wall_now(), clocks.mono_now());
  if (!opened) return problem{"cannot use " + name + ": " + opened.error().text};
  auto found = name + ": " + std::to_string(opened->entries) + " used tokens remembered";
  if (opened->cut_bytes != 0) found += ", " + std::to_string(opened->cut_bytes) + " bytes of an unfinished write cut";
  log_line(found);
  return opened->store;
}

}  // namespace

or_problem<std::shared_ptr<tunnel::replay_store>> choose_replay_store(const tunnel_command& command,
                                                                      const tunnel::tunnel_limits& limits) {
  auto store = tunnel::make_memory_replay_store(limits.replay_entries());
  if (!command.replay_journal.empty()) {
    auto journal = open_journal(command.replay_journal, limits.replay_entries());
    if (!journal) return journal.error();
    store = std::move(*journal);
  } else if (!command.replay_fence) {
    log_line(log_level::warning,
             "used tokens are remembered in memory only; a restart forgets them (see --replay-journal and "
             "--replay-fence)");
  }
  if (command.replay_fence) store = make_fenced_replay_store(std::move(store), system_clocks().wall_now());
  return store;
}

}  // namespace flowersec::apps
