#include "rendezvous/registry_keys.h"

#include "flowersec/rendezvous/limits.h"

namespace flowersec::rendezvous {

result<registry_keys> registry_keys::from(const sealed::keyring& keys) {
  registry_keys made;
  for (const auto& entry : keys.entries()) {
    auto key = identity::identity::from_private(entry.key.private_half());
    if (!key) return key.error();
    if (made.offered_.size() < max_offered_keys) made.offered_.push_back(key->key());
    made.keys_.push_back(std::move(*key));
  }
  return made;
}

const identity::identity* registry_keys::find(const identity::public_key& key) const noexcept {
  for (const auto& each : keys_) {
    if (each.key() == key) return &each;
  }
  return nullptr;
}

}  // namespace flowersec::rendezvous
