// How streams live and end in the model, what is told to the application, and what must hold when nothing moves.
#include <algorithm>

#include "model.h"

namespace flowersec::mux {
namespace {

using kind = notice::kind;

std::string named(std::uint32_t id) { return "stream " + std::to_string(id) + ": "; }

}  // namespace

// ---- the life of a stream

void model::fail(side who, std::uint32_t id, view& stream) {
  auto& mine = at(who);
  stream.is = phase::failed;
  stream.syn_due = stream.ack_due = stream.rst_due = false;
  stream.wait = 0;
  stream.accepted = stream.sent;
  stream.write_begins.clear();
  stream.write_ends.clear();
  if (mine.fresh.contains(id)) {
    mine.expected.erase(notice{kind::opened, id});  // came and went
  } else {
    mine.expected.insert({kind::failed, id});
  }
}

void model::finish_if_done(side who, std::uint32_t id, view& stream) {
  if (!stream.is_open() || !stream.fin_sent || !stream.fin_arrived || stream.unread() > 0) return;
  stream.is = phase::finished;
  at(who).expected.insert({kind::finished, id});
}

/// A read that stays ends with what the request under way brought, however many pieces that were.
void model::serve_wait(side who, std::uint32_t id, view& stream) {
  if (stream.wait == 0) return;
  const auto filled = stream.read - stream.waited_from;
  auto n = std::min(stream.wait - filled, stream.unread());
  stream.read += n;
  n += filled;
  auto& expected = at(who).expected;
  if (filled > 0) {
    expected.erase({kind::done, id, filled, digest_of_pattern(other(who), id, stream.waited_from, filled)});
  }
  if (n > 0 || stream.fin_arrived) {
    expected.insert({kind::done, id, n, digest_of_pattern(other(who), id, stream.waited_from, n)});
  }
}

void model::end(side who) {
  auto& mine = at(who);
  mine.ended = true;
  for (auto& [id, stream] : mine.streams) {
    stream.rst_due = false;
    if (!stream.is_open()) continue;
    std::erase_if(mine.expected, [key = id](const notice& each) { return each.id == key && each.is == kind::done; });
    fail(who, id, stream);
  }
  mine.expected.insert({kind::ended});
}

void model::compare_notices(side who, const std::vector<notice>& told) {
  auto& mine = at(who);
  std::multiset<notice> said{told.begin(), told.end()};
  for (const auto id : mine.fresh) {
    const auto& stream = mine.streams.at(id);
    const notice opened{kind::opened, id};
    const notice failed{kind::failed, id};
    if (stream.is == phase::failed && said.contains(opened) && said.contains(failed)) {
      said.erase(opened);
      said.erase(failed);
    }
  }
  for (auto& [id, stream] : mine.streams) {
    const bool over = std::ranges::any_of(
        mine.expected, [key = id](const notice& each) { return each.is == kind::done && each.id == key; });
    if (over) stream.wait = 0;
  }
  if (said == mine.expected) return;
  constexpr std::array<const char*, 6> words{"opened", "done", "finished", "failed", "ended", "pong"};
  std::string text = "told";
  const auto list = [&](const std::multiset<notice>& these) {
    for (const auto& each : these) {
      text += std::string{" "} + words.at(static_cast<std::size_t>(each.is)) + ' ' + std::to_string(each.id);
      if (each.is == kind::done) text += ' ' + std::to_string(each.bytes);
    }
  };
  list(said);
  text += ", not";
  list(mine.expected);
  require(false, who, text);
}

// ---- when nothing moves

void model::expect_quiet() {
  if (at(side::client).ended || at(side::server).ended) return;
  expect_quiet(side::client);
  expect_quiet(side::server);
}

void model::expect_quiet(side who) {
  const auto& mine = at(who);
  require(mine.output.between_frames() && mine.input.between_frames(), who, "stopped inside a frame");
  require(mine.refusals.empty(), who, "did not refuse a stream beyond the limit");
  require(mine.replies.empty(), who, "did not answer a ping");
  require(!mine.ping_due && !mine.ping_out, who, "a ping is under way");
  for (const auto& [id, stream] : mine.streams) {
    require(!stream.syn_due && !stream.ack_due && !stream.rst_due, who, named(id) + "SYN, ACK or RST is due");
    if (!stream.is_open()) continue;
    require(stream.sent == stream.accepted || stream.credit == 0, who, named(id) + "holds data back");
    require(stream.sent < stream.accepted || stream.fin_wanted == stream.fin_sent, who, named(id) + "holds FIN back");
    const auto held = stream.granted + stream.unread();
    require(stream.fin_arrived || options_.window - held < options_.window / 2, who, named(id) + "holds credit back");
    expect_same(who, id, stream);
  }
}

void model::expect_same(side who, std::uint32_t id, const view& mine) {
  const auto* theirs = find(other(who), id);
  // Whoever has sent and got FIN may reset: the other side is not told, and reads what it has.
  const bool closed = theirs != nullptr && theirs->fin_sent && theirs->fin_arrived;
  require(theirs != nullptr && (theirs->is_open() || closed), who, named(id) + "is alive on one side only");
  if (broken_) return;
  require(mine.sent == theirs->arrived, who, named(id) + "bytes were lost on the way");
  require(theirs->is_open() || mine.fin_arrived, who, named(id) + "FIN was lost on the way");
  require(mine.fin_sent || mine.credit == theirs->granted, who, named(id) + "credit was lost on the way");
}

void model::require(bool holds, side who, const std::string& rule) {
  if (holds || broken_) return;
  broken_ = std::string{who == side::client ? "client: " : "server: "} + rule;
}

}  // namespace flowersec::mux
