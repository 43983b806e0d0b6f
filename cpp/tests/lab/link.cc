#include "lab/link.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ostream>
#include <string>
#include <system_error>

#include "flowersec/base/json.h"
#include "lab/too_big.h"

namespace flowersec::lab {
namespace {

constexpr std::array<std::string_view, 2> direction_names{"there", "back"};
constexpr moment for_ever = moment::max();
/// Packets of one device before the other one is looked at.
constexpr int turn = 64;
constexpr std::uint64_t longest_hole_ms = 3'600'000;

bool names(std::string_view which, std::size_t direction) {
  return which == "both" || which == direction_names.at(direction);
}

std::string_view take_word(std::string_view& line) {
  const auto word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), word.size() + 1));
  return word;
}

std::string text_of(const path_figures& it) {
  std::string text;
  json_object_writer{text}
      .field("packets", it.packets)
      .field("bytes", it.bytes)
      .field("delivered", it.delivered)
      .field("lost", it.lost)
      .field("swallowed", it.swallowed)
      .field("overflowed", it.overflowed)
      .field("too_big", it.too_big)
      .field("duplicated", it.duplicated)
      .field("reordered", it.reordered)
      .end();
  return text;
}

}  // namespace

lab_link::lab_link(const link_end& near, const link_end& far, bool offload, std::uint64_t seed, std::ostream& out)
    : out_(out),
      header_bytes_(offload ? tun_device::header_bytes : 0),
      devices_{tun_device{near.space, near.device, offload}, tun_device{far.space, far.device, offload}},
      paths_{path{seed}, path{seed + 1}} {}

moment lab_link::now() const { return std::chrono::steady_clock::now() - began_; }

void lab_link::say(std::string_view text) { out_ << text << '\n' << std::flush; }

void lab_link::run(int input) {
  say(R"({"is":"ready"})");
  while (true) {
    std::array<pollfd, 3> watched{
        {{input, POLLIN, 0}, {devices_[0].descriptor(), POLLIN, 0}, {devices_[1].descriptor(), POLLIN, 0}}};
    const auto deadline = sleep_until();
    const auto left = std::max(moment{0}, deadline - now());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec timeout{static_cast<std::time_t>(seconds.count()), static_cast<long>((left - seconds).count())};
    const int ready = ::ppoll(watched.data(), watched.size(), deadline == for_ever ? nullptr : &timeout, nullptr);
    if (ready < 0 && errno != EINTR) throw std::system_error{errno, std::generic_category(), "ppoll"};
    const auto time = now();
    for (std::size_t i = 0; i < devices_.size(); ++i) {
      if ((watched.at(i + 1).revents & POLLIN) != 0) receive(i, time);
    }
    deliver(now());
    close_hole(now());
    if (watched[0].revents != 0 && !read_commands(input)) return;
  }
}

moment lab_link::sleep_until() const {
  auto next = hole_until_.value_or(for_ever);
  for (const auto& each : paths_) next = std::min(next, each.next_due().value_or(for_ever));
  return next;
}

void lab_link::receive(std::size_t from, moment time) {
  for (int i = 0; i < turn; ++i) {
    const auto count = ::read(devices_.at(from).descriptor(), block_.data(), block_.size());
    if (count < static_cast<ssize_t>(header_bytes_)) return;
    const auto packet = byte_view{block_}.first(static_cast<std::size_t>(count));
    const auto size = packet.size() - header_bytes_;
    auto& way = paths_.at(from);
    if (way.offer(to_buffer(packet), size, time) == verdict::too_big && way.current().says_too_big) {
      refuse(from, packet.subspan(header_bytes_));
    }
  }
}

void lab_link::refuse(std::size_t from, byte_view packet) {
  const auto answer = fragmentation_needed(packet, static_cast<std::uint16_t>(paths_.at(from).current().mtu));
  if (!answer) return;
  byte_buffer whole(header_bytes_);
  whole.insert(whole.end(), answer->begin(), answer->end());
  if (::write(devices_.at(from).descriptor(), whole.data(), whole.size()) < 0) ++refused_by_kernel_;
}

void lab_link::deliver(moment time) {
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    const int to = devices_.at(1 - i).descriptor();
    while (const auto packet = paths_.at(i).take(time)) {
      if (::write(to, packet->data(), packet->size()) < 0) ++refused_by_kernel_;
    }
  }
}

void lab_link::close_hole(moment time) {
  if (!hole_until_ || time < *hole_until_) return;
  hole_until_.reset();
  say(R"({"is":"open"})");
}

bool lab_link::read_commands(int input) {
  std::array<char, 4096> text{};
  const auto count = ::read(input, text.data(), text.size());
  if (count <= 0) return false;
  commands_.append(text.data(), static_cast<std::size_t>(count));
  while (true) {
    const auto end = commands_.find('\n');
    if (end == std::string::npos) return true;
    obey(commands_.substr(0, end));
    commands_.erase(0, end + 1);
  }
}

void lab_link::obey(std::string_view line) {
  const auto command = take_word(line);
  if (command == "stats") return print_figures();
  const auto which = take_word(line);
  if (!names(which, 0) && !names(which, 1)) return say(R"({"is":"error","what":"there, back or both?"})");
  if (command == "set") return set(which, line);
  if (command == "hole") return open_hole(which, line);
  say(R"({"is":"error","what":"set, hole or stats?"})");
}

void lab_link::set(std::string_view which, std::string_view changes) {
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    if (!names(which, i)) continue;
    auto wanted = paths_.at(i).current();
    if (const auto problem = change(wanted, changes)) {
      std::string text;
      json_object_writer{text}.field("is", "error").field("what", *problem).end();
      return say(text);
    }
    paths_.at(i).set_shape(wanted);
  }
  say(R"({"is":"set"})");
}

void lab_link::open_hole(std::string_view which, std::string_view milliseconds) {
  std::uint64_t ms = 0;
  const auto [end, error] = std::from_chars(milliseconds.data(), milliseconds.data() + milliseconds.size(), ms);
  if (error != std::errc{} || end != milliseconds.data() + milliseconds.size() || ms > longest_hole_ms) {
    return say(R"({"is":"error","what":"how many milliseconds?"})");
  }
  hole_until_ = now() + std::chrono::milliseconds{ms};
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    if (names(which, i)) paths_.at(i).black_hole(*hole_until_);
  }
  say(R"({"is":"hole"})");
}

void lab_link::print_figures() {
  std::string text;
  json_object_writer{text}
      .field("is", "stats")
      .raw("there", text_of(paths_[0].figures()))
      .raw("back", text_of(paths_[1].figures()))
      .field("refused_by_kernel", refused_by_kernel_)
      .end();
  say(text);
}

}  // namespace flowersec::lab
