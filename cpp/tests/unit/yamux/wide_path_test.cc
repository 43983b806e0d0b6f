// Wide windows on a path of 100 ms and 1 Gbit/s: how fast one stream is, how fair eight are.
#include <gtest/gtest.h>

#include <algorithm>

#include "path.h"

namespace flowersec::yamux {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t mib = 1U << 20U;

/// Of one upload, bytes a second.
double rate(const path_options& options, std::uint64_t bytes) {
  path line{options};
  const auto begin = line.now();
  const auto id = line.upload(bytes);
  line.run();
  EXPECT_EQ(line.bytes_read(id), bytes);
  return static_cast<double>(bytes) / std::chrono::duration<double>(line.finished(id) - begin).count();
}

TEST(yamux_wide_path, one_stream_reaches_four_fifths_of_window_by_round_trip) {
  const auto narrow = rate({.wide_windows = false}, 16 * mib);
  const auto wide = rate({}, 128 * mib);
  EXPECT_LE(narrow, window_bytes / 0.1);
  EXPECT_GE(wide, 8 * narrow);
  EXPECT_GE(wide, 0.8 * wide_window_bytes / 0.1);
}

TEST(yamux_wide_path, eight_streams_finish_together) {
  path line{{}};
  std::vector<std::uint32_t> ids;
  for (int i = 0; i < 8; ++i) ids.push_back(line.upload(64 * mib));
  const auto begin = line.now();
  line.run();
  std::vector<double> took;
  for (const auto id : ids) took.push_back(std::chrono::duration<double>(line.finished(id) - begin).count());
  std::ranges::sort(took);
  const auto median = (took[3] + took[4]) / 2;
  EXPECT_LE(took[7], 1.05 * median) << median;
  EXPECT_GE(8 * 64 * mib / took[7], 0.8 * 125e6) << "together they fill the path";
  EXPECT_LE(line.most_excess(), yamux_limits{}.wide_window_session_bytes);
}

TEST(yamux_wide_path, eight_streams_that_begin_one_after_the_other_share_in_the_end) {
  path line{{}};
  std::vector<std::uint32_t> ids;
  for (int i = 0; i < 8; ++i) {
    ids.push_back(line.upload(256 * mib));
    line.run(line.now() + 500ms);
  }
  line.run(line.now() + 2s);
  std::vector<std::uint64_t> before;
  for (const auto id : ids) before.push_back(line.bytes_read(id));
  line.run(line.now() + 3s);
  std::vector<std::uint64_t> read;
  for (std::size_t i = 0; i < ids.size(); ++i) read.push_back(line.bytes_read(ids[i]) - before[i]);
  const auto [least, most] = std::ranges::minmax(read);
  EXPECT_LE(static_cast<double>(most), 1.05 * static_cast<double>(least));
  EXPECT_LE(line.most_excess(), yamux_limits{}.wide_window_session_bytes);
}

TEST(yamux_wide_path, a_path_that_a_first_window_fills_widens_none_by_more_than_it_holds) {
  path line{{.one_way_delay = 5ms, .bytes_per_second = 1e6}};
  (void)line.upload(8 * mib);
  line.run();
  EXPECT_EQ(line.most_excess(), 0U);
}

TEST(yamux_wide_path, a_peer_that_answers_no_ping_is_as_fast_as_without_wide_windows) {
  const auto narrow = rate({.wide_windows = false}, 4 * mib);
  EXPECT_NEAR(rate({.answers_pings = false}, 4 * mib), narrow, narrow / 10000);
}

TEST(yamux_wide_path, pings_are_few) {
  path line{{}};
  const auto begin = line.now();
  (void)line.upload(256 * mib);
  line.run();
  EXPECT_LE(line.pings(), 1 + static_cast<std::size_t>((line.now() - begin) / 1s));
}

}  // namespace
}  // namespace flowersec::yamux
