// Who lives in the simulation: a client that comes back, an endpoint that is called, and a thief of attach messages.
// Test support. The client is the real reconnect machine; both plan their connections as real ends do.
#pragma once

#include "controlplane.h"
#include "endpoint/failure.h"
#include "endpoint/plan.h"
#include "endpoint/reconnect_machine.h"

namespace flowersec::sim {

/// What all of them share.
struct town {
  world& all;
  post_office& post;
  control_desk& desk;
  script plan;
  crypto::suite suite = crypto::suite::x25519;
  std::size_t loses_one_in = 0;  ///< letters; 0: none
  endpoint::session_options session{};
  std::chrono::milliseconds longest_letter{50};
  /// What happens to the connection of every new end.
  std::function<void(side&)> meet_fate = [](side&) {};
  /// Somebody did what nobody may.
  std::vector<std::string> wrongs{};

  [[nodiscard]] mono_time now() const { return all.tunnel.clock.mono; }
};

[[nodiscard]] inline session::link_end end_of(const side& one) {
  return {.why = one.over_because(),
          .before_connected = !one.connected(),
          .closed_here = one.over_because() == make_error_code(session_errc::closed_here),
          .transport = {.cause = {}, .close_code = one.close_code(), .reason = one.close_reason()}};
}

/// Connects with a grant as the endpoint layer does, but for the dialling. nullptr: the grant was refused.
[[nodiscard]] inline side* connect_with(town& place, const messages::controlplane::v1::channel_init_grant& grant,
                                        endpoint::role as, random_source& random, std::chrono::seconds clock_ahead) {
  endpoint::connect_options options;
  options.origin = "https://app.example";
  options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  options.common.random = &random;
  options.common.session = place.session;
  options.common.liveness = session::liveness{.interval = 5s, .timeout = 3s};
  auto plan = endpoint::plan_tunnel(grant, as, options);
  if (!plan) {
    place.wrongs.push_back("a good grant was refused: " + plan.error().message());
    return nullptr;
  }
  auto& made =
      place.all.add_planned(std::move(plan->machine), std::string{plan->first_text->view()}, place.plan, clock_ahead);
  place.meet_fate(made);
  return &made;
}

/// Is told of a client by letter, and goes where it waits.
class called_endpoint {
 public:
  called_endpoint(town& place, std::chrono::seconds clock_ahead)
      : place_(place), clock_ahead_(clock_ahead), random_(place.all.pick.number()) {}

  void on_letter(const std::string& text) {
    const auto grant = messages::read_server_grant(text);
    if (!grant) return place_.wrongs.push_back("an endpoint got no grant");
    last_ = connect_with(place_, *grant, endpoint::role::server, random_, clock_ahead_);
  }
  [[nodiscard]] side* last() const noexcept { return last_; }

 private:
  town& place_;
  std::chrono::seconds clock_ahead_;
  testing::seeded_random random_;
  side* last_ = nullptr;
};

/// Asks the control plane, connects, and does it again as long as its reconnect machine wants.
class returning_client final : public actor {
 public:
  returning_client(town& place, called_endpoint& callee, std::chrono::seconds clock_ahead)
      : place_(place), callee_(callee), clock_ahead_(clock_ahead), random_(place.all.pick.number()), machine_([&place] {
          return static_cast<double>(place.all.pick.below(1001)) / 1000;
        }) {}

  void start() { static_cast<void>(machine_.connect({.enabled = true}, endpoint::source_kind::refreshable)); }
  void leave() { machine_.disconnect(); }

  /// The session that is up; nullptr when there is none.
  [[nodiscard]] side* up() const noexcept { return is_up_ ? current_ : nullptr; }
  [[nodiscard]] endpoint::connection_status status() const noexcept { return machine_.status(); }
  [[nodiscard]] std::uint64_t attempts() const noexcept { return attempts_; }

  bool step() override {
    machine_.advance(place_.now());
    bool moved = give_up_waiting();
    moved = look_at_session() || moved;
    while (const auto wanted = machine_.poll_intent()) {
      std::visit([this](const auto& what) { perform(what); }, *wanted);
      moved = true;
    }
    return moved;
  }
  [[nodiscard]] std::optional<mono_time> next_due() const override {
    const auto due = machine_.deadline();
    return due && answer_by_ ? std::min(*due, *answer_by_) : due ? due : answer_by_;
  }

 private:
  using attempt_id = endpoint::attempt_id;

  void perform(const endpoint::intent::begin_attempt& what) {
    ++attempts_;
    id_ = what.id;
    answer_by_ = place_.now() + 10s;
    const auto text = controlplane::encode_artifact_request({.endpoint_id = "endpoint"}).value();
    mail([this, id = what.id, text] { on_request(id, text); });
  }
  void perform(const endpoint::intent::abandon_attempt& what) { let_go(what.id); }
  void perform(const endpoint::intent::close_session& what) { let_go(what.id); }
  void perform(const endpoint::intent::discard_session& what) { let_go(what.id); }
  void perform(const endpoint::intent::publish&) {}
  void perform(const endpoint::intent::tell&) {}
  void perform(const endpoint::intent::answer&) {}

  void mail(std::function<void()> letter) {
    place_.post.send(std::move(letter), place_.longest_letter, place_.loses_one_in);
  }
  /// At the control plane: the endpoint is told, and the client is answered.
  void on_request(attempt_id id, const std::string& text) {
    auto answered = place_.desk.answer(text, place_.suite);
    if (!answered) return place_.wrongs.push_back("a good request was refused");
    mail([this, grant = std::move(answered->server_grant)] { callee_.on_letter(grant); });
    mail([this, id, artifact = std::move(answered->artifact)] { on_artifact(id, artifact); });
  }
  void on_artifact(attempt_id id, const std::string& text) {
    if (id_ != id || !answer_by_) return;  // too late
    answer_by_.reset();
    const auto artifact = controlplane::decode_artifact_envelope(text);
    if (!artifact) return place_.wrongs.push_back("an artifact was not read");
    const auto& grant = std::get<messages::controlplane::v1::channel_init_grant>(artifact->body);
    // Now and then it has the token renewed before it uses it.
    const auto renewed = place_.all.pick.one_in(5) ? place_.desk.reissue(grant) : std::nullopt;
    current_ = connect_with(place_, renewed ? *renewed : grant, endpoint::role::client, random_, clock_ahead_);
  }

  bool give_up_waiting() {
    if (!answer_by_ || place_.now() < *answer_by_) return false;
    answer_by_.reset();
    const auto why = endpoint::make_error(
        {.path = endpoint::path::tunnel, .stage = endpoint::stage::connect, .code = endpoint::endpoint_errc::timeout});
    machine_.attempt_failed(*id_, {.why = why}, place_.now());
    return true;
  }
  bool look_at_session() {
    if (current_ == nullptr) return false;
    if (current_->core().over()) {
      const auto end = end_of(*std::exchange(current_, nullptr));
      const bool was_up = std::exchange(is_up_, false);
      const auto info = was_up ? endpoint::end_of_session(endpoint::path::tunnel, end)
                               : endpoint::startup_failure(endpoint::path::tunnel, end);
      const endpoint::attempt_failure failure{.why = endpoint::make_error(info),
                                              .draining = endpoint::is_draining(end)};
      was_up ? machine_.session_lost(*id_, failure, place_.now())
             : machine_.attempt_failed(*id_, failure, place_.now());
      return true;
    }
    if (is_up_ || !current_->connected()) return false;
    is_up_ = true;
    machine_.attempt_succeeded(*id_);
    return true;
  }
  void let_go(attempt_id id) {
    if (id_ != id) return;
    answer_by_.reset();
    if (current_ != nullptr) current_->close();
    current_ = nullptr;
    is_up_ = false;
  }

  town& place_;
  called_endpoint& callee_;
  std::chrono::seconds clock_ahead_;
  testing::seeded_random random_;
  endpoint::reconnect_machine machine_;
  std::uint64_t attempts_ = 0;
  std::optional<attempt_id> id_;
  std::optional<mono_time> answer_by_;
  side* current_ = nullptr;
  bool is_up_ = false;
};

/// Shows the attach message of somebody else once more, or a damaged one, at times of its own; it has no key.
class thief final : public actor {
 public:
  thief(town& place, std::size_t thefts) : place_(place), left_(thefts) { plan(); }

  bool step() override {
    if (left_ == 0 || place_.now() < due_) return false;
    --left_;
    plan();
    const auto& sides = place_.all.sides();
    if (sides.empty()) return true;
    auto text = sides[place_.all.pick.below(sides.size())]->attach_text();
    if (place_.all.pick.one_in(4)) damage(text);
    handshake::client_options options{.channel_id = "stolen",
                                      .suite = crypto::suite::x25519,
                                      .psk = crypto::psk{crypto::secret_bytes<32>{channel_psk()}},
                                      .features = 0,
                                      .limits = {}};
    stolen_.push_back(
        &place_.all.add_planned({.side = std::move(options)}, std::move(text), {.streams = 0, .calls = 0}));
    place_.meet_fate(*stolen_.back());
    return true;
  }
  [[nodiscard]] std::optional<mono_time> next_due() const override {
    return left_ == 0 ? std::nullopt : std::optional{due_};
  }
  [[nodiscard]] bool got_through() const {
    return std::ranges::any_of(stolen_, [](const auto* each) { return each->connected(); });
  }

 private:
  void damage(std::string& text) {
    auto& letter = text[place_.all.pick.below(text.size())];
    letter = static_cast<char>(letter ^ (1 << place_.all.pick.below(7)));
  }
  void plan() {
    // Soon, or when the token has long expired and the tunnel has forgotten it.
    const auto longest = place_.all.pick.one_in(4) ? 400'000 : 3000;
    due_ = place_.now() + std::chrono::milliseconds{place_.all.pick.below(longest)};
  }

  town& place_;
  std::size_t left_;
  mono_time due_{};
  std::vector<side*> stolen_;
};

}  // namespace flowersec::sim
