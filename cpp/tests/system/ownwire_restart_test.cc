// A crowd of 500 visitors of 100 addresses at a running ownwire while everything behind them restarts: the site's
// program, then the gateway itself. Each text is heard by a program exactly once, whatever became of the first one.
#include <boost/asio/read.hpp>
#include <map>

#include "support/ownwire_crowd.h"
#include "support/run_coroutine.h"
#include "system/ownwire_world.h"

namespace flowersec::ownwire {
namespace {

constexpr int addresses = 100;
constexpr int visitors_each = 5;
constexpr std::uint64_t texts_each = 12;
constexpr std::size_t all_texts = std::size_t{addresses} * visitors_each * texts_each;
/// Heard by the first program when it ends: enough is under way then.
constexpr std::size_t first_part = all_texts / 5;

const std::string origin_of_url;

std::string content_of(int visitor, std::uint64_t number) {
  return std::to_string(visitor) + '/' + std::to_string(number);
}

struct visitor {
  int number = 0;
  std::string url{};
  test_user user{};
  welcome_frame session{};
  std::uint64_t acknowledged = 0;  // texts up to this
};

struct visitors {
  explicit visitors(sealed::public_key pinned) : key(pinned) {}
  sealed::public_key key;
  std::vector<std::unique_ptr<visitor>> all{};
  std::size_t done = 0;
  [[nodiscard]] bool are_done() const noexcept { return done == all.size(); }
};

/// A program on the internal port that says goodbye before it ends, and hears what is on its way until then.
class site_program {
 public:
  static awaitable<std::unique_ptr<site_program>> open(tcp::endpoint to) {
    auto made = std::make_unique<site_program>(co_await asio::this_coro::executor);
    const std::string head = "GET /ws HTTP/1.1\r\nHost: internal\r\n" + testing::upgrade_headers() + "\r\n";
    co_await made->socket_.async_connect(to, asio::use_awaitable);
    co_await asio::async_write(made->socket_, asio::buffer(head), asio::use_awaitable);
    std::string answer;
    while (!answer.ends_with("\r\n\r\n")) {
      answer.push_back('\0');
      auto room = asio::buffer(&answer.back(), 1);
      co_await asio::async_read(made->socket_, room, asio::use_awaitable);
    }
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 ")) << answer;
    co_return made;
  }
  explicit site_program(const asio::any_io_executor& executor) : socket_(executor) {}

  /// The next text, as session and content; nullopt when the connection is over.
  awaitable<std::optional<std::pair<std::string, std::string>>> hear() {
    while (true) {
      const auto event = reader_.next();
      if (const auto* message = std::get_if<ws::message_reader::message>(&event)) {
        const auto object = parse_json_object(as_text(message->payload), max_internal_frame_bytes).value();
        co_return std::pair{std::string{object.at("session_id").as_string()},
                            std::string{object.at("content").as_string()}};
      }
      if (const auto* control = std::get_if<ws::message_reader::control>(&event)) {
        if (control->op == ws::opcode::close) closed_with_ = ws::parse_close_payload(control->payload).value();
        continue;
      }
      const auto room = reader_.prepare();
      const auto [failed, bytes] = co_await socket_.async_read_some(asio::buffer(room.data(), room.size()), as_result);
      if (failed) co_return std::nullopt;
      reader_.commit(bytes);
    }
  }
  void say(ws::opcode op, byte_view payload) {
    const auto frame = ws::make_frame(op, payload, ws::mask_key{});
    error_code failed;
    asio::write(socket_, asio::buffer(frame), failed);
  }
  void say_goodbye() { say(ws::opcode::close, ws::encode_close_payload({.code = 1000, .reason = {}})); }
  void reply(const std::string& session_id, std::string_view content) {
    std::string out;
    json_object_writer{out}.field("session_id", session_id).field("content", content).end();
    say(ws::opcode::text, as_bytes(out));
  }
  [[nodiscard]] std::optional<std::uint16_t> close_code() const { return closed_with_.code; }

 private:
  tcp::socket socket_;
  ws::message_reader reader_{ws::role::client, {}};
  ws::close_payload closed_with_{};
};

/// What programs heard: contents of each session in order.
class heard_texts {
 public:
  void note(const std::pair<std::string, std::string>& text) {
    by_session_[text.first].push_back(text.second);
    ++size_;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Those of a visitor from number `from` on, to `to`, in order and nothing else.
  void expect(const std::string& session_id, int number, std::uint64_t from, std::uint64_t to) {
    std::vector<std::string> all;
    for (auto each = from; each <= to; ++each) all.push_back(content_of(number, each));
    EXPECT_EQ(by_session_[session_id], all) << "visitor " << number;
  }

 private:
  std::map<std::string, std::vector<std::string>> by_session_;
  std::size_t size_ = 0;
};

awaitable<void> hear_until(site_program& program, heard_texts& heard, std::size_t count) {
  while (heard.size() < count) {
    const auto text = co_await program.hear();
    if (!text) co_return;
    heard.note(*text);
  }
}

awaitable<void> join_all_of(visitors& crowd, std::string url, int first) {
  for (int i = 0; i < visitors_each; ++i) {
    auto one = std::make_unique<visitor>();
    one->number = first + i;
    one->url = url;
    one->user = co_await test_user::open(url, origin_of_url, crowd.key);
    one->session = co_await one->user.join();
    crowd.all.push_back(std::move(one));
  }
  ++crowd.done;
}

awaitable<void> say_from(visitor& one, std::uint64_t from) {
  for (auto number = from; number <= texts_each; ++number) {
    co_await one.user.say(text(number - from + 1, content_of(one.number, number)));
  }
}

/// Until all texts are acknowledged, each in its turn, or the gateway says that it ends.
awaitable<void> hear_acknowledgements(visitors& crowd, visitor& one, bool may_end) {
  const auto before = one.acknowledged;
  while (one.acknowledged < texts_each) {
    const auto frame = co_await one.user.hear();
    const auto* ack = frame ? std::get_if<ack_frame>(&*frame) : nullptr;
    if (ack == nullptr) {
      const gateway_frame ends = error_frame{.code = chat_error::shutting_down, .fatal = true};
      EXPECT_TRUE(may_end && frame && *frame == ends) << one.number << ' ' << (frame ? encode(*frame) : "cut off");
      break;
    }
    EXPECT_EQ(ack->id + before, one.acknowledged + 1);
    ++one.acknowledged;
  }
  ++crowd.done;
}

/// Comes back to a gateway that knows nothing, and numbers what was not acknowledged anew.
awaitable<void> come_back(visitors& crowd, visitor& one) {
  one.user = co_await test_user::open(one.url, origin_of_url, crowd.key);
  user_frame hello = resume_with(one.session.resume_token);
  co_await one.user.say(std::move(hello));
  const gateway_frame unknown = error_frame{.code = chat_error::session_unknown, .fatal = false};
  EXPECT_EQ(co_await one.user.hear(), unknown);
  const auto frame = co_await one.user.hear();
  const auto* welcome = frame ? std::get_if<welcome_frame>(&*frame) : nullptr;
  if (welcome == nullptr) {
    ADD_FAILURE() << one.number << " is not welcome";
    ++crowd.done;
    co_return;
  }
  EXPECT_FALSE(welcome->resumed);
  EXPECT_EQ(welcome->last_id, 0U);
  EXPECT_NE(welcome->session_id, one.session.session_id);
  one.session = *welcome;
  co_await say_from(one, one.acknowledged + 1);
  co_await hear_acknowledgements(crowd, one, false);
}

awaitable<void> hear_reply(visitors& crowd, visitor& one) {
  const gateway_frame reply = reply_frame{.seq = 1, .content = "for " + std::to_string(one.number)};
  EXPECT_EQ(co_await one.user.hear(), reply);
  ++crowd.done;
}

class ownwire_restart : public ::testing::Test {
 protected:
  using words = testing::ownwire_program::words;

  ownwire_restart() {
    want_descriptors(4'000);
    start("--port=0");
  }
  void start(const std::string& port) {
    program.reset();
    program.emplace(folder.path(), words{"--log-level=warn", "--metrics-listen=127.0.0.1:0", port});
  }
  void run(awaitable<void> body) { testing::run(context, std::move(body), 60s); }

  static tcp::endpoint endpoint_of(const std::string& address) {
    const auto port = std::stoi(address.substr(address.rfind(':') + 1));
    return {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)};
  }
  [[nodiscard]] visitors strangers() const {
    return visitors{sealed::public_key::parse(program->ready("server_key")).value()};
  }
  /// Does it for every visitor at once, and waits for all.
  template <class Each>
  static awaitable<void> for_all(visitors& crowd, Each each) {
    const auto executor = co_await asio::this_coro::executor;
    crowd.done = 0;
    for (const auto& one : crowd.all) asio::co_spawn(executor, each(*one), asio::detached);
    co_await until([&] { return crowd.are_done(); });
  }
  static awaitable<void> join_all(visitors& crowd, const relay_list& relays) {
    const auto executor = co_await asio::this_coro::executor;
    int first = 0;
    for (const auto& url : urls_of(relays)) {
      asio::co_spawn(executor, join_all_of(crowd, url, first), asio::detached);
      first += visitors_each;
    }
    co_await until([&] { return crowd.done == relays.size(); });
  }
  static void say_all(const asio::any_io_executor& executor, visitors& crowd, bool may_end) {
    crowd.done = 0;
    for (const auto& one : crowd.all) {
      asio::co_spawn(executor, say_from(*one, 1), asio::detached);
      asio::co_spawn(executor, hear_acknowledgements(crowd, *one, may_end), asio::detached);
    }
  }
  /// Every session that there is takes replies.
  static awaitable<void> answer_all(visitors& crowd, site_program& from) {
    for (const auto& one : crowd.all) from.reply(one->session.session_id, "for " + std::to_string(one->number));
    const auto each = [&crowd](visitor& one) { return hear_reply(crowd, one); };
    co_await for_all(crowd, each);
  }
  awaitable<void> restart_the_program(visitors& crowd, const relay_list& relays);
  awaitable<void> end_the_gateway(visitors& crowd, const relay_list& relays, heard_texts& heard);
  awaitable<void> go_on(visitors& crowd, heard_texts& heard, std::size_t missing);

  testing_support::temporary_folder folder;
  std::optional<testing::ownwire_program> program;
  asio::io_context context;
};

awaitable<void> ownwire_restart::restart_the_program(visitors& crowd, const relay_list& relays) {
  const auto executor = co_await asio::this_coro::executor;
  co_await join_all(crowd, relays);
  heard_texts heard;
  const auto internal = endpoint_of(program->internal());
  auto first = co_await site_program::open(internal);
  say_all(executor, crowd, false);
  co_await hear_until(*first, heard, first_part);
  first->say_goodbye();
  co_await hear_until(*first, heard, all_texts + 1);
  EXPECT_LT(heard.size(), all_texts) << "it left in the midst of them";
  auto second = co_await site_program::open(internal);
  co_await hear_until(*second, heard, all_texts);
  co_await until([&] { return crowd.are_done(); });
  for (const auto& one : crowd.all) {
    EXPECT_EQ(one->acknowledged, texts_each);
    heard.expect(one->session.session_id, one->number, 1, texts_each);
  }
  co_await answer_all(crowd, *second);
  EXPECT_EQ(program->metric("texts_handed_over_total"), all_texts);
  EXPECT_EQ(program->metric("texts_dropped_total"), 0U);
  EXPECT_EQ(program->metric("replies_dropped_total"), 0U);
}

TEST_F(ownwire_restart, of_the_sites_program_loses_no_text_and_repeats_none) {
  const auto relays = relays_to(context, endpoint_of(program->address()).port(), addresses);
  auto crowd = strangers();
  run(restart_the_program(crowd, relays));
}

awaitable<void> ownwire_restart::end_the_gateway(visitors& crowd, const relay_list& relays, heard_texts& heard) {
  const auto executor = co_await asio::this_coro::executor;
  co_await join_all(crowd, relays);
  auto first = co_await site_program::open(endpoint_of(program->internal()));
  say_all(executor, crowd, true);
  co_await hear_until(*first, heard, first_part);
  program->process.send_signal(SIGTERM);
  // Its users leave when they are told; then the program is told, behind the texts that were acknowledged.
  bool over = false;
  const auto listen = [](site_program& to, heard_texts& into, bool& ended) -> awaitable<void> {
    co_await hear_until(to, into, all_texts + 1);
    ended = true;
  };
  asio::co_spawn(executor, listen(*first, heard, over), asio::detached);
  co_await until([&] { return crowd.are_done(); });
  for (const auto& one : crowd.all) one->user = {};
  co_await until([&] { return over; });
  EXPECT_EQ(first->close_code(), 1001);
}

awaitable<void> ownwire_restart::go_on(visitors& crowd, heard_texts& heard, std::size_t missing) {
  const auto executor = co_await asio::this_coro::executor;
  auto second = co_await site_program::open(endpoint_of(program->internal()));
  asio::co_spawn(executor, hear_until(*second, heard, missing), asio::detached);
  const auto each = [&crowd](visitor& one) { return come_back(crowd, one); };
  co_await for_all(crowd, each);
  co_await until([&] { return heard.size() >= missing; });
  co_await answer_all(crowd, *second);
}

TEST_F(ownwire_restart, of_the_gateway_loses_no_text_and_repeats_none) {
  const auto key = program->ready("server_key");
  const auto port = endpoint_of(program->address()).port();
  const auto relays = relays_to(context, port, addresses);
  auto crowd = strangers();
  heard_texts before;
  run(end_the_gateway(crowd, relays, before));
  EXPECT_EQ(program->process.wait().exit_code, 0);
  EXPECT_LT(before.size(), all_texts) << "it ended in the midst of them";
  std::vector<std::uint64_t> acknowledged;
  for (const auto& one : crowd.all) {
    // Neither less, nor more: what was not acknowledged is said again.
    before.expect(one->session.session_id, one->number, 1, one->acknowledged);
    acknowledged.push_back(one->acknowledged);
  }
  start("--port=" + std::to_string(port));
  EXPECT_EQ(program->ready("server_key"), key);
  heard_texts after;
  run(go_on(crowd, after, all_texts - before.size()));
  for (std::size_t i = 0; i < crowd.all.size(); ++i) {
    const auto& one = *crowd.all[i];
    EXPECT_EQ(one.acknowledged, texts_each);
    after.expect(one.session.session_id, one.number, acknowledged[i] + 1, texts_each);
  }
  EXPECT_EQ(program->metric("texts_dropped_total"), 0U);
}

}  // namespace
}  // namespace flowersec::ownwire
