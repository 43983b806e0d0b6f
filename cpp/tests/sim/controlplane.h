// The control plane of the simulation: it mints pairs of grants on the virtual clock and knows what it has minted; and
// the post between it and the ends, which is slow and loses things.
// Test support. Requests, artifacts and grants travel as the texts of the real codecs; HTTP is left out.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "flowersec/controlplane/artifact_codec.h"
#include "flowersec/controlplane/channel_init.h"
#include "flowersec/messages/grant_file.h"
#include "world.h"

namespace flowersec::sim {

using tunnel::endpoint_role;

/// One role of one channel: what a token is good for.
using seat = std::pair<std::string, endpoint_role>;

/// What the tunnel let in, and whether it was allowed to.
class admissions final : public tunnel::observer {
 public:
  explicit admissions(const clock_source* clocks = nullptr) : clocks_(clocks) {}
  void use(const clock_source& clocks) { clocks_ = &clocks; }

  void note_minted(const std::string& channel, endpoint_role role, std::int64_t good_until) {
    auto& one = seats_[{channel, role}];
    ++one.tokens;
    one.good_until = std::max(one.good_until, good_until);
  }
  void on_attached(const tunnel::channel_name& channel, endpoint_role role) override {
    auto& one = seats_[{std::string{channel.channel_id}, role}];
    twice_ |= ++one.let_in > one.tokens;
    // A token is in time until its last second and the skew are over.
    late_ |= clocks_->wall_now() > wall_time{std::chrono::seconds{one.good_until} + tunnel::clock_skew};
    ++count_;
  }
  /// Somebody came in without a token of his own.
  [[nodiscard]] bool let_in_twice() const noexcept { return twice_; }
  [[nodiscard]] bool let_in_late() const noexcept { return late_; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  struct about {
    std::size_t tokens = 0;
    std::size_t let_in = 0;
    std::int64_t good_until = 0;
  };
  std::map<seat, about> seats_;
  const clock_source* clocks_;
  bool twice_ = false;
  bool late_ = false;
  std::size_t count_ = 0;
};

/// Letters, each on its way for a while of its own.
class post_office final : public actor {
 public:
  explicit post_office(world& all) : all_(all) {}

  /// One in `loses_one_in` is lost; 0: none.
  void send(std::function<void()> deliver, std::chrono::milliseconds longest, std::size_t loses_one_in) {
    if (loses_one_in != 0 && all_.pick.one_in(loses_one_in)) return;
    const auto ms = all_.pick.below(static_cast<std::size_t>(longest.count()) + 1);
    letters_.emplace(now() + std::chrono::milliseconds{ms}, std::move(deliver));
  }
  bool step() override {
    if (letters_.empty() || letters_.begin()->first > now()) return false;
    const auto deliver = std::move(letters_.extract(letters_.begin()).mapped());
    deliver();
    return true;
  }
  [[nodiscard]] std::optional<mono_time> next_due() const override {
    return letters_.empty() ? std::nullopt : std::optional{letters_.begin()->first};
  }

 private:
  [[nodiscard]] mono_time now() const { return all_.tunnel.clock.mono; }

  world& all_;
  std::multimap<mono_time, std::function<void()>> letters_;
};

class control_desk {
 public:
  control_desk(world& all, admissions& known, std::chrono::seconds clock_ahead)
      : all_(all),
        known_(known),
        clock_ahead_(clock_ahead),
        random_(all.pick.number()),
        issuer_(controlplane::issuer_keyset::generate("key-0", random_).value()) {
    publish();
  }

  struct pair_of_texts {
    std::string artifact;      ///< for the client, as the answer to its request
    std::string server_grant;  ///< for the endpoint, as a notification
  };
  /// Answers a request. nullopt: it is none.
  [[nodiscard]] std::optional<pair_of_texts> answer(std::string_view request, crypto::suite suite) {
    const auto asked = controlplane::decode_artifact_request(request);
    if (!asked) return std::nullopt;
    const auto channel = controlplane::random_channel_id(random_).value();
    auto options = options_of(suite);
    auto grants = controlplane::issue_channel(issuer_, options, channel, random_, now()).value();
    for (const auto role : {endpoint_role::client, endpoint_role::server}) note_minted(channel, role);
    auto server_grant = encode(grants.server);
    token::connect_artifact artifact{.body = std::move(grants.client)};
    return pair_of_texts{std::string{controlplane::encode_artifact_envelope(artifact).value().view()},
                         std::move(server_grant)};
  }
  /// The same seat again, with a token of its own. nullopt: it is too late.
  [[nodiscard]] std::optional<messages::controlplane::v1::channel_init_grant> reissue(
      const messages::controlplane::v1::channel_init_grant& grant) {
    auto again = controlplane::reissue_grant(issuer_, options_of(crypto::suite::x25519), grant, random_, now());
    if (!again) return std::nullopt;
    note_minted(grant.channel_id, static_cast<endpoint_role>(grant.role));
    return std::move(*again);
  }
  /// A new key, brought to the tunnel before anything is signed with it.
  void rotate() {
    const auto kid = "key-" + std::to_string(++rotations_);
    std::array<std::byte, crypto::ed25519_seed_bytes> seed;
    static_cast<void>(random_.fill(seed));
    auto key = crypto::ed25519_signing_key::from_seed(seed);
    EXPECT_FALSE(issuer_.publish(kid, key.public_key()));
    publish();
    EXPECT_FALSE(issuer_.rotate(kid, std::move(key)));
  }
  [[nodiscard]] std::shared_ptr<const tunnel::token_verifier> verifier() const {
    return tunnel::make_single_tenant_verifier(token::keyset::parse(issuer_.export_keyset_file()).value(), "aud",
                                               "iss");
  }

 private:
  [[nodiscard]] static controlplane::channel_init_options options_of(crypto::suite suite) {
    controlplane::channel_init_options options;
    options.tunnel_url = "ws://127.0.0.1:1/ws";
    options.audience = "aud";
    options.issuer = "iss";
    options.allowed_suites = {suite};
    return options;
  }
  [[nodiscard]] unix_seconds now() const { return to_unix_seconds(all_.tunnel.clock.wall + clock_ahead_); }
  void note_minted(const std::string& channel, endpoint_role role) {
    known_.note_minted(channel, role, count(now()) + controlplane::default_token_lifetime.count());
  }
  void publish() { all_.tunnel.shared->set_verifier(verifier()); }

  world& all_;
  admissions& known_;
  std::chrono::seconds clock_ahead_;
  testing::seeded_random random_;
  controlplane::issuer_keyset issuer_;
  int rotations_ = 0;
};

}  // namespace flowersec::sim
