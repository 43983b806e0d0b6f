// One connection to a registry: texts inside the sealed mode, or on a WebSocket.
// Layer rendezvous. What the texts say is a machine's business. Source: RENDEZVOUS, "Transport".

import { deferred, systemClock, transportDefaults, utf8, withDeadline, type Clock } from "../base/index.js";
import { openSealed } from "../endpoint/connect_sealed.js";
import type { DialOptions } from "../endpoint/options.js";
import { isLoopbackHost } from "../endpoint/plaintext.js";
import type { PublicKey } from "../identity/index.js";
import { NoopObserver } from "../observability/noop.js";
import { JsonFramingError } from "../framing/json_frame.js";
import { failure, isAbort, isTimeout } from "../session/failure.js";
import { SessionLink } from "../session/link.js";
import { wsPlatform } from "#ws-platform";
import { boundMessages, isOverLimit } from "../ws/bound.js";
import { listen, WsCloseError, type WebSocketLike } from "../ws/socket.js";
import type { ChannelOptions } from "./channel.js";
import { RendezvousError, type RendezvousErrorCode } from "./error.js";
import { FrameStream, type TextEvents, type TextLink } from "./frame_stream.js";
import { maxRegistryFrameBytes, registryStreamKind, sealedPath, textPath } from "./limits.js";

/** `sealed`: who ends TLS on the way learns nothing. `text`: frames as they are, for who looks for errors. */
export type RegistryTransport = "sealed" | "text";

/** Frames of ours that may wait for a registry that does not read. */
const maxWaitingBytes = 262_144;
/** What a registry hears whose frame is too long, where that shows at its header. */
const tooBig = 1009;

const schemes: Readonly<Record<string, "ws" | "wss">> = { "ws:": "ws", "http:": "ws", "wss:": "wss", "https:": "wss" };

/** `https:` is taken as `wss:`; plaintext only to this machine; a path of the protocol is left out. Throws RendezvousError invalid_url. */
export function checkRegistryUrl(given: unknown): { url: string; origin: string } {
  let parsed: URL | undefined;
  try {
    parsed = new URL(String(given));
  } catch {
    // Said below.
  }
  const scheme = schemes[parsed?.protocol ?? ""];
  if (typeof given !== "string" || parsed === undefined || scheme === undefined) throw new RendezvousError("invalid_url", "an absolute wss: URL is needed");
  const { host, hostname, pathname, search, hash, username, password } = parsed;
  if (username !== "" || password !== "" || search !== "" || hash !== "") throw new RendezvousError("invalid_url", "no user, query or fragment");
  if (scheme === "ws" && !isLoopbackHost(hostname.replace(/^\[|\]$/g, ""))) throw new RendezvousError("invalid_url", "plaintext only to this machine");
  const path = [textPath, sealedPath, "/"].reduce((left, suffix) => (left.endsWith(suffix) ? left.slice(0, -suffix.length) : left), pathname);
  return { url: `${scheme}://${host}${path}`, origin: `${scheme === "ws" ? "http" : "https"}://${host}` };
}

/** What a dial needs: those of the stack, with the platform's WebSocket and origin where nothing is said. */
export function dialOptions(given: Partial<DialOptions>, origin: string): DialOptions {
  return { ...given, origin: wsPlatform.place().origin ?? given.origin ?? origin, wsFactory: given.wsFactory ?? wsPlatform.webSocket };
}

/** The same for channels by way of a registry: one that is on this machine, without TLS, may have its tunnel here as well. */
export function channelOptions(given: Partial<ChannelOptions>, registryUrl: string, clock: Clock): ChannelOptions {
  const transportSecurityPolicy = given.transportSecurityPolicy ?? (registryUrl.startsWith("ws:") ? "allow_plaintext_for_loopback" : "require_tls");
  return { ...given, ...dialOptions(given, checkRegistryUrl(registryUrl).origin), transportSecurityPolicy, clock };
}

/** Opens a connection. Errors: those of the stack; nothing is left open then. `events` is told nothing before this resolves. */
export function openRegistry(url: string, transport: RegistryTransport, pin: PublicKey, options: DialOptions, events: TextEvents): Promise<TextLink> {
  return transport === "sealed" ? openStream(url + sealedPath, pin, options, events) : openText(url + textPath, options, events);
}

async function openStream(wsUrl: string, pin: PublicKey, options: DialOptions, events: TextEvents): Promise<TextLink> {
  const failed = (_: number, error: unknown) => failure("direct", "handshake", isTimeout(error) ? "timeout" : "handshake_failed", error);
  const channel = await openSealed({ wsUrl, serverKeys: [pin.text] }, options, { ...transportDefaults, observer: NoopObserver, failed });
  const link = new SessionLink({ path: "direct", client: true, channel, clock: options.clock });
  const close = () => {
    try {
      link.close();
    } catch {
      // The socket's business.
    }
  };
  try {
    const stream = await link.openStream(registryStreamKind, { signal: options.signal });
    const onLost = (error: unknown) => {
      const why = link.error ?? error;
      close();
      events.onLost(why);
    };
    const frames = new FrameStream(stream, maxRegistryFrameBytes, maxWaitingBytes, { onText: events.onText, onLost });
    return {
      send: (text) => frames.send(text),
      close() {
        frames.close();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** A WebSocket of text frames. Errors as openRegistry(). */
export async function openText(url: string, { wsFactory, origin, signal, clock = systemClock }: DialOptions, events: TextEvents): Promise<TextLink> {
  let ws: WebSocketLike;
  try {
    ws = (wsFactory as NonNullable<typeof wsFactory>)(url, origin);
  } catch (cause) {
    throw failure("direct", "connect", "dial_failed", cause);
  }
  const early: (() => void)[] = [];
  const opened = deferred<void>();
  const state = { isOpen: false, isOver: false, isClosed: false };
  const tell = (what: () => void) => void (state.isOpen ? what() : early.push(what));
  const lose = (error: unknown) => {
    opened.reject(error);
    if (state.isOver) return;
    state.isOver = true;
    stop();
    ws.close(1000);
    tell(() => events.onLost(error));
  };
  const bad = () => lose(new RendezvousError("invalid_frame"));
  const stop = listen(ws, {
    open: () => {
      boundMessages(ws, maxRegistryFrameBytes, tooBig, "");
      opened.resolve();
    },
    message: ({ data }) => {
      if (typeof data !== "string" || utf8(data).length > maxRegistryFrameBytes) bad();
      else tell(() => events.onText(data));
    },
    close: ({ code = 1006, reason = "" }) => lose(new WsCloseError(code, reason)),
    error: (event) => (isOverLimit(event) ? bad() : lose(new Error("websocket: error", { cause: event }))),
  });
  try {
    await withDeadline(opened.promise, { signal, timeoutMs: transportDefaults.connectTimeoutMs, clock });
  } catch (cause) {
    lose(cause);
    throw failure("direct", "connect", isAbort(cause) ? "canceled" : isTimeout(cause) ? "timeout" : "dial_failed", cause);
  }
  // What came with the opening is told in a later turn, as everything else.
  queueMicrotask(() => {
    state.isOpen = true;
    for (const what of early.splice(0)) if (!state.isClosed) what();
  });
  return {
    send(text) {
      if (state.isOver) return;
      if (ws.bufferedAmount > maxWaitingBytes) return lose(new RendezvousError("connection_lost", "the registry does not read"));
      ws.send(text);
    },
    close() {
      state.isClosed = true;
      if (state.isOver) return;
      state.isOver = true;
      stop();
      ws.close(1000);
    },
  };
}

const deepestCause = 16;

function closeReason(error: unknown, depth = 0): string | undefined {
  if (typeof error !== "object" || error === null || depth > deepestCause) return undefined;
  return error instanceof WsCloseError ? error.reason : closeReason((error as { cause?: unknown }).cause, depth + 1);
}

/** As a RendezvousError, which it is the cause of. Before the handshake anybody on the way may have said a reason: it chooses a word, nothing else. */
export function nameFailure(error: unknown): RendezvousError {
  if (error instanceof RendezvousError) return error;
  if (error instanceof JsonFramingError) return new RendezvousError("invalid_frame", undefined, { cause: error });
  const { stage } = Object(error) as { stage?: unknown };
  const reason = closeReason(error);
  const codes: Readonly<Record<string, RendezvousErrorCode>> = { unknown_key: "unknown_registry_key", rate_limited: "rate_limited", shutting_down: "shutting_down", replaced: "replaced" };
  const said = stage === "handshake" ? codes[reason ?? ""] : undefined;
  const code = said ?? (stage === "validate" ? "invalid_option" : stage === "connect" ? "connect_failed" : stage === "handshake" ? "handshake_failed" : "connection_lost");
  return new RendezvousError(code === "replaced" ? "connection_lost" : code, undefined, { cause: error });
}
