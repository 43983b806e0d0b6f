// Bulk transfer both ways, checked to the last byte and timed.
// Layer apps, on the endpoint API alone. One thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>

#include "flowersec/endpoint/session.h"
#include "peer/report.h"

namespace flowersec::apps {

struct bulk_plan {
  std::uint64_t bytes;  ///< each way, over all streams
  unsigned streams;
  bool show_progress;
};

/// Sends to `sink` streams; the hash in the answer must be ours.
[[nodiscard]] boost::asio::awaitable<void> check_upload(endpoint::session session, bulk_plan plan,
                                                        client_report& report);
/// Reads from `source` streams and checks every byte.
[[nodiscard]] boost::asio::awaitable<void> check_download(endpoint::session session, bulk_plan plan,
                                                          client_report& report);

}  // namespace flowersec::apps
