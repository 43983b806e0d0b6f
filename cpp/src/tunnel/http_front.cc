// See http_front.h.
#include "tunnel/http_front.h"

#include <array>
#include <utility>

#include "flowersec/base/text.h"

namespace flowersec::tunnel {

http_front::http_front(shard& home, link_ptr pipe, const http_site& site, std::string remote_addr)
    : connection(home, std::move(pipe)),
      site_(site),
      remote_addr_(std::move(remote_addr)),
      visit_(home.shared().sources, remote_addr_) {}

http_front::~http_front() { end_request(); }

void http_front::open() {
  // Without waiting for a request: a connection too many is not worth the time that a slow one may take.
  if (const auto bound = visit_.arrive()) {
    refuse_source(*bound);
    // Under TLS the answer waits for a handshake all the same, which may never come, and it has no place that is
    // counted.
    refusal_ = connection_ticket::take(home().shared().source_refusals);
    if (!refusal_.valid()) return home().retire(*this);
  }
  home().watch(*this);
  home().arm(*this, home().now() + head_timeout);
  advance();
}

void http_front::on_ready(readiness /*ready*/) {
  if (!retired()) advance();
}

/// One turn: answers what is here, then reads more; until something must be waited for or others had to wait enough.
void http_front::advance() {
  std::array<std::byte, 4096> piece;
  for (int reads = 0, answers = 0;;) {
    if (has_answer_ && !write_answer()) return;
    if (answers == most_answers_per_turn) return home().run_later(*this);
    if (parse()) {
      ++answers;
      continue;
    }
    if (reads++ == most_reads_per_turn) return home().run_later(*this);
    const auto got = pipe().read(piece);
    append(input_, byte_view{piece}.first(got.bytes));
    if (got.bytes != 0) begin_request();
    if (got.now == link_transfer::state::open || got.bytes != 0) continue;
    if (got.now != link_transfer::state::paused) home().retire(*this);
    return;
  }
}

/// Whether the input held a whole request, which now has an answer.
bool http_front::parse() {
  if (input_.empty()) return false;
  byte_view rest{input_};
  const auto status = parser_.consume(rest);
  input_.erase(input_.begin(), input_.end() - static_cast<std::ptrdiff_t>(rest.size()));
  if (status == ws::head_status::need_more) return false;
  if (status == ws::head_status::complete) {
    answer_ = site_.answer(parser_.head(), home().shared().phase);
    origin_ = parser_.head().first("Origin").value_or("");
    if (answer_.upgrade_refused) home().shared().refused(attach_reason::upgrade_error, {remote_addr_, {}});
    if (answer_.next == http_answer::then::upgrade) {
      if (const auto bound = enter_attach()) refuse_source(*bound);
    }
  } else {
    answer_ = http_site::answer_defect(status);
  }
  answered_ = 0;
  has_answer_ = true;
  home().arm(*this, home().now() + write_timeout);
  return true;
}

std::optional<source_bound> http_front::enter_attach() {
  std::vector<std::string_view> forwarded_for;
  for (const auto& [name, value] : parser_.head().fields) {
    if (ascii_iequals(name, "X-Forwarded-For")) forwarded_for.push_back(value);
  }
  return visit_.attach(forwarded_for, home().now());
}

void http_front::refuse_source(source_bound bound) {
  home().shared().refused(visit_.source(), bound, {remote_addr_, {}});
  answer_ = http_site::answer_bound(bound);
  has_answer_ = true;
}

/// Whether the answer is out and this connection goes on with HTTP.
bool http_front::write_answer() {
  while (answered_ != answer_.text.size()) {
    const auto written = pipe().write(as_bytes(answer_.text).subspan(answered_));
    answered_ += written.bytes;
    if (written.now == link_transfer::state::failed) {
      home().retire(*this);
      return false;
    }
    if (written.now == link_transfer::state::paused && answered_ != answer_.text.size()) return false;
  }
  has_answer_ = false;
  finish_answer();
  return !retired();
}

void http_front::finish_answer() {
  end_request();
  switch (answer_.next) {
    case http_answer::then::keep:
      parser_ = ws::request_head_parser{};
      answer_ = {};
      home().arm(*this, home().now() + idle_timeout);
      if (!input_.empty()) begin_request();
      return;
    case http_answer::then::close:
      home().retire(*this);
      return home().depart(give_link(), {});
    case http_answer::then::upgrade:
      home().retire(*this);
      return home().welcome(give_link(), std::move(input_), std::move(origin_), std::move(remote_addr_),
                            visit_.take_place());
  }
}

void http_front::begin_request() {
  if (std::exchange(in_request_, true)) return;
  home().shared().begin_http_request();
  home().arm(*this, home().now() + head_timeout);
}

void http_front::end_request() {
  if (std::exchange(in_request_, false)) home().shared().end_http_request();
}

}  // namespace flowersec::tunnel
