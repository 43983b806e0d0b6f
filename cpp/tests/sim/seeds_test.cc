// Whole lives decided by a number: any network, any script, any accident. What must hold always, holds.
#include "world.h"

namespace flowersec::sim {
namespace {

class random_life {
 public:
  explicit random_life(std::uint64_t seed) : pick_(seed), all_(seed, any_network()), plan_(any_script()) {}

  void run() {
    meet();
    const bool breaks = !pick_.one_in(3);
    if (breaks) plan_accident();
    stir();
    if (!breaks) {
      EXPECT_TRUE(all_.run_until_done(*client_, *server_, 120s));
      (pick_.one_in(2) ? client_ : server_)->close();
    }
    const bool ended = all_.run(150s, [&] { return client_->core().over() && server_->core().over(); });
    if (breaks && !ended) {
      // The accident lay behind the last byte of the script.
      EXPECT_TRUE(client_->app.done() && server_->app.done());
      client_->close();
    }
    all_.before_step = [](std::size_t) {};
    all_.run(20s);
    expect_typed_end(*client_);
    expect_typed_end(*server_);
    all_.expect_empty_tunnel();
  }

 private:
  [[nodiscard]] network_options any_network() {
    constexpr std::array<std::size_t, 5> sizes{20, 300, 4000, 16384, 100'000};
    network_options how{.longest_delay = std::chrono::microseconds{pick_.below(4000)}};
    how.largest_piece = sizes[pick_.below(sizes.size())];
    how.smallest_piece = pick_.one_in(4) ? how.largest_piece : 1;
    how.capacity_bytes = std::max<std::size_t>(how.largest_piece, 500) * pick_.between(1, 3);
    return how;
  }
  [[nodiscard]] script any_script() {
    const auto most = std::min<std::size_t>(60 * all_.network.largest_piece, 300'000);
    return {.streams = pick_.below(5),
            .up_bytes = pick_.below(most) / 4,
            .down_bytes = pick_.below(most) / 4,
            .calls = pick_.below(6)};
  }
  [[nodiscard]] side_options any_options() {
    side_options options{.plan = plan_, .suite = suite_, .probes = session::liveness{.interval = 5s, .timeout = 3s}};
    options.session.record.outbound_record_chunk_bytes = chunk_;
    return options;
  }

  void meet() {
    const bool client_first = pick_.one_in(2);
    const auto wait = std::chrono::milliseconds{pick_.one_in(2) ? 0 : pick_.below(8000)};
    if (client_first) client_ = &all_.add_client(any_options());
    if (!client_first) server_ = &all_.add_server(any_options());
    all_.run(wait);
    if (client_ == nullptr) client_ = &all_.add_client(any_options());
    if (server_ == nullptr) server_ = &all_.add_server(any_options());
  }
  void plan_accident() {
    constexpr std::array faults{fault::reset, fault::ended, fault::silence};
    auto& line = (pick_.one_in(2) ? client_ : server_)->line;
    const auto how = faults[pick_.below(faults.size())];
    const auto at = pick_.below(2 * (plan_.up_bytes + plan_.down_bytes) + 1000);
    pick_.one_in(2) ? line.break_after_bytes_up(at, how) : line.break_after_bytes_down(at, how);
  }
  /// Rekeys, pings and pauses, now and then.
  void stir() {
    all_.before_step = [this](std::size_t step) {
      auto& one = pick_.one_in(2) ? *client_ : *server_;
      if (pick_.one_in(50)) static_cast<void>(one.core().rekey());
      if (pick_.one_in(50)) static_cast<void>(one.core().ping());
      if (pick_.one_in(20)) one.app.set_reading(false);
      if (step % 30 == 0 || pick_.one_in(10)) one.app.set_reading(true);
    };
  }

  choices pick_;
  world all_;
  script plan_;
  crypto::suite suite_ = pick_.one_in(4) ? crypto::suite::p256 : crypto::suite::x25519;
  std::size_t chunk_ = pick_.one_in(3) ? 1024 : 16384;
  side* client_ = nullptr;
  side* server_ = nullptr;
};

TEST(simulation, whatever_happens_sessions_end_with_a_name_and_the_tunnel_empty) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_life{seed}.run();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace flowersec::sim
