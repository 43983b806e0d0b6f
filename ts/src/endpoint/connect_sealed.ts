// Connecting to a server whose public key is known beforehand: the pre-shared key travels in the first message, sealed to it.
// Layer endpoint. Source: PROTOCOL, "Sealed open: message".

import { encodeBase64url, pskBytes, randomBytes, trimmed, wipe, withDeadline, type Awaitable, type FlowersecError } from "../base/index.js";
import { defaultCrypto, suiteX25519 } from "../crypto/index.js";
import { clientHandshake, type SecureChannel } from "../e2ee/index.js";
import { isSuite, type Suite } from "../gen/flowersec/controlplane/v1.gen.js";
import { nowSeconds, type ClientObserver } from "../observability/index.js";
import { encodeOpen, parseServerKey, sealPsk, serverKeyId } from "../sealed/index.js";
import { failure, isAbort, isTimeout, noLiveness, offeredFeatures, startClient, type Client } from "../session/index.js";
import { closing, dial, enforcePolicy, handshakeFailed, handshakeSucceeded } from "./dial.js";
import { observerOf } from "./observer_of.js";
import { checkedOptions, checkOrigin, type DialOptions, type DirectConnectOptions } from "./options.js";

/** Where a server is, and which it is. */
export interface SealedConnectInfo {
  readonly wsUrl: string;
  /** Public keys as base64url, 43 characters each; the first one is used, and nothing makes another one be used. */
  readonly serverKeys: readonly string[];
  /** Of the handshake: 1 is X25519, the default, 2 is P-256. */
  readonly suite?: Suite | undefined;
}

const path = "direct";
const channelIdBytes = 24;

interface SealedPlan {
  readonly url: string;
  readonly serverKey: Uint8Array;
  readonly suite: Suite;
}

/** Errors: validate/missing_ws_url, invalid_suite; invalid_input for keys, and for what is no info. */
function checkSealed(info: SealedConnectInfo): SealedPlan {
  const { wsUrl, serverKeys, suite = suiteX25519 } = Object(info) as SealedConnectInfo;
  const url = trimmed(wsUrl);
  if (!url) throw failure(path, "validate", "missing_ws_url");
  if (!isSuite(suite)) throw failure(path, "validate", "invalid_suite");
  const keys = Array.isArray(serverKeys) ? serverKeys.map(parseServerKey) : [];
  const [serverKey] = keys;
  // A typing error in any of them is found now, and not when the first one is taken away.
  if (serverKey === undefined || keys.includes(undefined)) throw failure(path, "validate", "invalid_input");
  return { url, serverKey, suite };
}

/** How an attempt is made, beside its options: checked, and told of. */
export interface SealedAttempt {
  readonly connectTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  readonly observer: ClientObserver;
  /** The error of a handshake that failed. */
  readonly failed: (startedAt: number, error: unknown) => Awaitable<FlowersecError>;
}

/**
 * From an info to an authenticated channel, without a session on it. Somebody else has judged the URL. Errors as connectSealed, up to
 * stage handshake.
 */
export async function openSealed(info: SealedConnectInfo, options: DialOptions, attempt: SealedAttempt): Promise<SecureChannel> {
  const { connectTimeoutMs, handshakeTimeoutMs, observer } = attempt;
  const { url, serverKey, suite } = checkSealed(info);
  const origin = checkOrigin(path, options?.origin);
  const psk = randomBytes(pskBytes);
  const channelId = encodeBase64url(randomBytes(channelIdBytes));
  let toClose: { close(): void } = { close() {} };
  try {
    const open = await opening(serverKey, channelId, suite, psk, connectTimeoutMs, options);
    const { ws, transport } = await dial(path, url, origin, options, connectTimeoutMs, observer);
    toClose = transport;
    const startedAt = nowSeconds();
    try {
      ws.send(open);
      const channel = await clientHandshake(transport, { ...options, channelId, suite, psk, timeoutMs: handshakeTimeoutMs });
      handshakeSucceeded(path, startedAt, observer);
      return channel;
    } catch (error) {
      throw await attempt.failed(startedAt, error);
    }
  } catch (error) {
    throw closing(error, toClose);
  } finally {
    wipe(psk);
  }
}

/** The text of the open message. Errors: validate/invalid_input for a key of small order; of connect: timeout, canceled, dial_failed. */
async function opening(
  serverKey: Uint8Array,
  channelId: string,
  suite: Suite,
  psk: Uint8Array,
  timeoutMs: number,
  { signal, clock }: DialOptions,
): Promise<string> {
  const sealing = (async () => {
    const crypto = await defaultCrypto();
    return encodeOpen({ channelId, suite, kid: await serverKeyId(crypto, serverKey), sealed: await sealPsk(serverKey, channelId, psk, crypto) });
  })();
  // Primitives may have to be loaded.
  return withDeadline(sealing, { signal, timeoutMs, clock }).catch((cause: unknown) => {
    if ((cause as { code?: unknown }).code === "bad_key") throw failure(path, "validate", "invalid_input", cause);
    throw failure(path, "connect", isAbort(cause) ? "canceled" : isTimeout(cause) ? "timeout" : "dial_failed", cause);
  });
}

/**
 * Connects to a server that is known by its public key. Who sits in between can neither read, change nor add anything: the
 * handshake fails unless the other side holds the private half of `serverKeys[0]`. Errors: FlowersecError of path direct, stages
 * validate (nothing was dialled), connect, handshake, yamux, rpc. A server's reason for closing is in the `cause`, a WsCloseError,
 * and was not authenticated.
 */
export async function connectSealed(info: SealedConnectInfo, options: DirectConnectOptions): Promise<Client> {
  const { url } = checkSealed(info);
  const { liveness, ...times } = await checkedOptions(path, options ?? {}, noLiveness);
  checkOrigin(path, options?.origin);
  const observer = await observerOf(options, { path });
  const { signal, clock } = options;
  const withFeatures = { ...options, clientFeatures: offeredFeatures(options.clientFeatures, options.yamuxLimits) };
  await enforcePolicy(path, url, options, "connect", times.connectTimeoutMs, observer);
  const failed = (startedAt: number, error: unknown) => handshakeFailed(path, startedAt, observer, error);
  const channel = await openSealed(info, withFeatures, { ...times, observer, failed });
  const started = startClient({ ...options, path, channel, observer, liveness, endpointInstanceId: undefined });
  return withDeadline(started, { signal, timeoutMs: times.handshakeTimeoutMs, clock }, () => channel.close()).catch((error: unknown) => {
    throw closing(isTimeout(error) || isAbort(error) ? failure(path, "yamux", isTimeout(error) ? "timeout" : "canceled", error) : error, channel);
  });
}
