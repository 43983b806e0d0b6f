// What the messenger says: each event as one JSON object for scripts and as lines for people.
// Layer apps. Pure. In the lines for people everything that came from others has gone through display_text(); in JSON
// nothing is changed but that hidden characters are written as escapes. Source: SECURE_WEBSOCKET, "Chat".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/content.h"
#include "flowersec/base/clock.h"
#include "flowersec/base/error.h"
#include "flowersec/identity/contacts.h"

namespace flowersec::apps {

/// One event in both forms.
struct shown {
  std::string json;  ///< one object, no line end
  std::string text;  ///< lines, no line end behind the last; empty: people are not told
  std::string qr{};  ///< what people are also shown as a QR code
};

/// Name of a code for scripts: that of the wire or of the value, where there is one, else its text.
[[nodiscard]] std::string error_name(error_code code);

enum class delivery : std::uint8_t { sending, delivered, failed };

struct status_line {
  std::string registry_url;
  std::string status;
  std::uint64_t registrations = 0;
};
struct status_report {
  std::vector<status_line> registries;
  std::size_t watched = 0;            ///< contacts whose coming and going registries tell us
  std::uint64_t channels = 0;         ///< opened since the start
  std::vector<std::string> called{};  ///< names of contacts with whom there was one
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
};

[[nodiscard]] shown ready(const identity::public_key& self, std::size_t contacts);
[[nodiscard]] shown registry(std::string_view url, std::string_view status, error_code why);
[[nodiscard]] shown channel(const identity::contact& with, std::string_view status, error_code why);
[[nodiscard]] shown presence(const identity::contact& of, bool online);
[[nodiscard]] shown message(const identity::contact& from, std::string_view content,
                            std::optional<std::int64_t> sent_at_ms);
[[nodiscard]] shown delivered(std::uint64_t id, std::string_view to, delivery state, error_code why = {});
[[nodiscard]] shown contact_list(const identity::contacts& known);
/// `what`: added, replaced, verified, unverified, blocked, unblocked, removed, guest, chosen.
[[nodiscard]] shown contact_changed(std::string_view what, const identity::contact& about);
[[nodiscard]] shown fingerprint(const identity::contact& of, const identity::public_key& self);
[[nodiscard]] shown key_warning(const identity::contact& known, const identity::public_key& offered,
                                const identity::public_key& self);
[[nodiscard]] shown stranger(const identity::public_key& from, std::string_view note);
[[nodiscard]] shown call_failure(const identity::public_key& from, const identity::contact* known, error_code why);
[[nodiscard]] shown invitation_link(std::string_view link, unix_seconds lapses, std::string_view guest_name);
[[nodiscard]] shown status(const status_report& report);
[[nodiscard]] shown exported(std::string_view path);
[[nodiscard]] shown imported(std::size_t added, std::size_t known, std::size_t refused);
[[nodiscard]] shown help_lines(std::string_view text);
[[nodiscard]] shown trouble(std::string_view code, std::string_view why);
[[nodiscard]] shown waiting(std::size_t messages);
struct undelivered_message {
  std::uint64_t id = 0;
  std::string to;
  std::string content;
  std::string why;
};
/// The last event.
[[nodiscard]] shown ended(const std::vector<undelivered_message>& undelivered);

}  // namespace flowersec::apps
