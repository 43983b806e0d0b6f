// What an observer may be told: callbacks, their value sets, and the diagnostic event.
// Layer observability. Types only. Source: PROTOCOL, "Diagnostic event".

import type { FlowersecErrorCode, FlowersecPath } from "../base/index.js";

/** Why a WebSocket did not open. */
export type ConnectReason = "websocket_error" | "websocket_closed" | "timeout" | "canceled";

/** The reasons by which a tunnel refuses an attach; a close with this text has this meaning. */
export type AttachToken =
  | "too_many_connections" | "expected_attach" | "invalid_attach" | "invalid_token" | "channel_mismatch" | "role_mismatch"
  | "init_exp_mismatch" | "idle_timeout_mismatch" | "token_replay" | "tenant_mismatch" | "policy_denied" | "policy_error"
  | "replace_rate_limited" | "attach_failed" | "timeout" | "canceled";

/** Why an attach failed. */
export type AttachReason = AttachToken | "send_failed";

/** Why a handshake failed. */
export type HandshakeReason =
  | "auth_tag_mismatch" | "handshake_failed" | "invalid_suite" | "invalid_version" | "timestamp_after_init_exp"
  | "timestamp_out_of_skew" | "timeout" | "canceled";

/** What went wrong with a WebSocket that was open. */
export type WsErrorReason =
  | "error" | "recv_buffer_exceeded" | "send_buffer_exceeded" | "send_buffer_timeout" | "unexpected_text_frame"
  | "unexpected_message_type";

/** How a call ended; handler_not_found is the peer's code 404. */
export type RpcCallResult = "ok" | "rpc_error" | "handler_not_found" | "transport_error" | "canceled";

/** Where an event happened: a stage of the error model, or what comes before and around it. */
export type DiagnosticStage =
  | "validate" | "normalize" | "scope" | "connect" | "attach" | "handshake" | "transport" | "yamux" | "rpc" | "close" | "reconnect";

/** How it went. `retry`: another attempt follows; `skip`: something was passed over or merely ended. */
export type DiagnosticResult = "ok" | "fail" | "retry" | "skip";

/** Codes of code_domain `event`. */
export type DiagnosticEventCode =
  | "connect_ok" | "attach_ok" | "handshake_ok" | "plaintext_transport" | "scope_ignored_missing_resolver"
  | "scope_ignored_relaxed_validation" | "ws_close_local" | "ws_close_peer_or_error" | "ws_error" | "diagnostics_overflow"
  | "reconnect_attempt" | "reconnect_retry_attempt" | "reconnect_scheduled" | "reconnect_connected" | "reconnect_exhausted"
  | "liveness_timeout" | "queue_pressure" | "stream_rejected" | "resource_limit_reached";

/** One event. It never holds a URL, a token, a key, a stream kind, an RPC type or payload. */
export interface DiagnosticEvent {
  readonly v: 1;
  readonly namespace: "connect";
  readonly path: FlowersecPath;
  readonly stage: DiagnosticStage;
  readonly code_domain: "error" | "event";
  readonly code: DiagnosticEventCode | FlowersecErrorCode;
  readonly result: DiagnosticResult;
  /** Monotonic milliseconds since the current attempt began. */
  readonly elapsed_ms: number;
  /** From 1; counts attempts across reconnects. */
  readonly attempt_seq: number;
  readonly trace_id?: string;
  readonly session_id?: string;
  /** Name of a limited resource, how much of it is used, and its limit. */
  readonly resource?: string;
  readonly current?: number;
  readonly limit?: number;
}

/** An event before the context is filled in. `code_domain` is `event` unless given. */
export type DiagnosticEventInput = Pick<DiagnosticEvent, "stage" | "code" | "result"> &
  Partial<Pick<DiagnosticEvent, "code_domain" | "path" | "resource" | "current" | "limit">>;

/** Callbacks, told in order and never from inside the call they are about. What they throw is swallowed. */
export interface ClientObserver {
  /** The WebSocket opened, or why not; seconds since dialling began. */
  onConnect(path: FlowersecPath, result: "ok" | "fail", reason: ConnectReason | undefined, elapsedSeconds: number): void;
  /** `ok` once the handshake has succeeded: only then the attach is known to be accepted. */
  onAttach(result: "ok" | "fail", reason: AttachReason | undefined): void;
  /** The handshake succeeded, or why not; seconds since it began. */
  onHandshake(path: FlowersecPath, result: "ok" | "fail", reason: HandshakeReason | undefined, elapsedSeconds: number): void;
  /** The WebSocket was closed, from here or not; `code` is the close code, 1006 where there was none. */
  onWsClose(kind: "local" | "peer_or_error", code: number | undefined): void;
  /** What ended the WebSocket other than a close. */
  onWsError(reason: WsErrorReason): void;
  /** A call ended; seconds since it was made. */
  onRpcCall(result: RpcCallResult, elapsedSeconds: number): void;
  /** A notification came. */
  onRpcNotify(): void;
  /** One event, for whatever the other callbacks are told and more. */
  onDiagnosticEvent(event: DiagnosticEvent): void;
}

/** An observer as a caller writes it: any of the callbacks. */
export type ClientObserverLike = Partial<ClientObserver>;

/** What the events of one attempt have in common. */
export interface ObserverContext {
  path?: FlowersecPath;
  traceId?: string;
  sessionId?: string;
  /** From 1, the default. */
  attemptSeq?: number;
  /** On the clock of nowSeconds, in milliseconds. Default: when the observer was normalised. */
  attemptStartMs?: number;
  /** Items waiting to be told; at least 4, default 64, also instead of what is no finite number. */
  maxQueuedItems?: number;
}
