// Whom we know: keys with names, and the agreement with each of them, computed once.
// Layer identity. Not thread-safe. Source: IDENTITY, "Contacts".
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "flowersec/identity/identity.h"

namespace flowersec::identity {

/// Contacts of one identity: what a file can make us compute and hold, about 400 bytes and one key agreement each.
inline constexpr std::size_t max_contacts = 2000;
/// Bytes of UTF-8 in a name.
inline constexpr std::size_t max_name_bytes = 128;

enum class contact_policy : std::uint8_t { allow, block };

struct contact {
  public_key key;
  std::string name;
  shared_secret dh;  ///< of the own private key and this one
  contact_policy policy = contact_policy::allow;
  bool verified = false;  ///< the user compared fingerprints, or the key came in an invitation
};

/// Whether a text can be a name: 1 to max_name_bytes bytes of UTF-8, no white space around, no control characters, and
/// none that are invisible or change the direction of others, so that no two names look the same by such means.
[[nodiscard]] bool is_valid_name(std::string_view name) noexcept;

/// What is known of a name and a key that came together.
enum class acquaintance : std::uint8_t {
  unknown,      ///< neither is known
  known,        ///< a contact has both
  renamed,      ///< the key is known under another name
  key_changed,  ///< the name is known with another key: warn, and compare fingerprints again
};

/// Each key once and each name once. Pointers to contacts stay valid until that contact is removed.
class contacts {
 public:
  explicit contacts(std::shared_ptr<const identity> owner) noexcept : owner_(std::move(owner)) {}

  [[nodiscard]] const identity& owner() const noexcept { return *owner_; }

  /// Errors   own_key, bad_name, key_known, key_changed, too_many; those of identity::agree().
  [[nodiscard]] result<const contact*> add(const public_key& key, std::string_view name,
                                           contact_policy policy = contact_policy::allow, bool verified = false);
  /// Gives the contact of a name a new key, which nobody has verified yet. The old key is forgotten, the policy stays.
  /// Errors   unknown_contact, own_key, key_known; those of identity::agree().
  [[nodiscard]] result<const contact*> replace_key(std::string_view name, const public_key& key);
  /// Errors   unknown_contact, bad_name, key_changed when another contact has the name.
  [[nodiscard]] result<void> rename(const public_key& key, std::string_view name);
  /// Errors   unknown_contact.
  [[nodiscard]] result<void> set_policy(const public_key& key, contact_policy policy);
  [[nodiscard]] result<void> set_verified(const public_key& key, bool verified);
  [[nodiscard]] result<void> remove(const public_key& key);

  /// Null when there is none.
  [[nodiscard]] const contact* get(const public_key& key) const noexcept;
  [[nodiscard]] const contact* find(std::string_view name) const noexcept;
  [[nodiscard]] acquaintance check(const public_key& key, std::string_view name) const noexcept;
  /// In the order in which they were added.
  [[nodiscard]] std::vector<const contact*> list() const;
  [[nodiscard]] std::size_t size() const noexcept { return by_key_.size(); }
  /// Forgets all of them, and their secrets.
  void wipe() noexcept;

 private:
  [[nodiscard]] result<shared_secret> agree(const public_key& key) const;
  [[nodiscard]] contact* edit(const public_key& key) noexcept;

  std::shared_ptr<const identity> owner_;
  std::vector<std::unique_ptr<contact>> in_order_;
  std::map<public_key, contact*> by_key_;
  std::map<std::string, contact*, std::less<>> by_name_;
};

}  // namespace flowersec::identity
