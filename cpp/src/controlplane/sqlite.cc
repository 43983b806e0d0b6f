#include "sqlite.h"

#include <chrono>

namespace flowersec::controlplane {
namespace {

[[noreturn]] void fail(sqlite3* in) { throw sqlite_error{sqlite3_extended_errcode(in), sqlite3_errmsg(in)}; }

}  // namespace

statement::~statement() {
  sqlite3_reset(prepared_);
  sqlite3_clear_bindings(prepared_);
}

void statement::check(int outcome) const {
  if (outcome != SQLITE_OK) fail(sqlite3_db_handle(prepared_));
}

statement& statement::bind(std::string_view text) {
  check(sqlite3_bind_text64(prepared_, ++bound_, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

statement& statement::bind(byte_view blob) {
  check(sqlite3_bind_blob64(prepared_, ++bound_, blob.data(), blob.size(), SQLITE_STATIC));
  return *this;
}

statement& statement::bind(std::int64_t number) {
  check(sqlite3_bind_int64(prepared_, ++bound_, number));
  return *this;
}

statement& statement::bind_null() {
  check(sqlite3_bind_null(prepared_, ++bound_));
  return *this;
}

bool statement::step() {
  if (before_step_) before_step_();
  const auto outcome = sqlite3_step(prepared_);
  if (outcome == SQLITE_ROW) return true;
  if (outcome != SQLITE_DONE) fail(sqlite3_db_handle(prepared_));
  return false;
}

void statement::run() {
  while (step()) {
  }
}

std::int64_t statement::integer(int column) const noexcept { return sqlite3_column_int64(prepared_, column); }

std::string_view statement::text(int column) const noexcept { return as_text(blob(column)); }

byte_view statement::blob(int column) const noexcept {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(prepared_, column));
  return {data, data == nullptr ? 0 : static_cast<std::size_t>(sqlite3_column_bytes(prepared_, column))};
}

bool statement::is_null(int column) const noexcept { return sqlite3_column_type(prepared_, column) == SQLITE_NULL; }

sqlite_database::sqlite_database(const std::filesystem::path& file, std::chrono::milliseconds busy_timeout,
                                 std::function<void()> before_step)
    : before_step_(std::move(before_step)) {
  sqlite3* opened = nullptr;
  // NOMUTEX: one thread at a time is this class's own rule.
  const auto outcome = sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(opened);
  if (outcome != SQLITE_OK) throw sqlite_error{outcome, sqlite3_errstr(outcome)};
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_busy_timeout(opened, static_cast<int>(busy_timeout.count()));
}

statement sqlite_database::query(std::string_view sql) {
  auto kept = prepared_.find(sql);
  if (kept == prepared_.end()) {
    sqlite3_stmt* made = nullptr;
    const auto outcome = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                            SQLITE_PREPARE_PERSISTENT, &made, nullptr);
    if (outcome != SQLITE_OK) fail(handle_.get());
    kept = prepared_.emplace(std::string{sql}, made).first;
  }
  return statement{kept->second.get(), before_step_};
}

void sqlite_database::execute(const char* sql) {
  if (before_step_) before_step_();
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(handle_.get());
}

std::int64_t sqlite_database::changes() const noexcept { return sqlite3_changes64(handle_.get()); }

transaction::transaction(sqlite_database& in) : database_(in) { database_.execute("BEGIN IMMEDIATE"); }

transaction::~transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const sqlite_error&) {
    // SQLite has already undone it.
  }
}

void transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace flowersec::controlplane
