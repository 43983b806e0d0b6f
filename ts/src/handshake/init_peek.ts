// A look at an INIT before any credential is known, for servers that resolve the credential by channel.
// Layer handshake. Nothing seen here is authenticated: it may choose a credential, it may not consume one.
// Source: PROTOCOL, "Endpoint, direct".

import { e2eeDefaults, maxChannelIdBytes, orDefault, trimmed, utf8 } from "../base/index.js";
import type { SuiteId } from "../crypto/index.js";
import { decodeE2EE_Init } from "../gen/flowersec/e2ee/v1.gen.js";
import { HandshakeError } from "./error.js";
import { decodeMessage, payloadOf, typeInit } from "./frame.js";

/** What a resolver is told. */
export interface InitPeek {
  channelId: string;
  version: number;
  suite: SuiteId;
  clientFeatures: number;
}

/**
 * Checks the structure only; the same frame is given to the handshake afterwards. `maxPayloadBytes` left out or 0: 8192.
 * Throws FramingError, then HandshakeError malformed_message, blank_channel_id, malformed_channel_id, unsupported_init.
 */
export function peekInit(frame: Uint8Array, maxPayloadBytes?: number): InitPeek {
  const limit = orDefault(maxPayloadBytes, e2eeDefaults.maxHandshakePayload);
  const init = decodeMessage(decodeE2EE_Init, payloadOf(typeInit, frame, limit));
  const channelId = init.channel_id;
  const kept = trimmed(channelId);
  if (kept === "") throw new HandshakeError("blank_channel_id");
  if (kept !== channelId || utf8(channelId).length > maxChannelIdBytes) throw new HandshakeError("malformed_channel_id");
  if (init.version !== 1 || init.role !== 1) throw new HandshakeError("unsupported_init");
  return { channelId, version: init.version, suite: init.suite, clientFeatures: init.client_features };
}
