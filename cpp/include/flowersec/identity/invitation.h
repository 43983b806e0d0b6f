// Invitations: a link that carries a registry, a host and a one-time secret in its fragment, which no server is sent.
// Layer identity. Told the time. Source: IDENTITY, "Invitations".
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flowersec/base/clock.h"
#include "flowersec/identity/call_psk.h"

namespace flowersec::identity {

/// Largest link: what a page or a terminal can make us decode.
inline constexpr std::size_t max_link_bytes = 2048;
inline constexpr std::size_t max_open_invitations = 64;
inline constexpr std::chrono::hours invitation_lifetime{24};
inline constexpr std::size_t invitation_id_bytes = 8;

struct invitation {
  std::string registry_url;  ///< as parse_registry_url() gives it
  public_key registry_key;
  public_key host_key;
  invitation_secret secret;

  /// Errors   no_randomness; bad_invitation for a URL that is none, and for one key in both places.
  [[nodiscard]] static result<invitation> make(std::string_view registry_url, const public_key& registry_key,
                                               const public_key& host_key, random_source& random);
  /// A fragment, or a link with one: everything before the first '#' is ignored.
  /// Shape    "#fsi1=" base64url(JSON {registry_url, registry_key, host_key, secret}).
  /// Errors   bad_invitation.
  [[nodiscard]] static result<invitation> parse(std::string_view link);

  /// With the '#' at its front, to be put behind the URL of a page. Holds the secret.
  [[nodiscard]] std::string fragment() const;
  /// What the guest's first call carries: "inv:" base64url(first 8 bytes of SHA-256(secret)). Not a secret.
  [[nodiscard]] std::string note() const;
};

[[nodiscard]] std::string invitation_note(const invitation_secret& secret);

/// What the host remembers of the links it gave away, until each is used once or lapses: invitation_lifetime after it
/// was given, and as long before, for a clock that was set back. Not thread-safe.
class open_invitations {
 public:
  /// The name is for who comes with it; may be empty.
  /// Errors   too_many, when max_open_invitations have not lapsed.
  [[nodiscard]] result<void> add(const invitation& given, unix_seconds now, std::string guest_name = {});
  /// The secret for a call that carries this note; null for a note that is none, is unknown, was consumed, or lapsed.
  /// Valid until the next call of add() or consume().
  [[nodiscard]] const invitation_secret* find(std::string_view note, unix_seconds now) const noexcept;
  /// After the handshake. False when it was not open.
  bool consume(std::string_view note) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return open_.size(); }

  /// One that was given away: what the identity file keeps of it.
  struct entry {
    std::string note;
    invitation_secret secret;
    unix_seconds given;
    std::string guest_name;
  };
  /// Lapsed ones among them, until the next is added. Valid until the next call of another member.
  [[nodiscard]] std::span<const entry> list() const noexcept { return open_; }
  /// Puts back what list() gave. Errors   too_many; bad_invitation when it is there.
  [[nodiscard]] result<void> restore(const invitation_secret& secret, unix_seconds given, std::string guest_name = {});

 private:
  std::vector<entry> open_;
};

}  // namespace flowersec::identity
