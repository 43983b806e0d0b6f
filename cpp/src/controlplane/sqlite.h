// SQLite as this project uses it: one connection, prepared statements, transactions that undo themselves.
// Layer controlplane, private. One thread at a time. Every failure ends as a sqlite_error, which state_store's members
// turn into results; nothing throws past them.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "flowersec/base/bytes.h"

namespace flowersec::controlplane {

/// `code` is an extended result code of SQLite. The text never holds a value that was bound.
struct sqlite_error : std::runtime_error {
  sqlite_error(int what, const std::string& text) : std::runtime_error(text), code(what) {}
  int code;
  [[nodiscard]] int primary() const noexcept { return code & 0xff; }
};

/// One run of a prepared statement: bind, step, read. Resets the statement when it dies, so that values that were bound
/// do not stay behind.
class statement {
 public:
  statement(sqlite3_stmt* prepared, const std::function<void()>& before_step) noexcept
      : prepared_(prepared), before_step_(before_step) {}
  statement(const statement&) = delete;
  statement& operator=(const statement&) = delete;
  ~statement();

  /// Parameters in their order. Texts and blobs must live until the statement has run.
  statement& bind(std::string_view text);
  statement& bind(byte_view blob);
  statement& bind(std::int64_t number);
  statement& bind_null();

  /// True when there is a row to read.
  [[nodiscard]] bool step();
  /// For statements that give no row.
  void run();

  // Columns of the present row. Views are valid until the next step.
  [[nodiscard]] std::int64_t integer(int column) const noexcept;
  [[nodiscard]] std::string_view text(int column) const noexcept;
  [[nodiscard]] byte_view blob(int column) const noexcept;
  [[nodiscard]] bool is_null(int column) const noexcept;

 private:
  void check(int outcome) const;

  sqlite3_stmt* prepared_;
  const std::function<void()>& before_step_;
  int bound_ = 0;
};

class sqlite_database {
 public:
  /// The file must exist. `before_step` is called before each statement runs.
  sqlite_database(const std::filesystem::path& file, std::chrono::milliseconds busy_timeout,
                  std::function<void()> before_step);

  /// A statement that is prepared once and kept. One run of a text at a time.
  [[nodiscard]] statement query(std::string_view sql);
  /// Statements without values, one after the other.
  void execute(const char* sql);
  /// Rows that the last statement changed.
  [[nodiscard]] std::int64_t changes() const noexcept;

 private:
  struct close_database {
    void operator()(sqlite3* open) const noexcept { sqlite3_close_v2(open); }
  };
  struct drop_statement {
    void operator()(sqlite3_stmt* prepared) const noexcept { sqlite3_finalize(prepared); }
  };

  std::function<void()> before_step_;
  std::unique_ptr<sqlite3, close_database> handle_;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, drop_statement>, std::less<>> prepared_;
};

/// Holds the right to write until it is committed; otherwise everything is undone.
class transaction {
 public:
  explicit transaction(sqlite_database& in);
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  ~transaction();
  /// What was written is on the disk when this returns.
  void commit();

 private:
  sqlite_database& database_;
  bool open_ = true;
};

}  // namespace flowersec::controlplane
