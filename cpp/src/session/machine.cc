// The machine's phases, its handshake and its end. Streams are in machine_streams.cc, output in machine_output.cc.
#include "flowersec/session/machine.h"

#include <algorithm>
#include <utility>

#include "traffic.h"

namespace flowersec::session {
namespace {

constexpr probe_id automatic_probe{0};

}  // namespace

machine::machine(machine_options options, random_source& random, moment now)
    : options_(std::move(options)),
      random_(random),
      state_(ended{}),
      handshake_deadline_(options_.session.handshake_timeout.count() > 0
                              ? std::optional{now.mono + options_.session.handshake_timeout}
                              : std::nullopt) {}

machine::machine(machine&&) noexcept = default;
machine::~machine() = default;

result<machine> machine::create(machine_options options, random_source& random, moment now) {
  if (auto ok = options.session.validate(); !ok) return ok.error();
  if (options.probes && (options.probes->interval.count() <= 0 || options.probes->timeout.count() <= 0)) {
    return make_error_code(session_errc::invalid_options);
  }
  machine made{std::move(options), random, now};
  if (auto* client = std::get_if<handshake::client_options>(&made.options_.side)) {
    client->limits = made.options_.session.handshake;
    auto begun = handshake::client_handshake::begin(std::move(*client), random);
    if (!begun) return begun.error();
    made.frames_.push_back(to_buffer(begun->init_frame()));
    made.state_ = awaiting_response{std::move(*begun)};
  } else {
    auto& server = std::get<server_side>(made.options_.side);
    server.options.limits = made.options_.session.handshake;
    if (auto ok = handshake::validate(server.options); !ok) return ok.error();
    made.state_ = awaiting_client{handshake::server_handshake{std::move(server.options), server.cache}};
  }
  return made;
}

bool machine::over() const noexcept { return std::holds_alternative<ended>(state_); }

void machine::take(message_kind kind, mutable_byte_view message, moment now) {
  if (over()) return;
  if (kind == message_kind::text) return end(make_error_code(session_errc::wrong_message), now);
  if (auto* live = std::get_if<running>(&state_)) return on_record(*live, message, now);
  on_handshake_message(message, now);
}

void machine::on_handshake_message(mutable_byte_view message, moment now) {
  if (auto* waiting = std::get_if<awaiting_response>(&state_)) return on_response(*waiting, message, now);
  if (auto* waiting = std::get_if<awaiting_client>(&state_)) return on_client_frame(*waiting, message, now);
  auto& waiting = std::get<awaiting_finished>(state_);
  if (auto ok = waiting.opener.open_server_finished(message); !ok) return end(ok.error(), now);
  auto live = std::move(waiting);
  on_authenticated(std::move(live.sealer), std::move(live.opener), now);
}

void machine::on_response(awaiting_response& waiting, byte_view message, moment now) {
  auto finished = waiting.handshake.on_frame(message, now.wall);
  if (!finished) return end(finished.error(), now);
  frames_.push_back(std::move(finished->ack_frame));
  auto [sealer, opener] = make_halves(std::move(finished->keys), record::direction::client_to_server);
  state_ = awaiting_finished{std::move(sealer), std::move(opener)};
}

void machine::on_client_frame(awaiting_client& waiting, byte_view message, moment now) {
  auto step = waiting.handshake.on_frame(message, now, random_);
  if (!step) return end(step.error(), now);
  if (auto* answer = std::get_if<handshake::respond>(&*step)) {
    // A client that repeats INIT faster than it reads RESP gets one copy at a time.
    if (frames_.empty()) frames_.push_back(std::move(answer->frame));
    return;
  }
  auto& finished = std::get<handshake::server_finished>(*step);
  auto [sealer, opener] = make_halves(std::move(finished.keys), record::direction::server_to_client);
  // The server-finished message is a ping with sequence number 1: nothing may be sealed before it.
  controls_.push_back(record::record_kind::ping);
  on_authenticated(std::move(sealer), std::move(opener), now);
}

std::pair<record::sealer, record::opener> machine::make_halves(handshake::traffic_keys keys,
                                                               record::direction sending) {
  using enum record::direction;
  wide_windows_ = (keys.common_features & handshake::wide_windows_feature) != 0;
  auto c2s = record_keys(std::move(keys.client_to_server), client_to_server, keys.transcript_hash);
  auto s2c = record_keys(std::move(keys.server_to_client), server_to_client, keys.transcript_hash);
  const auto& limits = options_.session.record;
  if (sending == client_to_server) {
    return {record::sealer{std::move(c2s), limits}, record::opener{std::move(s2c), limits}};
  }
  return {record::sealer{std::move(s2c), limits}, record::opener{std::move(c2s), limits}};
}

void machine::on_authenticated(record::sealer sealer, record::opener opener, moment now) {
  state_ = running{std::move(sealer), std::move(opener), std::nullopt};
  events_.push_back(authenticated{});
  if (!options_.hold_streams) start_streams(now);
}

void machine::start_streams(moment now) {
  auto* live = std::get_if<running>(&state_);
  if (live == nullptr || live->mux) return;
  auto mux = yamux::session::create({.is = is_client() ? yamux::role::client : yamux::role::server,
                                     .limits = options_.session.yamux,
                                     .wide_windows = wide_windows_});
  if (!mux) return end(mux.error(), now);
  live->mux = std::move(*mux);
  connected came_up{};
  if (is_client()) {
    auto rpc_stream = open(rpc_kind, now);
    if (!rpc_stream) return end(rpc_stream.error(), now);
    came_up.rpc_stream = *rpc_stream;
  }
  connected_ = true;
  if (options_.probes) next_automatic_probe_ = later(now.mono, options_.probes->interval);
  events_.push_back(came_up);
}

void machine::on_record(running& live, mutable_byte_view message, moment now) {
  if (!live.mux) return end(make_error_code(session_errc::held_too_long), now);
  auto record = live.opener.open(message);
  if (!record) {
    pump(now);  // what the records before it brought
    return end(record.error(), now);
  }
  if (record->kind != record::record_kind::app || record->plaintext.empty()) return;
  live.mux->advance(now.mono);
  live.mux->receive(record->plaintext);
  if (live.mux->ended()) pump(now);  // before the next record, which is no longer looked at
}

void machine::end(error_code why, moment now) {
  if (over()) return;
  if (auto* mux_alive = mux()) {
    mux_alive->end();
    while (const auto happened = mux_alive->poll_event()) on_mux_event(*happened, now);
  }
  state_.emplace<ended>();  // the keys die here
  streams_.clear();
  frames_.clear();
  controls_.clear();
  probes_.clear();
  probe_sent_.reset();
  next_automatic_probe_.reset();
  events_.push_back(session_over{.why = why, .before_connected = !connected_});
}

std::optional<machine_event> machine::poll_event() {
  if (events_.empty()) return std::nullopt;
  auto first = std::move(events_.front());
  events_.pop_front();
  return first;
}

std::optional<mono_time> machine::deadline() const {
  if (over()) return std::nullopt;
  std::optional<mono_time> first;
  const auto consider = [&first](mono_time time) { first = first ? std::min(*first, time) : time; };
  if (!connected_ && handshake_deadline_) consider(*handshake_deadline_);
  for (const auto& [id, state] : streams_) {
    if (state.is != stream_state::phase::in_use) consider(state.deadline);
  }
  for (const auto& probe : probes_) consider(probe.deadline);
  if (next_automatic_probe_) consider(*next_automatic_probe_);
  return first;
}

void machine::advance(moment now) {
  if (over()) return;
  if (!connected_ && handshake_deadline_ && now.mono >= *handshake_deadline_) {
    return end(make_error_code(session_errc::handshake_timeout), now);
  }
  const auto late = [now](const waiting_probe& probe) { return now.mono >= probe.deadline; };
  if (std::ranges::any_of(probes_, late)) return end(make_error_code(session_errc::probe_timeout), now);

  std::vector<stream_id> late_hellos;
  std::vector<stream_id> late_lingerers;
  for (const auto& [id, state] : streams_) {
    if (state.is == stream_state::phase::in_use || now.mono < state.deadline) continue;
    (state.is == stream_state::phase::reading_hello ? late_hellos : late_lingerers).push_back(id);
  }
  for (const auto id : late_hellos) reject(id, session_errc::hello_timeout);
  for (const auto id : late_lingerers) reset(id, now);

  if (next_automatic_probe_ && now.mono >= *next_automatic_probe_) {
    next_automatic_probe_.reset();
    if (send_probe(now)) probes_.push_back({automatic_probe, later(now.mono, options_.probes->timeout)});
  }
  pump(now);
}

bool machine::send_probe(moment now) {
  auto* mux_alive = mux();
  if (mux_alive == nullptr) return false;
  mux_alive->advance(now.mono);
  if (!mux_alive->probe()) return false;
  if (!probe_sent_) probe_sent_ = now.mono;
  return true;
}

result<probe_id> machine::probe(std::chrono::milliseconds timeout, moment now) {
  if (!send_probe(now)) return make_error_code(session_errc::streams_gone);
  const probe_id id{next_probe_++};
  probes_.push_back({id, later(now.mono, timeout)});
  return id;
}

void machine::cancel_probe(probe_id id) {
  std::erase_if(probes_, [id](const waiting_probe& probe) { return probe.id == id; });
}

void machine::on_probe_answered(moment now) {
  const auto round_trip = probe_sent_ ? now.mono - *probe_sent_ : mono_time::duration::zero();
  probe_sent_.reset();
  for (const auto& probe : std::exchange(probes_, {})) {
    if (probe.id == automatic_probe) {
      next_automatic_probe_ = later(now.mono, options_.probes->interval);
    } else {
      events_.push_back(probe_finished{.id = probe.id, .round_trip = round_trip});
    }
  }
}

result<void> machine::queue_control(record::record_kind kind) {
  if (!std::holds_alternative<running>(state_)) return make_error_code(session_errc::channel_gone);
  if (controls_.size() >= max_queued_controls) return make_error_code(session_errc::controls_full);
  controls_.push_back(kind);
  return {};
}

result<void> machine::ping() { return queue_control(record::record_kind::ping); }
result<void> machine::rekey() { return queue_control(record::record_kind::rekey); }

yamux::session* machine::mux() noexcept {
  auto* live = std::get_if<running>(&state_);
  return live != nullptr && live->mux ? &*live->mux : nullptr;
}

const yamux::session* machine::mux() const noexcept {
  const auto* live = std::get_if<running>(&state_);
  return live != nullptr && live->mux ? &*live->mux : nullptr;
}

}  // namespace flowersec::session
