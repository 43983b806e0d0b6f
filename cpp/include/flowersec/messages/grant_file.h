// Reads grants and direct infos as files and tools carry them: raw, or wrapped as {"grant_client": {...}} or
// {"grant_server": {...}}.
// Layer messages. Source: PROTOCOL, "Messages".
#pragma once

#include <string_view>

#include "flowersec/messages/controlplane_v1.h"
#include "flowersec/messages/direct_v1.h"

namespace flowersec::messages {

/// A raw grant or one wrapped in `grant_client` (or, for the server, `grant_server`); other keys beside the wrapper
/// are ignored.
/// Errors   not_an_object; bad_field, also when the wrapper holds null; wrong_role.
/// Limits   max_text_bytes.
[[nodiscard]] decoded<controlplane::v1::channel_init_grant> read_client_grant(std::string_view text);
[[nodiscard]] decoded<controlplane::v1::channel_init_grant> read_server_grant(std::string_view text);

/// A raw grant of either role.
[[nodiscard]] decoded<controlplane::v1::channel_init_grant> read_raw_grant(std::string_view text);

/// Unknown keys are ignored: tools write their version beside the fields.
[[nodiscard]] decoded<direct::v1::direct_connect_info> read_direct_info(std::string_view text);

}  // namespace flowersec::messages
