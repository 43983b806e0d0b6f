// What the members of state_store share: the open database, and how its failures become results.
// Layer controlplane, private.
#pragma once

#include "flowersec/controlplane/state_store.h"
#include "sqlite.h"

namespace flowersec::controlplane {

struct state_store::contents {
  contents(std::filesystem::path path, const store_options& options)
      : file(std::move(path)), limits(options.limits), database(file, limits.busy_timeout, options.before_step) {}

  std::filesystem::path file;
  store_limits limits;
  sqlite_database database;
};

/// Thrown inside a call to undo its transaction; comes out as its failure.
struct refusal {
  failure what;
};

[[nodiscard]] failure store_failure(store_errc code);
/// With words that name what it is about.
[[nodiscard]] failure store_failure(store_errc code, const std::string& about);
[[nodiscard]] failure storage_failure(const std::filesystem::path& file, const sqlite_error& error);

/// The trimmed id. Throws refusal: bad_name.
[[nodiscard]] std::string_view checked_name(std::string_view what, std::string_view name);

/// Runs `work` on the open database; a refusal or a failure of SQLite comes back as a result.
template <class T, class Contents, class Work>
[[nodiscard]] outcome<T> guarded(Contents& in, Work work) {
  try {
    if constexpr (std::is_void_v<T>) {
      work(in.database);
      return {};
    } else {
      return work(in.database);
    }
  } catch (const refusal& refused) {
    return refused.what;
  } catch (const sqlite_error& error) {
    return storage_failure(in.file, error);
  }
}

/// The same inside a transaction, which is committed when `work` returns.
template <class T, class Contents, class Work>
[[nodiscard]] outcome<T> in_transaction(Contents& in, Work work) {
  return guarded<T>(in, [&work](sqlite_database& database) {
    transaction all{database};
    if constexpr (std::is_void_v<T>) {
      work(database);
      all.commit();
    } else {
      auto done = work(database);
      all.commit();
      return done;
    }
  });
}

}  // namespace flowersec::controlplane
