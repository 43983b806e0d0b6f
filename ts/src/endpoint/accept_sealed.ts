// The server role for clients that know the server's public key: the first message is text and brings the pre-shared key.
// Layer endpoint. The key belongs to this socket alone: two clients that pick the same channel id do not disturb each other.
// Source: PROTOCOL, "Sealed open: message".

import { Deadline, deferred, systemClock, wipe } from "../base/index.js";
import { isSuite, type Suite } from "../gen/flowersec/controlplane/v1.gen.js";
import { decodeOpen, maxOpenBytes, SealedError, type OpenMessage, type SealedErrorCode } from "../sealed/index.js";
import type { ServerKeyPair } from "../sealed/key_pair.js";
import { failure, isTimeout, noLiveness, type Session } from "../session/index.js";
import { boundMessages, guard, isOverLimit } from "../ws/bound.js";
import { listen, WsCloseError, type WebSocketEvents, type WebSocketLike } from "../ws/socket.js";
import { SocketTransport } from "../ws/transport.js";
import { authenticate, handshakeFailure } from "./accept.js";
import * as checks from "./check_options.js";
import { closing, enforcePolicy } from "./dial.js";
import { filled, invalidOption, type DirectAcceptOptions } from "./options.js";

/** How a server knows itself. */
export interface SealedCredentials {
  /** Every one of them is accepted. A function is asked once for each open message, so that keys can be replaced. */
  readonly keys: readonly ServerKeyPair[] | (() => readonly ServerKeyPair[]);
  /** Of the handshake. Default: both. */
  readonly suites?: readonly Suite[] | undefined;
  /** Until the open message is there, in milliseconds. Default 5000; 0: the handshake time-out alone. */
  readonly openTimeoutMs?: number | undefined;
}

const path = "direct";
/** Policy: what was refused before anything was authenticated. */
const refusalCloseCode = 1008;
const defaultOpenTimeoutMs = 5_000;
/** How long after its open message an INIT is taken. */
const initWindowSeconds = 60;
/** Clocks of browsers are often wrong; fresh keys and nonces of the server stop replays already. */
const sealedClockSkewMs = 86_400_000;

/**
 * The server's handshake in sealed mode on an accepted WebSocket. A client that is refused before the handshake is closed with code 1008 and
 * the reason `open_timeout`, `invalid_open` or `unknown_key`. Errors: FlowersecError of path direct, stages validate and handshake; a SealedError
 * with that reason as code is the cause. Each closes the socket. The clock skew is 24 h unless the options say otherwise.
 */
export async function acceptSealed(socket: WebSocketLike, credentials: SealedCredentials, options: DirectAcceptOptions = {}): Promise<Session> {
  if (socket === undefined || socket === null) throw failure(path, "validate", "missing_conn");
  let toClose: { close(): void } = socket;
  options ??= {};
  try {
    guard(socket, options);
    const checked = filled(path, options, noLiveness, checks);
    const { suites, openTimeoutMs } = checkCredentials(credentials);
    // Before anything is awaited: what the client has sent already is not lost.
    const first = firstText(socket, options);
    const deadline = new Deadline(checked.handshakeTimeoutMs, options.clock);
    const openDeadline = new Deadline(Math.min(openTimeoutMs || Infinity, deadline.leftMs()), options.clock);
    const url = (options.secureTransport ?? true) ? "wss://localhost/" : "ws://localhost/";
    await enforcePolicy(path, url, options, "handshake", checked.handshakeTimeoutMs);
    const { text, transport } = await openDeadline.wait(first, options.signal).catch((error: unknown) => {
      throw isTimeout(error) ? new SealedError("open_timeout", { cause: error }) : error;
    });
    toClose = transport;
    const { channelId, suite, psk } = await opened(text, credentials, suites);
    try {
      const initExpireAtUnixS = (options.clock ?? systemClock).unixSeconds() + initWindowSeconds;
      const whole = { ...options, handshakeClockSkewMs: options.handshakeClockSkewMs ?? sealedClockSkewMs };
      return await authenticate(transport, { channelId, suite, psk, initExpireAtUnixS }, checked, whole, deadline);
    } finally {
      wipe(psk);
    }
  } catch (error) {
    if (!(error instanceof SealedError)) throw closing((error as Error).name === "FlowersecError" ? error : handshakeFailure(path, error), toClose);
    socket.close(refusalCloseCode, error.code);
    throw closing(failure(path, "handshake", error.code === "open_timeout" ? "timeout" : "handshake_failed", error), toClose);
  }
}

function checkCredentials(given: SealedCredentials): { suites: readonly Suite[]; openTimeoutMs: number } {
  const { keys, suites = [1, 2], openTimeoutMs = defaultOpenTimeoutMs } = Object(given) as SealedCredentials;
  if (typeof keys !== "function" && (!Array.isArray(keys) || keys.length === 0)) throw invalidOption(path, "no keys");
  if (!Array.isArray(suites) || !suites.every(isSuite)) throw failure(path, "validate", "invalid_suite");
  if (!(Number.isFinite(openTimeoutMs) && openTimeoutMs >= 0)) throw invalidOption(path, "openTimeoutMs must be a number >= 0");
  return { suites, openTimeoutMs };
}

/**
 * The first message, and a transport that has everything behind it. Rejects with SealedError invalid_open for binary and for a message that is too
 * long, else with what ended the socket. Until then nobody makes a socket of the `ws` package hold more than maxOpenBytes.
 */
function firstText(socket: WebSocketLike, { webSocketLimits, clock }: DirectAcceptOptions): Promise<{ text: string; transport: SocketTransport }> {
  const { promise, resolve, reject } = deferred<{ text: string; transport: SocketTransport }>();
  const invalid: SealedErrorCode = "invalid_open";
  const unbound = boundMessages(socket, maxOpenBytes, refusalCloseCode, invalid);
  // The bound stays: whoever was refused may go on sending until the socket is closed.
  const end = (error: Error) => {
    stop();
    reject(error);
  };
  const message = ({ data }: WebSocketEvents["message"]) => {
    if (typeof data !== "string") return end(new SealedError(invalid));
    stop();
    unbound();
    resolve({ text: data, transport: new SocketTransport(socket, { webSocketLimits, clock }) });
  };
  const close = ({ code = 1006, reason = "" }: WebSocketEvents["close"]) => end(new WsCloseError(code, reason));
  const error = (event: unknown) => end(isOverLimit(event) ? new SealedError(invalid) : new Error("websocket: error", { cause: event }));
  const stop = listen(socket, { message, close, error });
  if (socket.readyState >= 2) close({});
  promise.catch(() => {}); // somebody may have given up before
  return promise;
}

/** What an open message says, its box opened. Throws SealedError invalid_open, also for a box that does not open, and unknown_key. */
async function opened(text: string, { keys }: SealedCredentials, suites: readonly Suite[]): Promise<OpenMessage & { psk: Uint8Array }> {
  const message = decodeOpen(text);
  if (!suites.includes(message.suite)) throw new SealedError("invalid_open");
  let known: readonly ServerKeyPair[];
  try {
    known = await (typeof keys === "function" ? keys() : keys); // async, against its type: it may fail all the same
  } catch (cause) {
    throw failure(path, "validate", "resolve_failed", cause);
  }
  const pair = known.find(({ kid }) => kid === message.kid);
  if (pair === undefined) throw new SealedError("unknown_key");
  const psk = await pair.open(message.channelId, message.sealed).catch(() => {
    throw new SealedError("invalid_open");
  });
  return { ...message, psk };
}
