// The application's requests, and what they may answer.
#include "model.h"

#include <algorithm>

namespace flowersec::mux {
namespace {

using result = answer::result;

std::string named(std::uint32_t id) { return "stream " + std::to_string(id) + ": "; }

}  // namespace

model::model(const program& what, const model_options& options) : options_(options) {
  for (const auto who : {side::client, side::server}) at(who).limits = what.limits(who);
}

// ---- questions

const model::view* model::find(side who, std::uint32_t id) const {
  const auto found = at(who).streams.find(id);
  return found == at(who).streams.end() ? nullptr : &found->second;
}
bool model::knows(side who, std::uint32_t id) const { return find(who, id) != nullptr; }
std::size_t model::readable(side who, std::uint32_t id) const {
  const auto* stream = find(who, id);
  return stream != nullptr && stream->is_open() ? stream->unread() : 0;
}
bool model::wants_to_close(side who, std::uint32_t id) const {
  const auto* stream = find(who, id);
  return stream != nullptr && stream->fin_wanted;
}
bool model::is_waiting(side who, std::uint32_t id) const {
  const auto* stream = find(who, id);
  return stream != nullptr && stream->wait > 0;
}
std::vector<std::uint32_t> model::open_streams(side who) const {
  std::vector<std::uint32_t> ids;
  for (const auto& [id, stream] : at(who).streams) {
    if (stream.is_open()) ids.push_back(id);
  }
  return ids;
}
std::size_t model::state::active() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(streams, [](const auto& each) { return each.second.counts(); }));
}
std::size_t model::state::inbound() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(streams, [](const auto& each) { return !each.second.own && each.second.counts(); }));
}
std::size_t model::state::unread() const {
  std::size_t sum = 0;
  for (const auto& [id, stream] : streams) sum += stream.is_open() ? stream.unread() : 0;
  return sum;
}

// ---- requests

void model::on_answer(side who, const request& asked, const answer& given) {
  at(who).expected.clear();
  at(who).fresh.clear();
  switch (asked.what) {
    case ask::open:
      on_open(who, given);
      break;
    case ask::write:
      on_write(who, asked, given);
      break;
    case ask::read:
    case ask::wait:
      on_read(who, asked, given);
      break;
    case ask::close:
      on_close(who, asked.id, given);
      break;
    case ask::reset:
      on_reset(who, asked.id);
      break;
    case ask::ping:
      on_ping(who, given);
      break;
    case ask::take:
      require(given.bytes.size() <= asked.amount, who, "gave out more than was asked for");
      on_sent(who, given.bytes);
      break;
    case ask::give:
      on_given(who, asked.bytes);
      break;
    case ask::state:
      on_state(who, given);
      break;
  }
  compare_notices(who, given.notices);
}

void model::on_open(side who, const answer& given) {
  auto& mine = at(who);
  const bool may = !mine.ended && mine.active() < mine.limits.max_active_streams;
  require((given.is == result::ok) == may, who, may ? "refused to open a stream" : "opened a stream beyond the limit");
  if (given.is != result::ok) return;
  require(given.id % 2 == (who == side::client ? 1 : 0), who, "opened an id of the other side");
  require(!mine.streams.contains(given.id), who, "opened an id twice");
  mine.streams[given.id] = {.own = true, .syn_due = true, .credit = options_.window, .granted = options_.window};
}

void model::on_write(side who, const request& asked, const answer& given) {
  auto& stream = at(who).streams.at(asked.id);
  const auto limit = at(who).limits.max_stream_write_queue_bytes;
  const auto unsent = stream.accepted - stream.sent;
  const auto whole = stream.accepted - (stream.write_begins.empty() ? stream.accepted : stream.write_begins.front());
  const bool may = stream.is_open() && !stream.fin_wanted && unsent + asked.amount <= limit;
  const bool doubtful = !options_.exact && whole + asked.amount > limit;
  const bool did = given.is == result::ok;
  require(did == may || (may && doubtful), who,
          named(asked.id) + (may ? "refused a write within the limit" : "took a write beyond the limit or the end"));
  if (!did) return;
  if (asked.amount == 0) return;
  stream.write_begins.push_back(stream.accepted);
  stream.accepted += asked.amount;
  stream.write_ends.push_back(stream.accepted);
}

void model::on_read(side who, const request& asked, const answer& given) {
  auto& stream = at(who).streams.at(asked.id);
  const auto unread = stream.unread();
  if (!stream.is_open() || stream.wait > 0) {
    const bool gone = given.is == result::no || (given.is == result::end && stream.is == phase::finished);
    return require(gone, who, named(asked.id) + "a read of what is gone");
  }
  if (unread == 0) {
    const auto wanted = stream.fin_arrived ? result::end : result::none;
    require(given.is == wanted, who, named(asked.id) + "a read with nothing there");
    if (given.is == result::none && asked.what == ask::wait) {
      stream.wait = asked.amount;
      stream.waited_from = stream.read;
    }
    return;
  }
  const auto most = std::min(unread, asked.amount);
  const bool fits = options_.exact ? given.amount == most : given.amount >= 1 && given.amount <= most;
  require(given.is == result::ok && fits, who,
          named(asked.id) + "a read gave " + std::to_string(given.amount) + " of " + std::to_string(most));
  if (broken_) return;
  require(given.digest == digest_of_pattern(other(who), asked.id, stream.read, given.amount), who,
          named(asked.id) + "wrong bytes at " + std::to_string(stream.read));
  stream.read += given.amount;
  finish_if_done(who, asked.id, stream);
}

void model::on_close(side who, std::uint32_t id, const answer& given) {
  auto& stream = at(who).streams.at(id);
  if (!stream.is_open()) return;
  require(given.is == result::ok, who, named(id) + "refused to close");
  stream.fin_wanted = true;
}

void model::on_reset(side who, std::uint32_t id) {
  auto& stream = at(who).streams.at(id);
  if (!stream.is_open()) return;
  const bool peer_knows = !stream.syn_due && !(stream.fin_sent && stream.fin_arrived);
  fail(who, id, stream);
  stream.rst_due = peer_knows;
}

void model::on_ping(side who, const answer& given) {
  auto& mine = at(who);
  require((given.is == result::ok) == !mine.ended, who, "a ping");
  if (mine.ended || mine.ping_due || mine.ping_out) return;  // joins the one under way
  mine.ping_due = true;
}

void model::on_state(side who, const answer& given) {
  const auto& mine = at(who);
  require((given.is == result::ended) == mine.ended, who, mine.ended ? "did not end" : "has ended");
  if (mine.ended) return;
  require(given.amount == mine.active(), who,
          std::to_string(given.amount) + " streams are alive, not " + std::to_string(mine.active()));
  require(given.unread == mine.unread(), who,
          std::to_string(given.unread) + " bytes are unread, not " + std::to_string(mine.unread()));
}

}  // namespace flowersec::mux
