#include "whole_life.h"

#include <array>

#include "flaws.h"

namespace flowersec::sim {
namespace {

/// What the seed decides before anything moves.
struct circumstances {
  explicit circumstances(std::uint64_t seed, flaw with) : pick(seed) {
    calm = pick.one_in(4);
    tight = !calm && pick.one_in(3);
    if (tight) tighten();
    told = limits;
    if (with == flaw::a_budget_is_ignored)
      limits.max_total_queued_bytes = limits.max_tenant_queued_bytes = std::nullopt;
    if (with == flaw::the_silent_may_stay) limits.attach_timeout = std::chrono::hours{1};
    network = any_network();
    plan = any_script();
    // Half of them keep the first windows, whose sum is a bound that can be reached.
    if (seed % 2 == 0) session.yamux.wide_window_session_bytes = 0;
    told_session = session;
    if (with == flaw::a_window_is_ignored) ignore_windows();
  }

  void tighten() {
    if (pick.one_in(2)) limits.max_pending_bytes = pick.between(100, 3000);
    if (pick.one_in(2)) limits.max_pending_frames = pick.between(1, 4);
    if (pick.one_in(2)) limits.max_tenant_queued_bytes = pick.between(200, 40'000);
    if (pick.one_in(2)) limits.max_total_queued_bytes = pick.between(200, 40'000);
    if (pick.one_in(3)) limits.max_stalled_blocks = 1;
    if (pick.one_in(3)) limits.max_connections = pick.between(1, 4);
    if (pick.one_in(3)) limits.max_channels = pick.between(1, 2);
    if (pick.one_in(3)) limits.max_replay_entries = pick.between(1, 6);
  }
  /// Windows grow although they were told not to, on one fast stream that is read for a while.
  void ignore_windows() {
    told_session.yamux.wide_window_session_bytes = 0;
    session.yamux.wide_window_session_bytes = endpoint::session_options{}.yamux.wide_window_session_bytes;
    plan = {.streams = 1, .up_bytes = 4'000'000, .down_bytes = 0, .calls = 0};
    network = {.longest_delay = std::chrono::milliseconds{20}};
    network.largest_piece = network.smallest_piece = 500'000;
    network.capacity_bytes = 4'000'000;
  }
  [[nodiscard]] network_options any_network() {
    constexpr std::array<std::size_t, 5> sizes{100, 300, 4000, 16384, 100'000};
    // So slow that probes behind data come too late.
    const bool slow = !calm && pick.one_in(4);
    network_options how{.longest_delay = std::chrono::microseconds{pick.below(slow ? 400'000 : 4000)}};
    how.largest_piece = sizes.at(pick.below(sizes.size()));
    how.smallest_piece = pick.one_in(4) ? how.largest_piece : std::max<std::size_t>(how.largest_piece / 4, 1);
    how.capacity_bytes = how.largest_piece <= 300 ? pick.between(40, 1500) : how.largest_piece * pick.between(1, 3);
    return how;
  }
  [[nodiscard]] script any_script() {
    const auto most = std::min<std::size_t>(30 * network.largest_piece, pick.one_in(20) ? 1'200'000 : 30'000);
    return {.streams = pick.below(4),
            .up_bytes = pick.below(most) / 2,
            .down_bytes = pick.below(most) / 2,
            .calls = pick.below(4)};
  }
  [[nodiscard]] std::chrono::seconds clock() {
    constexpr std::array<int, 4> ahead{-20, -5, 5, 20};
    if (calm || pick.one_in(2)) return std::chrono::seconds{0};
    return std::chrono::seconds{pick.one_in(8) ? 45 : ahead.at(pick.below(ahead.size()))};
  }

  choices pick;
  bool calm;
  bool tight;
  tunnel::tunnel_limits limits;
  tunnel::tunnel_limits told;  ///< what the rules go by
  endpoint::session_options session;
  endpoint::session_options told_session;
  network_options network;
  script plan;
};

class whole_life {
 public:
  whole_life(std::uint64_t seed, flaw with)
      : flaw_(with),
        given_(seed, with),
        replay_(with == flaw::replay_is_forgotten ? nullptr
                                                  : std::make_shared<watched_store>(given_.limits.replay_entries())),
        store_(replay_ ? std::static_pointer_cast<tunnel::replay_store>(replay_) : std::make_shared<forgetful_store>()),
        all_(seed, given_.network, given_.limits, known_, store_) {
    known_->use(all_.tunnel.clock);
  }

  life_report run() {
    post_office post{all_};
    control_desk desk{all_, *known_, given_.clock()};
    town place{.all = all_,
               .post = post,
               .desk = desk,
               .plan = given_.plan,
               .suite = given_.pick.one_in(6) ? crypto::suite::p256 : crypto::suite::x25519,
               .loses_one_in = given_.calm || given_.pick.one_in(2) ? 0 : given_.pick.between(3, 10),
               .session = given_.session,
               .longest_letter = std::chrono::milliseconds{given_.pick.one_in(6) ? 5000 : 50},
               .meet_fate = [this](side& one) { meet_fate(one); }};
    called_endpoint callee{place, given_.clock()};
    returning_client client{place, callee, given_.clock()};
    thief rogue{place, given_.calm ? 0 : given_.pick.below(4)};
    all_.add(post);
    all_.add(client);
    all_.add(rogue);
    all_.after_round = [this] { look_at_bounds(); };
    all_.before_step = [this](std::size_t) { stir(); };
    if (flaw_ == flaw::expired_tokens_are_good) {
      all_.tunnel.shared->set_verifier(std::make_shared<timeless_verifier>(desk.verifier()));
    } else if (given_.pick.one_in(4)) {
      desk.rotate();
    }

    client.start();
    live_together(client, callee, desk);
    part(client, rogue, post);
    judge(place, client, rogue);
    return std::move(report_);
  }

 private:
  void live_together(const returning_client& client, const called_endpoint& callee, control_desk& desk) {
    const auto both_done = [&] {
      return client.up() != nullptr && client.up()->app.done() && callee.last() != nullptr && callee.last()->app.done();
    };
    for (auto sessions = given_.pick.between(1, 3); sessions > 0; --sessions) {
      const bool done = all_.run(120s, both_done);
      if (given_.calm && !(done && client.attempts() == attempts_expected_)) {
        broke("nothing stood in the way, and it did not work the first time");
        return;
      }
      if (!done) return;
      if (sessions == 1) return;
      // The endpoint goes; the client must come back.
      ++attempts_expected_;
      callee.last()->close();
      if (flaw_ != flaw::expired_tokens_are_good && given_.pick.one_in(3)) desk.rotate();
      all_.run(30s, [&] { return client.up() == nullptr; });
    }
  }
  void part(returning_client& client, const thief& rogue, const post_office& post) {
    client.leave();
    all_.before_step = [](std::size_t) {};
    for (const auto& one : all_.sides()) one->app.set_reading(true);
    // Init windows, idle times, whatever is in the post or a thief has planned: longer than any time-out there is.
    all_.run(2000s, [&] { return !rogue.next_due() && !post.next_due() && is_over(); });
    all_.run(5s);
  }
  [[nodiscard]] bool is_over() const {
    const auto& shared = *all_.tunnel.shared;
    return shared.connections.value() == 0 && shared.channels.value() == 0 &&
           std::ranges::all_of(all_.sides(), [](const auto& one) { return one->core().over(); });
  }

  void meet_fate(side& one) {
    if (flaw_ == flaw::the_network_loses_a_byte) {
      one.meddle = [this](std::size_t, byte_buffer message) {
        if (all_.pick.one_in(8)) message.pop_back();
        return message_list{std::move(message)};
      };
    }
    using defect = application::defect;
    if (flaw_ == flaw::the_reader_loses_a_byte) one.app.read_badly(defect::loses_the_first_byte);
    if (flaw_ == flaw::the_reader_repeats_a_byte) one.app.read_badly(defect::repeats_the_first_byte);
    if (flaw_ == flaw::the_reader_loses_the_last_byte) one.app.read_badly(defect::loses_the_last_byte);
    if (given_.calm) return;
    if (!all_.pick.one_in(3)) return;
    ++report_.accidents;
    const auto most = 2 * (given_.plan.up_bytes + given_.plan.down_bytes) + 1000;
    const auto at = all_.pick.one_in(8) ? 0 : all_.pick.below(most);
    constexpr std::array faults{fault::reset, fault::ended, fault::silence};
    const auto how = faults.at(all_.pick.below(faults.size()));
    all_.pick.one_in(2) ? one.line.break_after_bytes_up(at, how) : one.line.break_after_bytes_down(at, how);
  }
  /// Rekeys, pings, pauses and stalls, now and then.
  void stir() {
    const auto& sides = all_.sides();
    if (flaw_ == flaw::a_window_is_ignored) {
      for (const auto& one : sides) one->app.set_reading(one->app.bytes_read() < given_.plan.up_bytes / 2);
      return;
    }
    if (sides.empty() || !all_.pick.one_in(10)) return;
    auto& one = *sides[all_.pick.below(sides.size())];
    const auto what = all_.pick.below(12);
    if (what == 0) static_cast<void>(one.core().rekey());
    if (what == 1) static_cast<void>(one.core().ping());
    if (what == 2 && !given_.calm) one.app.set_reading(false);
    if (what >= 3 && what < 10) one.app.set_reading(true);
    if (what == 10 && !given_.calm && all_.pick.one_in(4)) {
      one.line.stall(std::chrono::milliseconds{all_.pick.below(all_.pick.one_in(4) ? 15'000 : 1500)});
    }
  }

  void look_at_bounds() {
    const auto& shared = *all_.tunnel.shared;
    const auto& limits = given_.told;
    // A message that passes without waiting is charged only once it waits, and is not judged again then (LIMITS,
    // "Worst memory of one connection"): one of each direction beside the first may come on top.
    constexpr std::uint64_t longest_message = record::sealed_bytes(16384 + yamux::header_bytes);
    const auto passing = (2 * std::max<std::uint64_t>(shared.channels.value(), 1) - 1) * longest_message;
    if (shared.total_bytes.held() > limits.max_total_queued_bytes.value() + passing) broke("the tunnel holds too much");
    for (const auto& budget : shared.scopes.budgets()) {
      if (budget->bytes.held() > limits.max_tenant_queued_bytes.value() + passing) broke("a tenant holds too much");
    }
    if (shared.stalled_blocks.taken() > limits.max_stalled_blocks) broke("too many blocks are held");
    if (shared.connections.value() > limits.max_connections) broke("too many connections");
    if (shared.channels.value() > limits.max_channels) broke("too many channels");
    for (const auto& one : all_.sides()) {
      if (one->unsent_bytes() > 2 * session::gather_bytes) broke("a batch is too long");
      if (one->core().receive_memory_bytes() > most_received()) broke("an end holds more than its windows allow");
      if (one->core().queued_controls() > session::max_queued_controls) broke("too many control records wait");
    }
    if (known_->let_in_twice()) broke("a token was good twice");
    if (known_->let_in_late()) broke("a token was good after its time");
    if (replay_ && replay_->fresh_twice()) broke("a token was fresh twice");
  }
  /// The windows of the script's streams and of the RPC stream, with the slack of their buffers (LIMITS, "Worst memory
  /// of one session").
  [[nodiscard]] std::size_t most_received() const {
    constexpr std::size_t slack = 32 * 1024;
    const auto& windows = given_.told_session.yamux;
    return (given_.plan.streams + 1) * (windows.max_stream_receive_bytes + slack) + windows.wide_window_session_bytes;
  }
  void judge(const town& place, const returning_client& client, const thief& rogue) {
    for (const auto& wrong : place.wrongs) broke(wrong);
    if (client.status() != endpoint::connection_status::disconnected) broke("the client is not at rest");
    if (rogue.got_through()) broke("a thief got through");
    for (const auto& one : all_.sides()) judge(*one);
    const auto& shared = *all_.tunnel.shared;
    const bool empty = shared.channels.value() == 0 && all_.tunnel.core->channel_count() == 0 &&
                       shared.connections.value() == 0 && shared.total_bytes.held() == 0 &&
                       shared.stalled_blocks.taken() == 0;
    if (!empty) broke("the tunnel is not empty");
    report_.admissions = known_->count();
    report_.calm = given_.calm;
  }
  void judge(side& one) {
    report_.sessions_up += one.connected() ? 1 : 0;
    if (one.app.saw_wrong_content()) broke("an application read what nobody wrote, or not in order");
    if (one.app.missed_something()) broke("a stream was closed in order with something missing");
    if (one.framing_broke()) broke("the tunnel broke the framing");
    if (one.times_over() != 1 || !one.over_because()) return broke("a session did not end once, with a name");
    const auto end = end_of(one);
    const auto info = one.connected() ? endpoint::end_of_session(endpoint::path::tunnel, end)
                                      : endpoint::startup_failure(endpoint::path::tunnel, end);
    report_.ends.push_back((one.core().is_client() ? "client " : "server ") + to_string(info));
    if (!endpoint::is_legal(info.stage, info.code)) broke("a session ended with " + to_string(info));
  }
  void broke(const std::string& rule) {
    if (std::ranges::find(report_.broken, rule) == report_.broken.end()) report_.broken.push_back(rule);
  }

  flaw flaw_;
  circumstances given_;
  std::shared_ptr<admissions> known_ = std::make_shared<admissions>();
  std::shared_ptr<watched_store> replay_;
  std::shared_ptr<tunnel::replay_store> store_;
  world all_;
  std::uint64_t attempts_expected_ = 1;
  life_report report_;
};

constexpr std::array<const char*, flaw_count> names{"none",
                                                    "replay_is_forgotten",
                                                    "expired_tokens_are_good",
                                                    "the_network_loses_a_byte",
                                                    "the_reader_loses_a_byte",
                                                    "the_reader_repeats_a_byte",
                                                    "the_reader_loses_the_last_byte",
                                                    "a_window_is_ignored",
                                                    "a_budget_is_ignored",
                                                    "the_silent_may_stay"};

}  // namespace

std::string name_of(flaw which) { return names.at(static_cast<std::size_t>(which)); }

life_report live(std::uint64_t seed, flaw with) { return whole_life{seed, with}.run(); }

}  // namespace flowersec::sim
