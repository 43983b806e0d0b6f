// A whole handshake, each side's CPU against the public-key operations that it cannot do without: one key generation
// and one agreement, called the same way in the same libraries. In memory, one thread. Part of flowersec-bench.
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <sodium.h>

#include "flowersec/handshake/client.h"
#include "flowersec/handshake/server.h"
#include "flowersec/record/opener.h"
#include "flowersec/record/sealer.h"
#include "workbench.h"

namespace flowersec::bench {
namespace {

constexpr double cpu_goal = 1.5;
constexpr int handshakes_per_run = 300;
constexpr const char* channel = "bench-channel";
constexpr unix_seconds wall_now{1'800'000'000};

/// Adds up the CPU time between start and stop.
class stopwatch {
 public:
  void start() { begun_ = thread_cpu_time(); }
  void stop() { total_ += thread_cpu_time() - begun_; }
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(total_).count(); }

 private:
  std::chrono::nanoseconds begun_{};
  std::chrono::nanoseconds total_{};
};

// --- the floors ------------------------------------------------------------------------------------------------

void bare_x25519() {
  std::array<unsigned char, crypto_scalarmult_SCALARBYTES> secret_key{};
  std::array<unsigned char, crypto_scalarmult_BYTES> public_key{};
  std::array<unsigned char, crypto_scalarmult_BYTES> shared{};
  static const auto peer = [] {
    std::array<unsigned char, crypto_scalarmult_BYTES> key{};
    constexpr std::array<unsigned char, crypto_scalarmult_SCALARBYTES> secret{42};
    crypto_scalarmult_base(key.data(), secret.data());
    return key;
  }();
  static_cast<void>(system_random().fill(std::as_writable_bytes(std::span{secret_key})));
  crypto_scalarmult_base(public_key.data(), secret_key.data());
  if (crypto_scalarmult(shared.data(), secret_key.data(), peer.data()) != 0) throw bench_error("X25519 failed");
}

class bare_p256 {
 public:
  bare_p256() {
    EC_POINT_mul(group_, ours_, EC_GROUP_get0_order(group_), nullptr, nullptr, scratch_);
    BN_set_word(scalar_, 42);
    EC_POINT_mul(group_, ours_, scalar_, nullptr, nullptr, scratch_);
    EC_POINT_point2oct(group_, ours_, POINT_CONVERSION_UNCOMPRESSED, peer_bytes_.data(), peer_bytes_.size(), scratch_);
  }
  bare_p256(const bare_p256&) = delete;
  bare_p256& operator=(const bare_p256&) = delete;
  ~bare_p256() {
    BN_free(x_);
    BN_free(scalar_);
    EC_POINT_free(shared_);
    EC_POINT_free(theirs_);
    EC_POINT_free(ours_);
    BN_CTX_free(scratch_);
    EC_GROUP_free(group_);
  }

  void run() {
    BN_rand_range(scalar_, EC_GROUP_get0_order(group_));
    EC_POINT_mul(group_, ours_, scalar_, nullptr, nullptr, scratch_);
    std::array<unsigned char, 65> public_key{};
    EC_POINT_point2oct(group_, ours_, POINT_CONVERSION_UNCOMPRESSED, public_key.data(), public_key.size(), scratch_);
    EC_POINT_oct2point(group_, theirs_, peer_bytes_.data(), peer_bytes_.size(), scratch_);
    EC_POINT_mul(group_, shared_, nullptr, theirs_, scalar_, scratch_);
    if (EC_POINT_get_affine_coordinates(group_, shared_, x_, nullptr, scratch_) != 1) throw bench_error("P-256 failed");
  }

 private:
  EC_GROUP* group_ = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  BN_CTX* scratch_ = BN_CTX_new();
  EC_POINT* ours_ = EC_POINT_new(group_);
  EC_POINT* theirs_ = EC_POINT_new(group_);
  EC_POINT* shared_ = EC_POINT_new(group_);
  BIGNUM* scalar_ = BN_new();
  BIGNUM* x_ = BN_new();
  std::array<unsigned char, 65> peer_bytes_{};
};

double floor_cpu(crypto::suite suite) {
  bare_p256 p256;
  stopwatch watch;
  watch.start();
  for (int i = 0; i < handshakes_per_run; ++i) suite == crypto::suite::x25519 ? bare_x25519() : p256.run();
  watch.stop();
  return watch.seconds() / handshakes_per_run;
}

// --- the product -----------------------------------------------------------------------------------------------

record::direction_keys to_record_keys(handshake::direction_secrets secrets, const crypto::sha256_digest& transcript,
                                      record::direction way) {
  return {way, std::move(secrets.key), secrets.prefix, std::move(secrets.rekey_base), transcript};
}

struct both_sides {
  stopwatch client;
  stopwatch server;
};

/// From nothing to the client's trust in the keys: INIT, RESP, ACK, and the server's first record.
void run_handshake(crypto::suite suite, both_sides& cpu) {
  const crypto::psk psk{crypto::secret_bytes<crypto::psk::size>{}};
  const record::record_limits limits{};

  cpu.client.start();
  auto client = handshake::client_handshake::begin(
                    {.channel_id = channel, .suite = suite, .psk = psk.clone(), .limits = {}}, system_random())
                    .value();
  cpu.client.stop();

  cpu.server.start();
  handshake::server_handshake server{{.channel_id = channel,
                                      .suite = suite,
                                      .psk = psk.clone(),
                                      .init_exp = unix_seconds{count(wall_now) + 60},
                                      .limits = {}}};
  const auto resp = server.on_frame(client.init_frame(), {mono_time{}, wall_now}, system_random()).value();
  cpu.server.stop();

  cpu.client.start();
  auto finished = client.on_frame(std::get<handshake::respond>(resp).frame, wall_now).value();
  cpu.client.stop();

  cpu.server.start();
  auto step = server.on_frame(finished.ack_frame, {mono_time{}, wall_now}, system_random()).value();
  auto& server_keys = std::get<handshake::server_finished>(step).keys;
  record::sealer sealer{to_record_keys(std::move(server_keys.server_to_client), server_keys.transcript_hash,
                                       record::direction::server_to_client),
                        limits};
  record::opener server_opener{to_record_keys(std::move(server_keys.client_to_server), server_keys.transcript_hash,
                                              record::direction::client_to_server),
                               limits};
  std::array<std::byte, record::overhead_bytes> ping{};
  const bool sealed = sealer.seal_ping(ping).has_value();
  cpu.server.stop();

  cpu.client.start();
  record::opener opener{to_record_keys(std::move(finished.keys.server_to_client), finished.keys.transcript_hash,
                                       record::direction::server_to_client),
                        limits};
  record::sealer client_sealer{to_record_keys(std::move(finished.keys.client_to_server), finished.keys.transcript_hash,
                                              record::direction::client_to_server),
                               limits};
  const bool trusted = opener.open_server_finished(ping).has_value();
  cpu.client.stop();
  if (!sealed || !trusted) throw bench_error("a handshake failed");
}

void measure_handshake(workbench& bench, crypto::suite suite, const std::string& id, const std::string& name) {
  const auto probe_floor = [&] {
    const double cpu = floor_cpu(suite);
    return reading{.value = cpu, .other = cpu};
  };
  const auto probe_handshake = [&] {
    both_sides cpu;
    for (int i = 0; i < handshakes_per_run; ++i) run_handshake(suite, cpu);
    return reading{.value = cpu.client.seconds() / handshakes_per_run,
                   .other = cpu.server.seconds() / handshakes_per_run};
  };
  const std::vector<std::function<reading()>> probes{probe_floor, probe_handshake};
  const auto taken = take_turns(probes, bench.options().rounds);
  const auto report = [&](const char* who, double reading::*figure) {
    bench.results().add({.id = "handshake." + id + '.' + who,
                         .title = "Handshake " + name + ", " + who + " against its public-key operations",
                         .unit = "x",
                         .figure = ratio(taken[1], taken[0], figure),
                         .target = goal{.limit = cpu_goal},
                         .detail = absolute_figures(taken[1], taken[0], 1e6, "us", "bare", figure)});
  };
  report("client", &reading::value);
  report("server", &reading::other);
}

}  // namespace

std::vector<bench_case> handshake_cases() {
  return {{"handshake.x25519", false,
           [](workbench& bench) { measure_handshake(bench, crypto::suite::x25519, "x25519", "X25519"); }},
          {"handshake.p256", false,
           [](workbench& bench) { measure_handshake(bench, crypto::suite::p256, "p256", "P-256"); }}};
}

}  // namespace flowersec::bench
