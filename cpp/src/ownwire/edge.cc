#include "flowersec/ownwire/edge.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>

#include "flowersec/base/text.h"
#include "flowersec/ws/upgrade.h"
#include "ownwire/edge_state.h"
#include "ownwire/front.h"

namespace flowersec::ownwire {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
/// Of a user who waits for a backend: with more it is not read any further until it is joined.
constexpr std::size_t max_held_bytes = 16'384;

asio::awaitable<std::tuple<error_code>> finish_write(ws::message_socket& socket) {
  co_return co_await socket.async_finish_write(as_result);
}

/// Lengths are not secret; what a wrong token has in common with the right one is.
bool same_text(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return difference == 0;
}

/// What the other side of a pair is told when this one ended so.
ws::close_payload told_by(const ws::message_socket& ended, error_code why) {
  const auto code = [](ws::close_code known) { return static_cast<std::uint16_t>(known); };
  if (why == ws::ws_errc::closed_by_peer && ended.peer_close()) {
    auto said = *ended.peer_close();
    if (!said.code) said.code = code(ws::close_code::normal);
    return said;
  }
  if (why == ws::ws_errc::message_too_big) return {.code = code(ws::close_code::message_too_big), .reason = {}};
  return {.code = code(ws::close_code::going_away), .reason = {}};
}

}  // namespace

const char* describe(edge_errc code) noexcept {
  switch (code) {
    case edge_errc::invalid_option:
      return "an option of the edge is not valid";
    case edge_errc::port_taken:
      return "the port cannot be bound";
  }
  return "unknown edge error";
}

error_code make_error_code(edge_errc code) noexcept {
  static constexpr errc_category<edge_errc> category{"flowersec.ownwire.edge"};
  return {static_cast<int>(code), category};
}

bool edge_limits::validate() const noexcept {
  using namespace std::chrono_literals;
  static constexpr std::chrono::milliseconds longest = std::chrono::hours{24};
  const auto in_range = [](std::chrono::milliseconds time) { return time >= 1ms && time <= longest; };
  const bool times = in_range(ping_after) && in_range(silence_limit) && ping_after < silence_limit && in_range(stall) &&
                     backend_wait >= 0ms && backend_wait <= longest && in_range(stop_timeout);
  return times && max_users >= 1 && max_users_per_address >= 1 && visit_burst >= 1 && visits_per_second >= 1 &&
         max_visitors >= 1 && max_waiting >= 1 && max_requests >= 1 && max_requests_per_address >= 1 &&
         max_message_bytes >= 4'096 && max_message_bytes <= 16'777'216;
}

edge_state::edge_state(asio::any_io_executor executor, edge_options options)
    : serial_(executor),
      executor_(std::move(executor)),
      options_(std::move(options)),
      visitors_({.max_sockets = options_.limits.max_users_per_address,
                 .visits = {.burst = options_.limits.visit_burst, .per_second = options_.limits.visits_per_second},
                 .max_visitors = options_.limits.max_visitors}),
      stop_timer_(serial_) {
  socket_.limits.max_message_bytes = options_.limits.max_message_bytes;
  socket_.limits.max_block_bytes = 16'384;
  socket_.ping_after = options_.limits.ping_after;
  socket_.silence_limit = options_.limits.silence_limit;
}

error_code edge_state::open() {
  auto trusted = network_list::parse(options_.trusted_proxies);
  auto origins = origin_rule::make(options_.allowed_origins, options_.allow_no_origin);
  const bool paths = options_.path.starts_with('/') && options_.backend_path.starts_with('/') &&
                     options_.path != options_.backend_path;
  if (!trusted || !origins || !paths || options_.token.empty() || !options_.limits.validate()) {
    return edge_errc::invalid_option;
  }
  trusted_ = std::move(*trusted);
  origins_ = std::move(*origins);
  auto way_in =
      std::make_shared<entrance>(options_.limits.max_requests, options_.limits.max_requests_per_address, trusted_);
  auto listening = door::open(executor_, serial_, options_.listen, std::move(way_in), door::home::shared);
  if (!listening) return edge_errc::port_taken;
  door_ = std::move(*listening);
  return {};
}

void edge_state::start() {
  asio::dispatch(serial_, [self = shared_from_this()] {
    self->door_->start([weak = std::weak_ptr{self}](tcp::socket socket, entrance::place place) {
      const auto state = weak.lock();
      if (!state) return;
      asio::co_spawn(state->serial_, receive(state, std::move(socket), std::move(place)), asio::detached);
    });
  });
}

asio::awaitable<void> edge_state::receive(std::shared_ptr<edge_state> self, tcp::socket socket, entrance::place place) {
  auto kept = std::make_optional(std::move(place));
  const bool busy = kept->busy();
  error_code gone;
  const auto peer = unmapped(socket.remote_endpoint(gone).address());
  if (gone) co_return;
  const auto seen = std::make_shared<request>();
  ws::accept_options options{.origins = ws::origin_policy::everybody(), .busy = busy, .socket = self->socket_};
  options.on_head = [self, seen, peer, busy](const ws::request_head& head) {
    return self->look_at(head, peer, busy, *seen);
  };
  auto accepted = co_await upgrade(std::move(socket), std::move(options));
  if (!accepted) co_return;
  kept.reset();
  auto link = std::make_shared<edge_link>();
  link->socket = std::move(accepted->socket);
  if (self->stopping_) {
    self->links_.insert(link);
    self->close(link, ws::close_code::going_away, {});
  } else if (seen->backend) {
    link->backend_side = true;
    self->links_.insert(link);
    ++self->backends_;
    self->give(link);
    co_await pump(self, link);
  } else {
    co_await serve_user(self, link, std::move(seen->from));
  }
}

asio::awaitable<void> edge_state::serve_user(std::shared_ptr<edge_state> self, std::shared_ptr<edge_link> user,
                                             visitor_address from) {
  if (self->counts_.users >= self->options_.limits.max_users ||
      !self->visitors_.enter(from.counted, self->options_.clocks->mono_now())) {
    ++self->counts_.visitors_refused;
    self->report(gateway_event_kind::visitor_refused, from.shown, {});
    co_await user->socket.async_close(ws::close_code::policy_violation, "rate_limited", as_result);
    co_return;
  }
  self->links_.insert(user);
  ++self->counts_.users;
  self->publish();
  const auto backend = co_await join(self, user, from);
  if (user->turn && user->turn->left) {
    self->end(user, *user->turn->left);
  } else if (!backend) {
    if (!user->closing) ++self->counts_.without_backend;
    self->close(user, ws::close_code::try_again_later, "no backend");
  } else {
    ++self->counts_.joined;
    self->publish();
    co_await pump(self, user);
  }
  --self->counts_.users;
  self->visitors_.leave(from.counted);
  self->publish();
}

asio::awaitable<std::shared_ptr<edge_link>> edge_state::join(std::shared_ptr<edge_state> self,
                                                             std::shared_ptr<edge_link> user, visitor_address from) {
  const auto told = encode(peer_message{.remote_addr = from.shown});
  while (true) {
    if (self->waiting_.empty()) co_await await_turn(self, user);
    auto backend = self->take_backend(user);
    if (!backend) co_return nullptr;
    const auto [failed] =
        co_await backend->socket.async_write_message(ws::message_kind::text, as_bytes(told), as_result);
    if (failed || backend->closing) continue;  // it has gone while it waited: its own pump cleans up
    // Only now: nothing of the user may get in front of that text.
    backend->partner = user;
    user->partner = backend;
    co_return backend;
  }
}

edge_state::link_ptr edge_state::take_backend(const link_ptr& user) {
  auto given = user->turn ? std::exchange(user->turn->backend, nullptr) : nullptr;
  if (user->closing || (user->turn && user->turn->left)) {
    if (given) give(std::move(given));
    return nullptr;
  }
  if (!given && !waiting_.empty()) {
    given = std::move(waiting_.front());
    waiting_.pop_front();
  }
  return given;
}

void edge_state::give(link_ptr backend) {
  if (backend->closing) return;
  if (queue_.empty()) {
    waiting_.push_back(std::move(backend));
  } else {
    const auto turn = queue_.front()->turn;
    queue_.pop_front();
    turn->backend = std::move(backend);
    turn->timer.expires_at(asio::steady_timer::time_point::min());
  }
  publish();
}

asio::awaitable<void> edge_state::await_turn(std::shared_ptr<edge_state> self, std::shared_ptr<edge_link> user) {
  using namespace asio::experimental::awaitable_operators;
  // Nobody comes back to an edge that no backend knows.
  if (self->backends_ == 0 || user->closing) co_return;
  if (!user->turn) {
    user->turn = std::make_shared<edge_turn>(self->serial_);
    user->turn->deadline = asio::steady_timer::clock_type::now() + self->options_.limits.backend_wait;
    self->queue_.push_back(user);
  } else {
    self->queue_.push_front(user);  // its backend was gone already
  }
  user->turn->timer.expires_at(user->turn->deadline);
  const auto turn = user->turn;
  const auto over = [&turn] { return turn->timer.expiry() <= asio::steady_timer::clock_type::now(); };
  while (!turn->left && !over()) {
    auto wait = turn->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (user->held_bytes > max_held_bytes) {
      co_await std::move(wait);
    } else {
      auto read = hold_one(user);
      co_await (std::move(read) || std::move(wait));
    }
  }
  if (!turn->backend) std::erase(self->queue_, user);
}

asio::awaitable<void> edge_state::hold_one(std::shared_ptr<edge_link> user) {
  const auto [failed, message] = co_await user->socket.async_read_message(as_result);
  if (failed == asio::error::operation_aborted) co_return;  // the wait is over
  if (failed) {
    user->turn->left = failed;
    co_return;
  }
  user->held_bytes += message.payload.size();
  user->held.push_back({.kind = message.kind, .bytes = {message.payload.begin(), message.payload.end()}});
}

asio::awaitable<void> edge_state::pump(std::shared_ptr<edge_state> self, std::shared_ptr<edge_link> from) {
  byte_buffer frame;
  for (; !from->held.empty(); from->held.pop_front()) {
    const auto& early = from->held.front();
    const bool passed = co_await pass_on(self, from, early.kind, early.bytes, frame);
    if (!passed) co_return self->end(from, make_error_code(ws::ws_errc::closed_locally));
  }
  error_code failed;
  while (true) {
    auto [broken, message] = co_await from->socket.async_read_message(as_result);
    failed = broken;
    if (failed) break;
    const bool passed = co_await pass_on(self, from, message.kind, message.payload, frame);
    if (passed) continue;
    failed = make_error_code(ws::ws_errc::closed_locally);
    break;
  }
  self->end(from, failed);
}

asio::awaitable<bool> edge_state::pass_on(std::shared_ptr<edge_state> self, std::shared_ptr<edge_link> from,
                                          ws::message_kind kind, byte_view payload, byte_buffer& frame) {
  const auto to = from->partner.lock();
  // A backend that waits has nothing to say.
  if (!to || to->closing) co_return false;
  auto& count = from->backend_side ? self->counts_.bytes_to_users : self->counts_.bytes_to_backends;
  count += payload.size();
  frame.assign(to->socket.header_bytes(payload.size()), std::byte{});
  append(frame, payload);
  if (!to->socket.finish_frame(kind, frame, payload.size())) co_return false;
  const byte_view piece{frame};
  const auto at_once = to->socket.try_write_frames(std::span{&piece, 1});
  if (at_once) co_return !*at_once;
  const auto written = co_await within(self->options_.limits.stall, finish_write(to->socket));
  if (written && !std::get<0>(*written)) co_return true;
  to->socket.abort();
  co_return false;
}

void edge_state::end(const link_ptr& link, error_code why) {
  std::erase(waiting_, link);
  if (const auto other = link->partner.lock()) {
    const auto told = told_by(link->socket, why);
    close(other, static_cast<ws::close_code>(*told.code), told.reason);
  }
  auto code = ws::close_code::going_away;
  if (why.category() == make_error_code(ws::ws_errc::closed_locally).category()) {
    const auto known = ws::close_code_for(static_cast<ws::ws_errc>(why.value()));
    if (known) code = static_cast<ws::close_code>(*known);
  }
  close(link, code, {});
}

void edge_state::close(const link_ptr& link, ws::close_code code, std::string_view reason) {
  if (std::exchange(link->closing, true)) return;
  if (link->backend_side) --backends_;
  if (link->turn) link->turn->timer.expires_at(asio::steady_timer::time_point::min());
  publish();
  const auto closed = [self = shared_from_this(), link](error_code) {
    self->links_.erase(link);
    self->publish();
    self->finish_stopping();
  };
  link->socket.async_close(code, reason, asio::bind_executor(serial_, closed));
}

ws::head_decision edge_state::look_at(const ws::request_head& head, const asio::ip::address& peer, bool busy,
                                      request& seen) {
  const auto refuse = [](unsigned status, std::string_view line) {
    return ws::head_answer{ws::plain_answer_text(status, line, false)};
  };
  if (busy) return refuse(503, "Service Unavailable");
  const auto path = head.path();
  if (path == options_.path) {
    seen.from = address_of_visitor(peer, head, trusted_);
    // A plain request is no WebSocket of a stranger: the upgrade answers it.
    if (!ws::asks_for_upgrade(head) || origins_.allows(head)) return ws::head_pass{.any_origin = true};
    ++counts_.origins_refused;
    report(gateway_event_kind::origin_refused, seen.from.shown, std::string{head.first("Origin").value_or("none")});
    return ws::head_answer{ws::refusal_text(ws::refusal::forbidden, false)};
  }
  if (path == options_.backend_path) {
    seen.backend = true;
    const auto wrong = backend_refusal(head);
    if (!wrong) return ws::head_pass{.any_origin = true};
    ++counts_.backends_refused;
    report(gateway_event_kind::client_refused, peer.to_string(), wrong->why);
    return refuse(wrong->status, wrong->line);
  }
  if (options_.page) {
    if (auto answer = options_.page(head)) return ws::head_answer{std::move(*answer)};
  }
  return path == "/healthz" ? refuse(200, "ok") : refuse(404, "404 page not found");
}

std::optional<edge_state::backend_refused> edge_state::backend_refusal(const ws::request_head& head) const {
  if (head.first("Origin")) return backend_refused{403, "Forbidden", "origin"};
  constexpr std::string_view scheme = "Bearer ";
  const auto shown = head.first("Authorization").value_or("");
  if (shown.size() < scheme.size() || !ascii_iequals(shown.substr(0, scheme.size()), scheme) ||
      !same_text(trim(shown.substr(scheme.size())), options_.token)) {
    return backend_refused{401, "Unauthorized", "token"};
  }
  if (waiting_.size() >= options_.limits.max_waiting) return backend_refused{503, "Service Unavailable", "busy"};
  return std::nullopt;
}

void edge_state::report(gateway_event_kind kind, std::string remote_addr, std::string detail) {
  publish();
  if (!options_.on_event) return;
  options_.on_event({.kind = kind, .remote_addr = std::move(remote_addr), .detail = std::move(detail)});
}

void edge_state::publish() {
  auto now = counts_;
  now.waiting = waiting_.size();
  const std::scoped_lock lock{counts_mutex_};
  published_ = now;
}

edge_counts edge_state::counts() const {
  const std::scoped_lock lock{counts_mutex_};
  return published_;
}

void edge_state::stop(asio::any_completion_handler<void(error_code)> done) {
  on_stopped_.push_back(std::move(done));
  door_->close();
  if (!std::exchange(stopping_, true)) {
    stop_timer_.expires_after(options_.limits.stop_timeout);
    stop_timer_.async_wait([self = shared_from_this()](error_code canceled) {
      if (!canceled) self->abort();
    });
    const auto links = links_;
    for (const auto& link : links) close(link, ws::close_code::going_away, {});
  }
  finish_stopping();
}

void edge_state::abort() {
  door_->close();
  const auto links = links_;
  for (const auto& link : links) {
    if (link->turn) link->turn->timer.expires_at(asio::steady_timer::time_point::min());
    link->socket.abort();
  }
}

void edge_state::finish_stopping() {
  if (!stopping_ || !links_.empty()) return;
  stop_timer_.cancel();
  for (auto& done : std::exchange(on_stopped_, {})) {
    asio::post(serial_, [done = std::move(done)]() mutable { std::move(done)(error_code{}); });
  }
}

class edge::impl : public edge_state {
 public:
  using edge_state::edge_state;
};

result<edge> edge::open(asio::any_io_executor executor, edge_options options) {
  auto made = std::make_shared<impl>(std::move(executor), std::move(options));
  if (const auto failed = made->open()) return failed;
  made->start();
  return edge{std::move(made)};
}

edge::edge(std::shared_ptr<impl> state) noexcept : impl_(std::move(state)) {}
edge::edge(edge&&) noexcept = default;

edge& edge::operator=(edge&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

edge::~edge() {
  if (impl_) asio::dispatch(impl_->serial(), [state = impl_] { state->abort(); });
}

std::uint16_t edge::port() const noexcept { return impl_->port(); }
edge_counts edge::counts() const { return impl_->counts(); }

void edge::replace_token(std::string token) {
  asio::dispatch(impl_->serial(),
                 [state = impl_, token = std::move(token)]() mutable { state->replace_token(std::move(token)); });
}

void edge::start_stop(asio::any_completion_handler<void(error_code)> done) {
  asio::dispatch(impl_->serial(), [state = impl_, done = std::move(done)]() mutable { state->stop(std::move(done)); });
}

}  // namespace flowersec::ownwire
