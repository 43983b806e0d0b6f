// Files that change under a running tunnel: keys, tenants and certificates, on a signal and without one.
#include <sys/stat.h>

#include <atomic>
#include <set>
#include <thread>

#include "keys_fixture.h"
#include "support/encrypted_key.h"

namespace flowersec::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class reload : public ::testing::Test, public tenant_files {
 protected:
  running_tunnel tunnel{{"--tenants-file", tenants}};

  void expect_red_key(token_mint& in_force, token_mint& other) {
    const auto room = "room-" + std::to_string(rooms_++);
    EXPECT_TRUE(tunnel.pair(in_force, room).works());
    expect_refused(tunnel.address, other.attach_text(room, 1), "invalid_token");
  }

 private:
  int rooms_ = 0;
};

TEST_F(reload, item_12_a_signal_loads_all_files_again) {
  auto old = tunnel.pair(red, "old");
  ASSERT_TRUE(old.works());
  write_keys(red_keys, new_red);
  ASSERT_TRUE(tunnel.hang_up(keys_reloaded));
  expect_red_key(new_red, red);
  EXPECT_TRUE(tunnel.pair(blue, "blue").works());
  EXPECT_TRUE(old.works()) << "channels are not touched";
}

TEST_F(reload, item_12_one_bad_file_of_several_changes_nothing) {
  write_keys(red_keys, new_red);
  write_whole_file(blue_keys, R"({"keys":[]})");
  ASSERT_TRUE(tunnel.hang_up(keys_failed));
  ASSERT_TRUE(tunnel.program.wait_for_err("(aud \"tunnel\", iss \"blue\"): issuer_keys_file: bad keyset file " +
                                          blue_keys + ": "));
  expect_red_key(red, new_red);
  write_keys(blue_keys, blue);
  ASSERT_TRUE(tunnel.hang_up(keys_reloaded));
  expect_red_key(new_red, red);
}

TEST_F(reload, item_12_a_bad_tenants_file_changes_nothing) {
  write_whole_file(tenants, R"({"tenants":[]})");
  ASSERT_TRUE(tunnel.hang_up(keys_failed));
  EXPECT_TRUE(tunnel.pair(blue, "room").works());
  fs::remove(tenants);
  ASSERT_TRUE(tunnel.hang_up(std::string{keys_failed} + "cannot read " + tenants));
  EXPECT_TRUE(tunnel.pair(red, "room").works());
}

TEST_F(reload, pipes_in_place_of_files_are_not_waited_for) {
  for (const auto& file : {red_keys, tenants}) {
    fs::remove(file);
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
    ASSERT_TRUE(tunnel.hang_up("cannot read " + file + ": not a regular file"));
    expect_red_key(red, new_red);
  }
  const auto checked = testing_support::run_program(
      "flowersec-tunnel", {"--tenants-file", tenants, "--allow-origin", "*.example", "--check-config"});
  EXPECT_EQ(checked.exit_code, 2);
  EXPECT_THAT(checked.out + checked.err, HasSubstr("cannot read " + tenants + ": not a regular file"));
}

TEST_F(reload, used_tokens_stay_used) {
  const auto used = red.draft("room", 1);
  EXPECT_TRUE(tunnel.pair_with(red, used, red.draft("room", 2)).works());
  ASSERT_TRUE(tunnel.hang_up(keys_reloaded));
  expect_refused(tunnel.address, red.attach_text(used), "token_replay");
}

TEST_F(reload, a_channel_is_not_shared_between_two_ids_of_a_tenant) {
  auto client = tunnel_client::attached(tunnel.address, red.attach_text("room", 1));
  client.binary("hello");
  // Attached once the tunnel has read what follows the attach.
  client.send(client_frame(op_ping, "x"));
  ASSERT_EQ(client.frame()->op, op_pong);
  write_tenants("renamed");
  ASSERT_TRUE(tunnel.hang_up(keys_reloaded));
  expect_refused(tunnel.address, red.attach_text("room", 2), "tenant_mismatch");
  write_tenants("r");
  ASSERT_TRUE(tunnel.hang_up(keys_reloaded));
  auto server = tunnel_client::attached(tunnel.address, red.attach_text("room", 2));
  EXPECT_EQ(server.message(), "hello");
}

TEST_F(reload, a_keyset_written_in_place_is_noticed) {
  write_keys(red_keys, new_red);
  ASSERT_TRUE(tunnel.program.wait_for_err(keys_reloaded));
  expect_red_key(new_red, red);
}

TEST_F(reload, a_tenants_file_renamed_over_the_old_one_is_noticed) {
  const auto next = folder.file("next.json");
  write_keys(next, new_red);
  const auto red_now = std::exchange(red_keys, next);
  const auto final_place = std::exchange(tenants, folder.file("tenants.next"));
  write_tenants();
  fs::rename(tenants, final_place);
  ASSERT_TRUE(tunnel.program.wait_for_err(keys_reloaded));
  expect_red_key(new_red, red);
  // The files it names now are watched too.
  tunnel.program.take_err();
  write_keys(next, red);
  ASSERT_TRUE(tunnel.program.wait_for_err(keys_reloaded));
  expect_red_key(red, new_red);
}

TEST_F(reload, a_bad_change_is_one_line_and_its_repair_is_noticed) {
  write_whole_file(red_keys, "{");
  ASSERT_TRUE(tunnel.program.wait_for_err(keys_failed));
  EXPECT_TRUE(tunnel.pair(red, "room").works());
  tunnel.program.take_err();
  write_keys(red_keys, new_red);
  ASSERT_TRUE(tunnel.program.wait_for_err(keys_reloaded));
  EXPECT_EQ(tunnel.program.err_so_far().find(keys_failed), std::string::npos);
  expect_red_key(new_red, red);
}

TEST(reload_of_one_keyset, follows_a_folder_that_is_exchanged_behind_a_link) {
  temporary_folder folder;
  token_mint mint{unix_now()};
  token_mint next{unix_now(), "aud", "iss", std::byte{9}};
  for (const auto* version : {"v1", "v2"}) fs::create_directory(folder.file(version));
  write_whole_file(folder.file("v1") + "/keys.json", keyset_text(mint));
  write_whole_file(folder.file("v2") + "/keys.json", keyset_text(next));
  fs::create_directory_symlink("v1", folder.file("..data"));
  fs::create_symlink("..data/keys.json", folder.file("keys.json"));
  running_tunnel tunnel{{"--issuer-keys-file", folder.file("keys.json"), "--aud", "aud", "--iss", "iss"}};
  EXPECT_TRUE(tunnel.pair(mint, "room").works());
  fs::create_directory_symlink("v2", folder.file("..next"));
  fs::rename(folder.file("..next"), folder.file("..data"));
  ASSERT_TRUE(tunnel.program.wait_for_err(keys_reloaded));
  EXPECT_TRUE(tunnel.pair(next, "next room").works());
  expect_refused(tunnel.address, mint.attach_text("other", 1), "invalid_token");
}

constexpr const char* certificate_reloaded = " reloaded certificate\n";
constexpr const char* certificate_failed = " reload certificate failed, the old one stays: ";

class certificates : public ::testing::Test {
 protected:
  certificates() { install(first); }

  void install(const test_certificate& which) const {
    replace(which.chain_file(), chain);
    replace(which.key_file(), key);
  }
  void replace(const std::string& from, const std::string& to) const {
    const auto next = folder.file("next");
    fs::copy_file(from, next, fs::copy_options::overwrite_existing);
    fs::rename(next, to);
  }
  [[nodiscard]] static tunnel_client::options over_tls() {
    tunnel_client::options how;
    how.tls = true;
    return how;
  }
  [[nodiscard]] std::string main_certificate() const {
    return tunnel_client{tunnel->address, over_tls()}.certificate_digest();
  }
  /// Of the listener that serves this page.
  [[nodiscard]] static std::string certificate_of(const std::string& url) {
    const auto host = url.find("://") + 3;
    const auto path = url.find('/', host);
    tunnel_client client{url.substr(host, path - host), over_tls()};
    client.send_text("GET " + url.substr(path) + " HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_THAT(client.read_http_head(), HasSubstr("HTTP/1.1 200 "));
    return client.certificate_digest();
  }
  void expect_everywhere(const std::string& digest) const {
    EXPECT_EQ(main_certificate(), digest);
    EXPECT_EQ(certificate_of(tunnel->metrics_url), digest);
    EXPECT_EQ(certificate_of(tunnel->stats_url), digest);
  }
  void start() {
    write_whole_file(keys, keyset_text(mint));
    tunnel.emplace(process::words{"--issuer-keys-file", keys, "--aud", "aud", "--iss", "iss", "--tls-cert-file", chain,
                                  "--tls-key-file", key, "--metrics-listen", "127.0.0.1:0", "--stats-listen",
                                  "127.0.0.1:0"});
  }

  temporary_folder folder;
  std::string keys = folder.file("keys.json");
  std::string chain = folder.file("chain.pem");
  std::string key = folder.file("key.pem");
  test_certificate first;
  test_certificate second;
  token_mint mint{unix_now()};
  std::optional<running_tunnel> tunnel;
};

TEST_F(certificates, a_signal_exchanges_them_on_every_listener_and_old_connections_go_on) {
  start();
  const auto before = main_certificate();
  expect_everywhere(before);
  auto old = tunnel->pair(mint, "room", over_tls());
  ASSERT_TRUE(old.works());
  install(second);
  ASSERT_TRUE(tunnel->hang_up(certificate_reloaded));
  const auto after = main_certificate();
  EXPECT_NE(after, before);
  expect_everywhere(after);
  EXPECT_TRUE(old.works());
  EXPECT_EQ(old.client.certificate_digest(), before);
  EXPECT_TRUE(tunnel->pair(mint, "another", over_tls()).works());
}

TEST_F(certificates, a_change_of_the_files_is_noticed) {
  start();
  const auto before = main_certificate();
  install(second);
  ASSERT_TRUE(tunnel->program.wait_for_err(certificate_reloaded));
  const auto after = main_certificate();
  EXPECT_NE(after, before);
  expect_everywhere(after);
}

TEST_F(certificates, a_bad_new_pair_is_refused_and_the_old_one_stays) {
  start();
  const auto before = main_certificate();
  replace(second.chain_file(), chain);
  ASSERT_TRUE(tunnel->hang_up(std::string{certificate_failed} + "cannot use --tls-cert-file " + chain +
                              " with --tls-key-file " + key));
  expect_everywhere(before);
  encrypt_key(second.key_file(), key, encrypted_form::pkcs8);
  ASSERT_TRUE(tunnel->hang_up("with --tls-key-file " + key + ": the key is encrypted"));
  expect_everywhere(before);
  write_whole_file(chain, "no certificate");
  ASSERT_TRUE(tunnel->hang_up(certificate_failed));
  EXPECT_EQ(main_certificate(), before);
  fs::remove(chain);
  ASSERT_TRUE(tunnel->hang_up(std::string{certificate_failed} + "cannot read " + chain));
  expect_everywhere(before);
  install(second);
  ASSERT_TRUE(tunnel->hang_up(certificate_reloaded));
  EXPECT_NE(main_certificate(), before);
}

TEST_F(certificates, a_pipe_in_their_place_is_not_waited_for) {
  start();
  const auto before = main_certificate();
  fs::remove(key);
  ASSERT_EQ(::mkfifo(key.c_str(), 0600), 0);
  ASSERT_TRUE(tunnel->hang_up(std::string{certificate_failed} + "cannot read " + key + ": not a regular file"));
  expect_everywhere(before);
  for (const auto& more : {process::words{}, process::words{"--check-config"}}) {
    process::words again{"--issuer-keys-file", keys, "--aud", "a", "--tls-cert-file", chain, "--tls-key-file", key};
    again.insert(again.end(), more.begin(), more.end());
    const auto end = testing_support::run_program("flowersec-tunnel", again);
    EXPECT_EQ(end.exit_code, more.empty() ? 1 : 2);
    EXPECT_THAT(end.out + end.err, HasSubstr("cannot read " + key + ": not a regular file"));
  }
}

TEST_F(certificates, keys_are_reloaded_though_the_certificate_is_bad) {
  start();
  token_mint next{unix_now(), "aud", "iss", std::byte{9}};
  write_whole_file(keys, keyset_text(next));
  write_whole_file(key, "no key");
  ASSERT_TRUE(tunnel->hang_up(certificate_failed));
  EXPECT_THAT(tunnel->program.err_so_far(), HasSubstr(keys_reloaded));
  EXPECT_TRUE(tunnel->pair(next, "room", over_tls()).works());
}

TEST(certificate_of_a_library, is_replaced_only_where_there_is_one) {
  const test_certificate certificate;
  const tunnel::tls_files files{certificate.chain_file(), certificate.key_file()};
  token_mint mint{unix_now()};
  tunnel::server_options options;
  options.origins.loopback_only = true;
  options.verifier = mint.verifier();
  options.threads = 1;
  tunnel::server plain{options};
  EXPECT_EQ(plain.replace_certificate(files), tunnel::tunnel_errc::invalid_options);
  ASSERT_FALSE(plain.start());
  EXPECT_EQ(plain.replace_certificate(files), tunnel::tunnel_errc::invalid_options);
  options.tls = files;
  tunnel::server secure{options};
  ASSERT_FALSE(secure.start());
  EXPECT_EQ(secure.replace_certificate({files.certificate_chain, files.certificate_chain}),
            tunnel::tunnel_errc::tls_files_unusable);
  EXPECT_FALSE(secure.replace_certificate(files));
}

TEST(certificate_of_a_library, may_be_replaced_while_others_shake_hands) {
  const test_certificate one;
  const test_certificate other;
  token_mint mint{unix_now()};
  tunnel::server_options options;
  options.origins.loopback_only = true;
  options.verifier = mint.verifier();
  options.threads = 2;
  options.tls = tunnel::tls_files{one.chain_file(), one.key_file()};
  tunnel::server server{options};
  ASSERT_FALSE(server.start());
  std::atomic<bool> enough{false};
  std::thread replacing{[&] {
    for (bool first = true; !enough; first = !first) {
      const auto& which = first ? other : one;
      EXPECT_FALSE(server.replace_certificate({which.chain_file(), which.key_file()}));
    }
  }};
  tunnel_client::options how;
  how.tls = true;
  std::set<std::string> seen;
  for (int i = 0; i < 500 && seen.size() < 2; ++i) {
    seen.insert(tunnel_client{server.bound_address(), how}.certificate_digest());
  }
  enough = true;
  replacing.join();
  EXPECT_EQ(seen.size(), 2u);
}

}  // namespace
}  // namespace flowersec::testing
