// The encrypted internal link of ownwire: a site's program on another machine that speaks the library's protocol.
#include <sys/stat.h>

#include "system/ownwire_user.h"
#include "system/ownwire_world.h"

namespace flowersec::testing {
namespace {

using ownwire::ack_frame;
using ownwire::hello_frame;
using ownwire::reply_frame;
using ::testing::StartsWith;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

const std::string psk = std::string(42, 'Q') + 'A';
constexpr auto channel = "ownwire-internal-link";

void write_psk_file(const std::string& path) {
  write_whole_file(path, R"({"channel_id":")" + std::string{channel} + R"(","e2ee_psk_b64u":")" + psk + "\"}\n");
  ::chmod(path.c_str(), 0600);
}

frame_stream link_to(const std::string& url, const std::string& secret) {
  endpoint::direct_connect_info info;
  info.ws_url = url;
  info.channel_id = channel;
  info.e2ee_psk_b64u = messages::sensitive_text{secret};
  info.default_suite = messages::direct::v1::suite::x25519_hkdf_sha256_aes_256_gcm;
  info.channel_init_expire_at_unix_s = count(to_unix_seconds(system_clocks().wall_now())) + 60;
  return frame_stream::to(std::move(info), "http://backend.example", "ownwire/internal", 1'048'576);
}

TEST(ownwire_link, carries_the_messages_of_the_internal_port_and_can_come_back_for_ever) {
  const temporary_folder folder;
  write_psk_file(folder.file("psk.json"));
  const ownwire_program program{folder.path(), {"--internal-psk-file", folder.file("psk.json")}};
  chat_user user{program.ready("ws_url"), program.ready("server_key"), hello_frame{.metadata = "m"}};
  const auto& session = user.welcome().session_id;
  for (std::uint64_t id = 1; id <= 2; ++id) {
    auto link = link_to(program.ready("e2ee_url"), psk);
    user.say(id, "text");
    EXPECT_EQ(link.next(), R"({"content":"text","session_id":")" + session + R"(","metadata":"m"})");
    EXPECT_EQ(user.expect<ack_frame>().id, id);
    link.send(R"({"content":"reply","session_id":")" + session + "\"}");
    EXPECT_EQ(user.expect<reply_frame>(), (reply_frame{.seq = id, .content = "reply"}));
  }
}

TEST(ownwire_link, opens_to_the_psk_of_the_file_only) {
  const temporary_folder folder;
  write_psk_file(folder.file("psk.json"));
  const ownwire_program program{folder.path(), {"--internal-psk-file", folder.file("psk.json")}};
  try {
    static_cast<void>(link_to(program.ready("e2ee_url"), std::string(43, 'A')));
    FAIL() << "connected";
  } catch (const boost::system::system_error& failed) {
    // The path is open to everybody; the handshake is not.
    EXPECT_NE(failed.code(), endpoint::endpoint_errc::dial_failed) << failed.code().message();
  }
}

}  // namespace
}  // namespace flowersec::testing
