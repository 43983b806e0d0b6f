#include "controlplane/issue_writer.h"

#include <boost/asio/post.hpp>

namespace flowersec::apps {

namespace asio = boost::asio;
using controlplane::issue_record;
using controlplane::state_store;

struct issue_writer::shared {
  explicit shared(state_store opened) : store(std::move(opened)) {}

  state_store store;  // on the thread only
  // On the executor only.
  std::vector<issue_record> records;
  std::vector<completion> waiting;
  bool writing = false;
  bool gone = false;
};

issue_writer::issue_writer(asio::any_io_executor back, state_store store)
    : back_(std::move(back)), shared_(std::make_shared<shared>(std::move(store))) {}

issue_writer::~issue_writer() {
  shared_->gone = true;
  thread_.join();
}

bool issue_writer::add(issue_record record, completion done) {
  if (shared_->waiting.size() >= max_waiting) return false;
  shared_->records.push_back(std::move(record));
  shared_->waiting.push_back(std::move(done));
  if (!shared_->writing) write_next();
  return true;
}

void issue_writer::write_next() {
  if (shared_->waiting.empty()) return;
  shared_->writing = true;
  asio::post(thread_, [this, all = shared_, back = back_, records = std::exchange(shared_->records, {}),
                       waiting = std::exchange(shared_->waiting, {})]() mutable {
    auto results = all->store.record_issues(records, to_unix_seconds(system_clocks().wall_now()));
    asio::post(back, [this, all, results = std::move(results), waiting = std::move(waiting)] {
      if (all->gone) return;
      all->writing = false;
      write_next();
      for (std::size_t i = 0; i < waiting.size(); ++i) waiting[i](results[i]);
    });
  });
}

void issue_writer::write_keyset(std::string file, std::function<void(const controlplane::outcome<void>&)> done) {
  asio::post(thread_, [all = shared_, back = back_, file = std::move(file), done = std::move(done)] {
    asio::post(back, [all, done, written = all->store.write_keyset_file(file)] {
      if (!all->gone) done(written);
    });
  });
}

}  // namespace flowersec::apps
