#include "model/explorer.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>

namespace flowersec::model {

namespace {

class explorer {
 public:
  explorer(protocol how, std::size_t clients, std::size_t servers) : scene_(how, clients, servers) {}

  exploration run() {
    visit(scene_.start());
    return std::move(done_);
  }

 private:
  using mark = std::pair<std::uint64_t, std::uint64_t>;

  /// Two states with one mark would hide one of them: 128 bits make that as good as impossible.
  static mark mark_of(const state& now) {
    std::vector<std::uint32_t> words;
    for (const auto& one : now.parties) {
      words.push_back(static_cast<std::uint32_t>(one.at) << 16U | one.entry << 8U | one.next_record);
      words.insert(words.end(), one.agreed.begin(), one.agreed.end());
    }
    const auto& seen = now.attacker.seen();
    words.insert(words.end(), seen.begin(), seen.end());
    return {fold(words, 0x9e3779b97f4a7c15U), fold(words, 0xc2b2ae3d27d4eb4fU)};
  }

  static std::uint64_t fold(const std::vector<std::uint32_t>& words, std::uint64_t start) {
    auto sum = start;
    for (const auto word : words) {
      sum = (sum ^ word) * 0xff51afd7ed558ccdU;
      sum ^= sum >> 29U;
    }
    return sum;
  }

  void visit(const state& now) {
    if (!visited_.insert(mark_of(now)).second) return;
    ++done_.states;
    if (is_finished(now)) done_.somebody_finished = true;
    for (auto& next : scene_.steps(now)) {
      path_.push_back(&next);
      for (const auto which : scene_.broken(next)) note(which);
      visit(next.after);
      path_.pop_back();
    }
  }

  void note(property which) {
    const auto [place, is_first] = done_.broken.try_emplace(which);
    if (!is_first) return;
    for (const auto* each : path_) place->second.push_back(scene_.text(*each));
  }

  static bool is_finished(const state& now) {
    return std::any_of(now.parties.begin(), now.parties.end(), [&](const party& server) {
      return server.is == role::server && server.next_record > sent_by(role::client).last &&
             std::any_of(now.parties.begin(), now.parties.end(), [&](const party& client) {
               return client.is == role::client && client.next_record > sent_by(role::server).last &&
                      client.agreed == server.agreed;
             });
    });
  }

  scene scene_;
  exploration done_;
  absl::flat_hash_set<mark> visited_;
  std::vector<const scene::step*> path_;
};

}  // namespace

exploration explore(protocol how, std::size_t clients, std::size_t servers) {
  return explorer{how, clients, servers}.run();
}

std::string to_string(property which) {
  switch (which) {
    case property::client_agrees_with_a_server:
      return "a connected client agrees with a server on every field";
    case property::server_agrees_with_a_client:
      return "a connected server agrees with a client on every field";
    case property::one_server_for_one_client:
      return "one client connects one server";
    case property::secrets_without_the_psk:
      return "nobody else reads";
    case property::secrets_when_the_psk_leaks_later:
      return "nobody reads who learns the PSK afterwards";
    case property::secrets_when_the_ephemeral_keys_leak:
      return "nobody reads who has the ephemeral keys and no PSK";
    case property::records_are_the_peers_own:
      return "a record that is read is the one that the peer sent there";
    case property::one_key_for_one_direction:
      return "a key is used by one sender";
  }
  return "?";
}

std::string to_string(const exploration& done) {
  std::string out = std::to_string(done.states) + " states\n";
  for (const auto& [which, path] : done.broken) {
    out += "broken: " + to_string(which) + "\n";
    for (const auto& line : path) out += "  " + line + "\n";
  }
  return out;
}

}  // namespace flowersec::model
