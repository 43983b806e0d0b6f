// The keys of a registry, as registrations are proved for them.
// Layer rendezvous, part `registry`, private. Immutable; holds private keys.
#pragma once

#include <vector>

#include "flowersec/identity/identity.h"
#include "flowersec/sealed/key_file.h"

namespace flowersec::rendezvous {

class registry_keys {
 public:
  /// The current one first. Errors   those of identity::from_private().
  [[nodiscard]] static result<registry_keys> from(const sealed::keyring& keys);

  /// What a challenge offers: max_offered_keys of them at most.
  [[nodiscard]] const std::vector<identity::public_key>& offered() const noexcept { return offered_; }
  [[nodiscard]] const identity::identity& current() const noexcept { return keys_.front(); }
  /// Null when there is none of that key.
  [[nodiscard]] const identity::identity* find(const identity::public_key& key) const noexcept;

 private:
  std::vector<identity::identity> keys_;
  std::vector<identity::public_key> offered_;
};

}  // namespace flowersec::rendezvous
