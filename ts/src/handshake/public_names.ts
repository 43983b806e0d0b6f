// How the public error model names what ends a handshake.
// Layer handshake. Clients load it when a handshake fails. Source: docs/ERRORS.md.

import type { FlowersecErrorCode, FlowersecStage } from "../base/index.js";
import type { HandshakeErrorCode } from "./error.js";

/** Code and stage; what is not here is handshake_failed, and a stage that is not here is handshake. */
export const publicNames: { readonly [code in HandshakeErrorCode]?: readonly [FlowersecErrorCode, FlowersecStage?] } = {
  wrong_suite: ["invalid_suite"],
  unsupported_frame_version: ["invalid_version"],
  unsupported_init_version: ["invalid_version"],
  timestamp_out_of_skew: ["timestamp_out_of_skew"],
  timestamp_after_init_exp: ["timestamp_after_init_exp"],
  auth_tag_mismatch: ["auth_tag_mismatch"],
  blank_channel_id: ["missing_channel_id", "validate"],
  malformed_channel_id: ["invalid_input", "validate"],
  bad_channel_id: ["invalid_input", "validate"],
  bad_psk: ["invalid_psk", "validate"],
  bad_suite: ["invalid_suite", "validate"],
  missing_init_exp: ["missing_init_exp", "validate"],
  bad_skew: ["invalid_option", "validate"],
  bad_limits: ["invalid_option", "validate"],
  random_failed: ["random_failed", "validate"],
};
