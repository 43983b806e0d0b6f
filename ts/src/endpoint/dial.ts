// From a URL to an open WebSocket under a policy, attached to its tunnel where there is one; and what went wrong on the way.
// Layer endpoint. Source: PROTOCOL, "Opening handshake", "Attach message", "Attach reasons".

import { deferred, withDeadline, type FlowersecError, type FlowersecPath } from "../base/index.js";
import type { Attach } from "../gen/flowersec/tunnel/v1.gen.js";
import { nowSeconds, tell, type AttachToken, type ClientObserver, type ConnectReason, type HandshakeReason } from "../observability/index.js";
import { failure, howEnded, isAbort, isTimeout } from "../session/index.js";
import { createPlatformWebSocket, pageOrigin } from "../ws/browser/factory.js";
import { listen, WsCloseError, type WebSocketEvents, type WebSocketFactory, type WebSocketLike } from "../ws/socket.js";
import { SocketTransport } from "../ws/transport.js";
import type { TunnelPlan } from "./inputs.js";
import { invalidOption, loaded, type CommonOptions, type DialOptions } from "./options.js";

const openState = 1;
/** What requiring TLS lets pass, but for rare ports and characters. */
const usualUrl = /^wss:\/\/[a-z0-9.-]+(:\d{1,4})?([/?#]|$)/i;

/** Asks the policy, with code that loads unless the answer is plain. Errors: validate/transport_policy_denied; connect/dial_failed; timeout and canceled of `stage`. */
export async function enforcePolicy(
  path: FlowersecPath,
  url: string,
  options: CommonOptions,
  stage: "connect" | "handshake",
  timeoutMs: number,
  observer?: ClientObserver,
): Promise<void> {
  const { transportSecurityPolicy: policy = "require_tls", signal } = options;
  if (policy === "require_tls" && usualUrl.test(url)) return;
  const { askPolicy } = await loaded(path, import("./check_options.js"), signal);
  await askPolicy(path, url, options, stage, timeoutMs, observer, { failure, isAbort, isTimeout, tell, withDeadline });
}

/** Opens a WebSocket. Errors: validate/invalid_option, connect/timeout, connect/canceled, connect/dial_failed. */
export async function dial(
  path: FlowersecPath,
  url: string,
  origin: string,
  options: DialOptions,
  timeoutMs: number,
  observer: ClientObserver,
): Promise<{ ws: WebSocketLike; transport: SocketTransport }> {
  const { signal, clock, webSocketLimits } = options;
  const startedAt = nowSeconds();
  const told = (reason?: ConnectReason) => observer.onConnect(path, reason ? "fail" : "ok", reason, nowSeconds() - startedAt);
  if (signal?.aborted) {
    told("canceled");
    throw failure(path, "connect", "canceled", signal.reason);
  }
  const factory = factoryFor(path, origin, options.wsFactory);
  let ws: WebSocketLike;
  try {
    ws = factory(url, origin);
  } catch (cause) {
    told("websocket_error");
    throw failure(path, "connect", "dial_failed", cause);
  }
  try {
    const { opening, stop } = opened(ws, () => new SocketTransport(ws, { webSocketLimits, observer, clock }));
    const transport = await withDeadline(opening, { signal, timeoutMs, clock }, stop);
    told();
    return { ws, transport };
  } catch (cause) {
    const code = howEnded(cause, "dial_failed");
    told(code !== "dial_failed" ? code : cause instanceof WsCloseError ? "websocket_closed" : "websocket_error");
    throw closing(failure(path, "connect", code, cause), ws);
  }
}

function factoryFor(path: FlowersecPath, origin: string, given: WebSocketFactory | undefined): WebSocketFactory {
  if (typeof given === "function") return given;
  if (given !== undefined) throw invalidOption(path, "wsFactory must be a function");
  const page = pageOrigin();
  if (!page) throw invalidOption(path, "no wsFactory");
  if (page !== origin) throw invalidOption(path, "origin must be the page's");
  return createPlatformWebSocket;
}

/** What `then` makes of the socket once it is open, in the same turn: no message comes before its listeners. */
function opened<T>(ws: WebSocketLike, then: () => T): { opening: Promise<T>; stop: () => void } {
  const { promise: opening, resolve, reject } = deferred<T>();
  const open = () => {
    stop();
    resolve(then());
  };
  const close = ({ code = 1006, reason = "" }: WebSocketEvents["close"]) => {
    stop();
    reject(new WsCloseError(code, reason));
  };
  const error = (event: unknown) => {
    stop();
    reject(new Error("websocket: error", { cause: event }));
  };
  const stop = listen(ws, { open, close, error });
  if (ws.readyState === openState) open();
  else if (ws.readyState > openState) close({});
  return { opening, stop };
}

/** Sends the attach message, as text. Errors: attach/attach_failed. */
export function attach(ws: WebSocketLike, plan: TunnelPlan, observer: ClientObserver): void {
  const { channelId: channel_id, role, token, endpointInstanceId: endpoint_instance_id } = plan;
  // All of it was checked with the grant.
  const message: Attach = { v: 1, channel_id, role, token, endpoint_instance_id };
  try {
    ws.send(JSON.stringify(message));
  } catch (cause) {
    observer.onAttach("fail", "send_failed");
    throw failure("tunnel", "attach", "attach_failed", cause);
  }
}

/** Tells that the handshake succeeded; an attach is known to be accepted only now. */
export function handshakeSucceeded(path: FlowersecPath, startedAt: number, observer: ClientObserver): void {
  if (path === "tunnel") observer.onAttach("ok", undefined);
  observer.onHandshake(path, "ok", undefined, nowSeconds() - startedAt);
}

/** Tells how the handshake failed, and returns the error. */
export async function handshakeFailed(path: FlowersecPath, startedAt: number, observer: ClientObserver, error: unknown): Promise<FlowersecError> {
  const elapsed = nowSeconds() - startedAt;
  const isTunnel = path === "tunnel";
  const general = howEnded(error, "handshake_failed");
  // An error whose name cannot be loaded has the general one.
  const names = general === "handshake_failed" ? await import("./failure_names.js").catch(() => undefined) : undefined;
  const [code, stage = "handshake"] = names?.nameOf(error, isTunnel) ?? [general];
  if (stage === "attach") {
    observer.onAttach("fail", code as AttachToken);
  } else {
    if (isTunnel) observer.onAttach("fail", code === "timeout" || code === "canceled" ? code : "attach_failed");
    observer.onHandshake(path, "fail", stage === "handshake" ? (code as HandshakeReason) : "handshake_failed", elapsed);
  }
  return failure(path, stage, code, error);
}

/** Closes, and gives the error back; what closing throws joins its cause. */
export function closing(error: unknown, what: { close(): void }): unknown {
  try {
    what.close();
  } catch (also) {
    if (!(error instanceof Error)) return error;
    error.cause = new AggregateError(error.cause === undefined ? [also] : [error.cause, also], "closing failed");
  }
  return error;
}
