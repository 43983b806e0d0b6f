// See journal_replay_store.h.
#include "tunnel/journal_replay_store.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "flowersec/tunnel/limits.h"
#include "tunnel/journal_file.h"
#include "tunnel/journal_format.h"

namespace flowersec::tunnel {

namespace {

constexpr std::size_t chains_per_piece = 512;

}  // namespace

void throw_exception_from_error(const replay_journal_problem& what, const boost::source_location&) {
  throw std::runtime_error{what.text};
}

std::uint64_t max_journal_bytes(std::size_t max_entries) noexcept {
  constexpr std::uint64_t spare =
      journal_replay_store::spare_records + journal_replay_store::most_records_per_group + 1;  // the mark of a rewrite
  constexpr auto most = (std::numeric_limits<std::uint64_t>::max() - journal_header_bytes) / journal_record_bytes;
  const auto records = max_entries > (most - spare) / 2 ? most : 2 * std::uint64_t{max_entries} + spare;
  return journal_header_bytes + records * journal_record_bytes;
}

replay_journal_result<opened_replay_journal> open_replay_journal(replay_journal_options options, wall_time wall_now,
                                                                 mono_time now) {
  auto file = journal_file::lock(options.path);
  if (!file) return file.error();
  auto store = std::make_shared<journal_replay_store>(std::move(*file), options.max_entries, options.report);
  journal_reader reader{[&](const journal_record& record) {
    if (record.remember_until < count(to_unix_seconds(wall_now))) return;
    store->remember(record.token, record.remember_until, wall_now, now);
  }};
  if (const auto failed = journal_file::read(options.path, [&](byte_view piece) { reader.feed(piece); })) {
    return replay_journal_problem{"cannot be read: " + failed.message()};
  }
  const auto found = reader.finish();
  if (found.damage) return replay_journal_problem{*found.damage};
  opened_replay_journal opened{
      .store = store, .entries = store->size(), .cut_bytes = found.total_bytes - found.good_bytes};
  if (const auto failed = store->start()) return replay_journal_problem{"cannot be written: " + failed.message()};
  return opened;
}

replay_journal_result<seen_replay_journal> look_at_replay_journal(const std::string& path) {
  const auto free = journal_file::can_lock(path);
  if (!free) return free.error();
  journal_reader reader{[](const journal_record&) {}};
  if (const auto failed = journal_file::read(path, [&](byte_view piece) { reader.feed(piece); })) {
    return replay_journal_problem{"cannot be read: " + failed.message()};
  }
  if (const auto found = reader.finish(); found.damage) return replay_journal_problem{*found.damage};
  return seen_replay_journal{.in_use = !*free};
}

journal_replay_store::journal_replay_store(std::unique_ptr<journal_storage> storage, std::size_t max_entries,
                                           std::function<void(std::string_view)> report)
    : max_entries_(max_entries), report_(std::move(report)), used_(max_entries), storage_(std::move(storage)) {}

journal_replay_store::~journal_replay_store() {
  settle();
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  work_came_.notify_all();
  if (writer_.joinable()) writer_.join();
}

void journal_replay_store::remember(const token_digest& token, std::int64_t until, wall_time wall_now, mono_time now) {
  const std::scoped_lock lock(mutex_);
  used_.remember(token, until, wall_now, now);
}

std::size_t journal_replay_store::size() const {
  const std::scoped_lock lock(mutex_);
  return used_.size();
}

error_code journal_replay_store::start() {
  if (const auto failed = rewrite(now_)) return failed;
  writer_ = std::thread([this] { run(); });
  return {};
}

void journal_replay_store::try_use(replay_query query, wall_time wall_now, mono_time now, mono_time deadline,
                                   std::function<void(replay_answer)> answer) {
  const auto token = digest_of(query);
  auto what = replay_answer::unavailable;
  {
    const std::scoped_lock lock(mutex_);
    now_ = std::max(now_, now);
    // From here on nobody else may use it, whether the record becomes durable or not.
    what = used_.use(token, query.remember_until, wall_now, now);
    if (what == replay_answer::fresh) queue_.push_back({token, query.remember_until, deadline, std::move(answer)});
  }
  if (what == replay_answer::fresh) return work_came_.notify_one();
  answer(what);
}

void journal_replay_store::expire(wall_time wall_now, mono_time now) {
  bool more = true;
  while (more) {
    const std::scoped_lock lock(mutex_);
    now_ = std::max(now_, now);
    more = used_.expire(wall_now, now, expire_portion);
  }
  std::unique_lock lock(mutex_);
  // The next call may be a little late; a query answered too early is only refused.
  give(lock, take_answers_due(now + 2 * sweep_interval), replay_answer::unavailable);
}

void journal_replay_store::settle() {
  std::unique_lock lock(mutex_);
  give(lock, take_answers_due(mono_time::max()), replay_answer::unavailable);
  answers_given_.wait(lock, [this] { return giving_ == 0; });
}

/// The answers of the queries whose deadline is not after `limit`. Those not being written are as if never asked.
std::vector<journal_replay_store::answer_function> journal_replay_store::take_answers_due(mono_time limit) {
  std::vector<answer_function> taken;
  std::erase_if(queue_, [&](waiting& one) {
    if (one.deadline > limit) return false;
    used_.forget(one.token);
    taken.push_back(std::move(one.answer));
    return true;
  });
  for (auto& one : group_) {
    if (one.deadline <= limit && one.answer) taken.push_back(std::exchange(one.answer, nullptr));
  }
  return taken;
}

void journal_replay_store::give(std::unique_lock<std::mutex>& lock, const std::vector<answer_function>& answers,
                                replay_answer what) {
  if (answers.empty()) return;
  ++giving_;
  lock.unlock();
  for (const auto& answer : answers) answer(what);
  lock.lock();
  if (--giving_ == 0) answers_given_.notify_all();
}

void journal_replay_store::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_came_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const auto first = queue_.begin();
    const auto last = first + static_cast<std::ptrdiff_t>(std::min(queue_.size(), most_records_per_group));
    group_.assign(std::move_iterator{first}, std::move_iterator{last});
    queue_.erase(first, last);
    const auto now = now_;
    lock.unlock();
    const auto failed = write_group(now);
    tell(failed, now);
    lock.lock();
    finish_group(lock, failed);
    if (!failed && is_mostly_over() && now >= next_rewrite_) {
      lock.unlock();
      // When it fails the old file goes on, until it has its full size.
      (void)rewrite(now);
      lock.lock();
    }
  }
}

void journal_replay_store::finish_group(std::unique_lock<std::mutex>& lock, const error_code& failed) {
  std::vector<answer_function> answers;
  for (auto& one : group_) {
    if (failed) used_.forget(one.token);
    if (one.answer) answers.push_back(std::move(one.answer));
  }
  group_.clear();
  give(lock, answers, failed ? replay_answer::unavailable : replay_answer::fresh);
}

error_code journal_replay_store::write_group(mono_time now) {
  const auto grown = length_ + group_.size() * journal_record_bytes;
  if (!must_rewrite_ && grown <= max_journal_bytes(max_entries_)) return append_group();
  // Writes everything remembered, and the group with it.
  return now < next_rewrite_ ? last_failure_ : rewrite(now);
}

error_code journal_replay_store::append_group() {
  byte_buffer bytes;
  bytes.reserve(group_.size() * journal_record_bytes);
  for (const auto& one : group_) append_journal_record(bytes, {one.token, one.until, length_});
  if (const auto failed = storage_->append(bytes)) {
    // A full disk may have taken some of it. What is cut off now needs no sync: it was never answered.
    must_rewrite_ = static_cast<bool>(storage_->cut(length_));
    return failed;
  }
  if (const auto failed = storage_->sync()) {
    must_rewrite_ = true;
    return failed;
  }
  length_ += bytes.size();
  return {};
}

/// A new file with everything remembered, and at its end a record that says that all before it is durable: the file
/// gets its name only when it is.
error_code journal_replay_store::rewrite(mono_time now) {
  std::uint64_t length = 0;
  std::size_t cursor = 0;
  bool done = false;
  const auto next_piece = [&](byte_buffer& piece) {
    if (done) return false;
    if (length == 0) append_journal_header(piece);
    {
      const std::scoped_lock lock(mutex_);
      done = !used_.visit(cursor, chains_per_piece, [&](const token_digest& token, std::int64_t until) {
        append_journal_record(piece, {token, until, journal_header_bytes});
      });
    }
    if (done) append_journal_record(piece, {{}, 0, length + piece.size()});
    length += piece.size();
    return true;
  };
  const auto keep_shape = [this](bool on) {
    const std::scoped_lock lock(mutex_);
    used_.keep_shape(on);
  };
  keep_shape(true);
  auto failed = storage_->replace(next_piece);
  keep_shape(false);
  if (!failed) {
    length_ = length;
    failed = storage_->sync();
    must_rewrite_ = static_cast<bool>(failed);
  }
  if (failed) next_rewrite_ = now + rewrite_pause;
  return last_failure_ = failed;
}

bool journal_replay_store::is_mostly_over() {
  return length_ / journal_record_bytes > 2 * std::uint64_t{used_.size()} + spare_records;
}

void journal_replay_store::tell(const error_code& failed, mono_time now) {
  if (failed && (!failing_ || now >= next_report_)) {
    next_report_ = now + report_pause;
    report_("used tokens cannot be written down, so attaches are refused: " + failed.message());
  }
  if (!failed && failing_) report_("used tokens are written down again");
  failing_ = static_cast<bool>(failed);
}

}  // namespace flowersec::tunnel
