// Notes channel ids on a thread of its own, so that nobody else waits for the disk, and many at a time, so that they
// share one wait.
// Layer apps. Used on the thread of `back`, where everything also completes.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "flowersec/controlplane/state_store.h"

namespace flowersec::apps {

class issue_writer {
 public:
  using noted = controlplane::outcome<crypto::ed25519_public_key>;
  using completion = std::function<void(const noted&)>;

  /// Requests that wait while others are being written; one more is turned away.
  static constexpr std::size_t max_waiting = 4096;

  issue_writer(boost::asio::any_io_executor back, controlplane::state_store store);
  /// Finishes what is being written; nobody is told any more.
  ~issue_writer();

  /// False, and `done` is never called, when too many wait.
  [[nodiscard]] bool add(controlplane::issue_record record, completion done);
  /// Writes the keyset file, behind what was added before.
  void write_keyset(std::string file, std::function<void(const controlplane::outcome<void>&)> done);

 private:
  struct shared;

  void write_next();

  boost::asio::any_io_executor back_;
  std::shared_ptr<shared> shared_;
  boost::asio::thread_pool thread_{1};
};

}  // namespace flowersec::apps
