#include "lab/client.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <fstream>
#include <iterator>
#include <ostream>
#include <utility>

#include "flowersec/base/json.h"
#include "flowersec/endpoint/error.h"

namespace flowersec::lab {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using endpoint::connection_status;
using endpoint::default_token;
using namespace asio::experimental::awaitable_operators;

constexpr auto never = asio::steady_timer::time_point::max();
/// Long enough that a few fill a packet, and short enough that many can be told apart.
constexpr std::size_t line_bytes = 1000;

std::string line_of(std::uint64_t number) {
  auto line = std::to_string(number) + ' ';
  line.append(line_bytes - line.size() - 1, '.');
  return line + '\n';
}

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string contents_of(const std::string& file) {
  std::ifstream stream{file};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

}  // namespace

staying_client::staying_client(endpoint::reconnect_config options, int input, std::ostream& out)
    : input_(context_, input),
      out_(out),
      config_(std::move(options)),
      artifact_came_(context_, never),
      more_to_say_(context_, never) {
  config_.source = endpoint::artifact_source::refreshable([this](const auto&) { return ask_for_artifact(); });
}

void staying_client::run() {
  asio::co_spawn(context_, obey(), asio::detached);
  asio::co_spawn(context_, keep_connected(), asio::detached);
  context_.run();
}

awaitable<void> staying_client::obey() {
  std::string text;
  while (true) {
    const auto [error, length] =
        co_await asio::async_read_until(input_, asio::dynamic_buffer(text), '\n', asio::as_tuple(asio::use_awaitable));
    const auto line = error ? std::string{"end"} : text.substr(0, length - 1);
    text.erase(0, length);
    const auto word = line.substr(0, line.find(' '));
    const auto rest = word.size() == line.size() ? std::string{} : line.substr(word.size() + 1);
    if (word == "artifact") {
      artifacts_.push_back(rest);
      artifact_came_.cancel();
    } else if (word == "say") {
      said_ += number_of(rest);
      more_to_say_.cancel();
    } else {
      break;
    }
  }
  ending_ = true;
  co_await manager_.async_disconnect();
  more_to_say_.cancel();
  say("ended");
  context_.stop();
}

awaitable<void> staying_client::keep_connected() {
  watching_ = manager_.on_state([this](const endpoint::connection_state& now) { changed(now); });
  // What becomes of it is told by the states.
  co_await manager_.async_connect(config_, asio::as_tuple(default_token{}));
}

awaitable<result<endpoint::connect_artifact>> staying_client::ask_for_artifact() {
  say("wants");
  while (artifacts_.empty()) co_await artifact_came_.async_wait(asio::as_tuple(asio::use_awaitable));
  const auto file = artifacts_.front();
  artifacts_.pop_front();
  co_return endpoint::read_connect_artifact(contents_of(file));
}

void staying_client::changed(const endpoint::connection_state& now) {
  if (ending_) return;
  const bool was_connected = std::exchange(was_connected_, now.status == connection_status::connected);
  if (was_connected) {
    ++generation_;
    more_to_say_.cancel();
  }
  if (now.status == connection_status::connected) {
    say("connected");
    asio::co_spawn(context_, talk(now.session), asio::detached);
  } else if (now.status == connection_status::error) {
    say("gave_up", now.error);
  } else if (now.error) {
    say(was_connected ? "lost" : "failed", now.error);
  }
}

awaitable<void> staying_client::talk(endpoint::session session) {
  try {
    auto stream = co_await session.async_open_stream("echo");
    co_await (send(stream) && listen(stream));
  } catch (const boost::system::system_error&) {
    // The manager tells of the loss.
  }
}

awaitable<void> staying_client::send(flowersec::stream& stream) {
  const auto mine = generation_;
  for (auto sent = heard_; mine == generation_;) {
    if (sent == said_) {
      co_await more_to_say_.async_wait(asio::as_tuple(asio::use_awaitable));
      continue;
    }
    const auto line = line_of(++sent);
    co_await asio::async_write(stream, asio::buffer(line), default_token{});
  }
}

awaitable<void> staying_client::listen(flowersec::stream& stream) {
  std::string text;
  while (true) {
    const auto length = co_await asio::async_read_until(stream, asio::dynamic_buffer(text), '\n', default_token{});
    take_echo(std::string_view{text}.substr(0, length));
    text.erase(0, length);
  }
}

void staying_client::take_echo(std::string_view line) {
  if (line != line_of(heard_ + 1)) return say("wrong");
  ++heard_;
  std::string text;
  json_object_writer{text}.field("is", "heard").field("number", heard_).end();
  out_ << text << '\n' << std::flush;
}

void staying_client::say(std::string_view is, const error_code& error) {
  std::string text;
  json_object_writer line{text};
  line.field("is", is);
  if (error) {
    const auto info = endpoint::describe_error(error);
    line.field("error", info ? to_string(*info) : error.message());
  }
  line.end();
  out_ << text << '\n' << std::flush;
}

}  // namespace flowersec::lab
