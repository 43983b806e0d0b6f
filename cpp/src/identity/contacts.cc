#include "flowersec/identity/contacts.h"

#include <utility>

#include "flowersec/base/display_text.h"
#include "flowersec/base/text.h"

namespace flowersec::identity {

bool is_valid_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > max_name_bytes || trim(name) != name) return false;
  return !has_hidden_characters(name);
}

result<shared_secret> contacts::agree(const public_key& key) const {
  if (key == owner_->key()) return identity_errc::own_key;
  if (get(key) != nullptr) return identity_errc::key_known;
  return owner_->agree(key);
}

result<const contact*> contacts::add(const public_key& key, std::string_view name, contact_policy policy,
                                     bool verified) {
  if (!is_valid_name(name)) return identity_errc::bad_name;
  if (check(key, name) == acquaintance::key_changed) return identity_errc::key_changed;
  if (size() >= max_contacts) return identity_errc::too_many;
  auto dh = agree(key);
  if (!dh) return dh.error();
  in_order_.push_back(std::make_unique<contact>(
      contact{.key = key, .name = std::string{name}, .dh = std::move(*dh), .policy = policy, .verified = verified}));
  auto* added = in_order_.back().get();
  by_key_.emplace(key, added);
  by_name_.emplace(added->name, added);
  return added;
}

result<const contact*> contacts::replace_key(std::string_view name, const public_key& key) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return identity_errc::unknown_contact;
  auto dh = agree(key);
  if (!dh) return dh.error();
  auto* changed = found->second;
  by_key_.erase(changed->key);
  changed->key = key;
  changed->dh = std::move(*dh);
  changed->verified = false;
  by_key_.emplace(key, changed);
  return changed;
}

result<void> contacts::rename(const public_key& key, std::string_view name) {
  auto* changed = edit(key);
  if (changed == nullptr) return identity_errc::unknown_contact;
  if (!is_valid_name(name)) return identity_errc::bad_name;
  if (check(key, name) == acquaintance::key_changed) return identity_errc::key_changed;
  by_name_.erase(changed->name);
  changed->name = name;
  by_name_.emplace(changed->name, changed);
  return {};
}

result<void> contacts::set_policy(const public_key& key, contact_policy policy) {
  auto* changed = edit(key);
  if (changed == nullptr) return identity_errc::unknown_contact;
  changed->policy = policy;
  return {};
}

result<void> contacts::set_verified(const public_key& key, bool verified) {
  auto* changed = edit(key);
  if (changed == nullptr) return identity_errc::unknown_contact;
  changed->verified = verified;
  return {};
}

result<void> contacts::remove(const public_key& key) {
  const auto* gone = edit(key);
  if (gone == nullptr) return identity_errc::unknown_contact;
  by_name_.erase(gone->name);
  by_key_.erase(gone->key);
  std::erase_if(in_order_, [&](const auto& each) { return each.get() == gone; });
  return {};
}

const contact* contacts::get(const public_key& key) const noexcept {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

contact* contacts::edit(const public_key& key) noexcept {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

const contact* contacts::find(std::string_view name) const noexcept {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

acquaintance contacts::check(const public_key& key, std::string_view name) const noexcept {
  const auto* named = find(name);
  if (named != nullptr) return named->key == key ? acquaintance::known : acquaintance::key_changed;
  return get(key) != nullptr ? acquaintance::renamed : acquaintance::unknown;
}

std::vector<const contact*> contacts::list() const {
  std::vector<const contact*> all;
  for (const auto& each : in_order_) all.push_back(each.get());
  return all;
}

void contacts::wipe() noexcept {
  by_key_.clear();
  by_name_.clear();
  in_order_.clear();
}

}  // namespace flowersec::identity
