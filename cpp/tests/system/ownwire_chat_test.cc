// A chat through a running ownwire: users on one side, the site owner's program on the other.
#include <sys/stat.h>

#include <filesystem>

#include "flowersec/sealed/key_file.h"
#include "support/standstill.h"
#include "system/ownwire_user.h"
#include "system/ownwire_world.h"

namespace flowersec::testing {
namespace {

using ownwire::ack_frame;
using ownwire::chat_error;
using ownwire::error_frame;
using ownwire::hello_frame;
using ownwire::reply_frame;
using ownwire::welcome_frame;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;
using testing_support::run_program;
using testing_support::temporary_folder;

class ownwire_chat : public ::testing::Test {
 protected:
  void start(ownwire_program::words more = {}) { program.emplace(folder.path(), std::move(more)); }
  [[nodiscard]] std::string url() const { return program->ready("ws_url"); }
  [[nodiscard]] std::string key() const { return program->ready("server_key"); }

  temporary_folder folder;
  std::optional<ownwire_program> program;
};

TEST_F(ownwire_chat, texts_and_replies_go_both_ways_with_metadata) {
  start();
  internal_client backend{program->internal()};
  chat_user user{url(), key(), hello_frame{.metadata = "username:user1"}};
  EXPECT_FALSE(user.welcome().resumed);
  user.say(1, "h\u00e4llo\nthere");
  const auto text = backend.next();
  EXPECT_EQ(text.session_id, user.welcome().session_id);
  EXPECT_EQ(text.content, "h\u00e4llo\nthere");
  EXPECT_THAT(text.metadata, Optional(std::string{"username:user1"}));
  EXPECT_EQ(user.expect<ack_frame>().id, 1U);
  backend.reply(text.session_id, "one", "tags:x");
  backend.reply(text.session_id, "two");
  EXPECT_EQ(user.expect<reply_frame>(), (reply_frame{.seq = 1, .content = "one", .metadata = "tags:x"}));
  EXPECT_EQ(user.expect<reply_frame>(), (reply_frame{.seq = 2, .content = "two"}));
}

TEST_F(ownwire_chat, both_suites_are_spoken) {
  start();
  chat_user user{url(), key(), crypto::suite::p256};
  user.send(hello_frame{});
  EXPECT_FALSE(user.expect<welcome_frame>().session_id.empty());
}

TEST_F(ownwire_chat, replies_go_to_their_own_session_and_a_foreign_id_harms_nobody) {
  start();
  internal_client backend{program->internal()};
  chat_user first{url(), key(), hello_frame{}};
  chat_user second{url(), key(), hello_frame{}};
  EXPECT_NE(first.welcome().session_id, second.welcome().session_id);
  backend.reply("00000000-0000-4000-8000-000000000000", "to nobody");
  backend.socket().send_text("");
  backend.reply(second.welcome().session_id, "to the second");
  backend.reply(first.welcome().session_id, "to the first");
  EXPECT_EQ(first.expect<reply_frame>().content, "to the first");
  EXPECT_EQ(second.expect<reply_frame>().content, "to the second");
  EXPECT_TRUE(program->process.wait_for_err("session_unknown"));
}

TEST_F(ownwire_chat, texts_wait_for_an_internal_client_that_restarts_and_none_comes_twice) {
  start();
  chat_user user{url(), key(), hello_frame{}};
  {
    internal_client before{program->internal()};
    user.say(1, "one");
    EXPECT_EQ(before.next().content, "one");
    EXPECT_EQ(user.expect<ack_frame>().id, 1U);
  }
  ASSERT_TRUE(program->process.wait_for_err("client ended"));
  user.say(2, "two");
  user.say(3, "three");
  internal_client after{program->internal()};
  EXPECT_EQ(after.next().content, "two");
  EXPECT_EQ(after.next().content, "three");
  EXPECT_EQ(user.expect<ack_frame>().id, 2U);
  EXPECT_EQ(user.expect<ack_frame>().id, 3U);
  // A text that is said again is acknowledged again and handed over once.
  user.say(3, "three");
  EXPECT_EQ(user.expect<ack_frame>().id, 3U);
  user.say(4, "four");
  EXPECT_EQ(after.next().content, "four");
}

TEST_F(ownwire_chat, a_page_that_comes_back_has_its_session_and_the_replies_it_missed) {
  start();
  internal_client backend{program->internal()};
  std::string session;
  std::string token;
  {
    chat_user before{url(), key(), hello_frame{}};
    before.say(1, "one");
    session = backend.next().session_id;
    EXPECT_EQ(before.expect<ack_frame>().id, 1U);
    token = before.welcome().resume_token;
  }
  ASSERT_TRUE(program->process.wait_for_err("session lost"));
  backend.reply(session, "while you were away");
  chat_user after{url(), key(), hello_frame{.resume = token}};
  EXPECT_TRUE(after.welcome().resumed);
  EXPECT_EQ(after.welcome().session_id, session);
  EXPECT_EQ(after.welcome().last_id, 1U);
  EXPECT_EQ(after.expect<reply_frame>().content, "while you were away");
}

TEST_F(ownwire_chat, after_a_restart_of_the_gateway_the_session_is_unknown_and_texts_start_anew) {
  start();
  chat_user before{url(), key(), hello_frame{}};
  const auto token = before.welcome().resume_token;
  const auto old_key = key();
  EXPECT_EQ(program->stop().exit_code, 0);
  start();
  EXPECT_EQ(key(), old_key);
  internal_client backend{program->internal()};
  chat_user after{url(), key()};
  after.send(hello_frame{.resume = token});
  const auto told = after.expect<error_frame>();
  EXPECT_EQ(told.code, chat_error::session_unknown);
  EXPECT_FALSE(told.fatal);
  const auto welcome = after.expect<welcome_frame>();
  EXPECT_FALSE(welcome.resumed);
  EXPECT_EQ(welcome.last_id, 0U);
  after.say(1, "said again");
  EXPECT_EQ(backend.next().content, "said again");
  EXPECT_EQ(after.expect<ack_frame>().id, 1U);
}

TEST_F(ownwire_chat, a_wrong_pin_is_an_unknown_key) {
  start();
  const auto other = run_program("ownwire", {"--print-key", "--identity-key=other.json"}, {}, folder.path()).out;
  try {
    chat_user user{url(), other.substr(0, 43)};
    FAIL() << "connected";
  } catch (const boost::system::system_error& failed) {
    EXPECT_EQ(failed.code(), endpoint::endpoint_errc::unknown_key) << failed.code().message();
  }
  EXPECT_TRUE(program->process.wait_for_err("unknown_key"));
}

TEST_F(ownwire_chat, keys_rotate_without_losing_anybody) {
  start();
  const auto old_key = key();
  const auto path = folder.file("ownwire_identity.json");
  ASSERT_EQ(run_program("ownwire", {"--print-key", "--identity-key=next.json"}, {}, folder.path()).exit_code, 0);
  const auto use = [&](std::vector<std::string> files) {
    std::vector<sealed::keyring::entry> entries;
    for (const auto& file : files) {
      const auto read = sealed::read_key_file(file).value();
      for (const auto& entry : read.entries()) {
        entries.push_back({sealed::key_pair::from_private(entry.key.private_half()), entry.created_at});
      }
    }
    ASSERT_TRUE(sealed::write_key_file(path, *sealed::keyring::of(std::move(entries))));
    program->process.take_err();
    program->process.send_signal(SIGHUP);
    ASSERT_TRUE(program->process.wait_for_err("reloaded identity keys"));
  };
  const auto printed = run_program("ownwire", {"--print-key", "--identity-key=next.json"}, {}, folder.path()).out;
  const auto new_key = printed.substr(0, 43);
  std::filesystem::copy_file(path, folder.file("old.json"));
  use({folder.file("old.json"), folder.file("next.json")});
  EXPECT_NO_THROW((chat_user{url(), old_key, hello_frame{}}));
  EXPECT_NO_THROW((chat_user{url(), new_key, hello_frame{}}));
  use({folder.file("next.json")});
  EXPECT_NO_THROW((chat_user{url(), new_key, hello_frame{}}));
  EXPECT_THROW((chat_user{url(), old_key, hello_frame{}}), boost::system::system_error);
}

TEST_F(ownwire_chat, a_stop_tells_users_and_ends_in_time) {
  start();
  chat_user user{url(), key(), hello_frame{}};
  undisturbed_time taken;
  program->process.send_signal(SIGTERM);
  const auto told = user.expect<error_frame>();
  EXPECT_EQ(told.code, chat_error::shutting_down);
  EXPECT_TRUE(told.fatal);
  EXPECT_TRUE(user.is_over());
  EXPECT_EQ(program->process.wait().exit_code, 0);
  EXPECT_LT(taken.elapsed(), std::chrono::seconds{10});
}

TEST_F(ownwire_chat, a_stop_tells_a_socket_that_is_nobody_yet) {
  start({"--metrics-listen=127.0.0.1:0", "--allow-origin=https://app.example"});
  tunnel_client silent{program->address()};
  silent.upgrade({});
  while (program->metric("user_sockets") == 0) {
  }
  program->process.send_signal(SIGTERM);
  EXPECT_EQ(close_code(silent), 1001U);
  silent.close();
  EXPECT_EQ(program->process.wait().exit_code, 0);
}

TEST_F(ownwire_chat, sessions_are_as_many_as_the_flags_say) {
  start({"--max-sessions-per-address=1"});
  chat_user first{url(), key(), hello_frame{}};
  EXPECT_THROW((chat_user{url(), key(), hello_frame{}}), std::exception);
}

TEST_F(ownwire_chat, the_log_has_no_contents_no_metadata_and_no_token) {
  start({"--log-level=debug"});
  internal_client backend{program->internal()};
  chat_user user{url(), key(), hello_frame{.metadata = "meta-of-this-test", .auth = "auth-of-this-test"}};
  user.say(1, "content-of-this-test");
  backend.reply(backend.next().session_id, "reply-of-this-test");
  static_cast<void>(user.expect<ack_frame>());
  static_cast<void>(user.expect<reply_frame>());
  const auto token = user.welcome().resume_token;
  const auto log = program->stop().err;
  EXPECT_THAT(log, AllOf(HasSubstr("text taken"), HasSubstr(user.welcome().session_id), HasSubstr("bytes=20"),
                         Not(HasSubstr("of-this-test")), Not(HasSubstr(token))));
}

}  // namespace
}  // namespace flowersec::testing
