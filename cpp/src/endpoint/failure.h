// Turns the errors of the layers below into {path, stage, code}. Layer endpoint, private. The only place that does.
// Source: PROTOCOL, "Error model"; "Attach reasons".
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "flowersec/endpoint/error.h"
#include "flowersec/endpoint/observer.h"
#include "flowersec/session/link.h"
#include "flowersec/ws/close.h"
#include "teller.h"

namespace flowersec::endpoint {

/// A failed operation on a session that is or was up.
[[nodiscard]] error_info operation_failure(path on, const error_code& why);

/// A session that did not come up. Through a tunnel, the reason the tunnel gave decides; its close code does not.
[[nodiscard]] error_info startup_failure(path on, const ::flowersec::session::link_end& end);

/// A session that was up and has ended.
[[nodiscard]] error_info end_of_session(path on, const ::flowersec::session::link_end& end);

/// An error of the handshake layer, or of the options it was given.
[[nodiscard]] error_info handshake_failure(path on, const error_code& why);

/// The attach code that a tunnel's close reason stands for.
[[nodiscard]] std::optional<endpoint_errc> attach_code_of(std::string_view reason) noexcept;

/// What a server of public-key mode meant by its close reason. Nobody vouches for it: fit to be shown, not to be acted
/// on.
[[nodiscard]] std::optional<endpoint_errc> open_code_of(std::string_view reason) noexcept;

/// Also tells of every limit that an operation hits.
[[nodiscard]] ::flowersec::session::error_names names_for(path on, teller events);

/// Tells what a session reports beside its operations; empty when nobody watches. A liveness time-out is told on
/// clients only.
[[nodiscard]] std::function<void(const ::flowersec::session::incident&)> reporter_for(path on, bool client,
                                                                                      teller events);

/// Tells how a session ended, once it has.
void tell_end(::flowersec::session::link& of, teller events);

/// Whether the other side said that it is going away, so that everybody it told will be back at the same time: how a
/// session ended, what a close frame said, what a WebSocket could not be opened for.
[[nodiscard]] bool is_draining(const ::flowersec::session::link_end& end) noexcept;
[[nodiscard]] bool is_going_away(const std::optional<ws::close_payload>& said) noexcept;
[[nodiscard]] bool is_unavailable(const error_code& not_opened) noexcept;

/// Whether the WebSocket failed, rather than being closed by somebody. An end without a word is how some close.
[[nodiscard]] bool is_broken(const ::flowersec::session::link_end& end) noexcept;

}  // namespace flowersec::endpoint
