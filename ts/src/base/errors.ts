// The errors a caller meets, in every layer.
// Layer base. Source: docs/ERRORS.md.

import { isPromise } from "./awaitable.js";

/** How a connection came to be; `auto` until an artifact has said which. */
export type FlowersecPath = "auto" | "tunnel" | "direct";

/** Where a failure happened. */
export type FlowersecStage = "validate" | "connect" | "attach" | "handshake" | "secure" | "yamux" | "rpc" | "close";

/** What happened; docs/ERRORS.md says for each code what ended and what the caller may do next. */
export type FlowersecErrorCode =
  | "invalid_input" | "invalid_option" | "missing_grant" | "missing_connect_info" | "missing_conn" | "role_mismatch"
  | "missing_tunnel_url" | "missing_ws_url" | "missing_origin" | "missing_channel_id" | "missing_token"
  | "missing_init_exp" | "invalid_psk" | "invalid_suite" | "invalid_version" | "invalid_endpoint_instance_id"
  | "resolve_failed" | "transport_policy_denied" | "credential_commit_failed" | "random_failed" | "dial_failed"
  | "upgrade_failed" | "attach_failed" | "too_many_connections" | "expected_attach" | "invalid_attach"
  | "invalid_token" | "channel_mismatch" | "init_exp_mismatch" | "idle_timeout_mismatch" | "token_replay"
  | "tenant_mismatch" | "policy_denied" | "policy_error" | "replace_rate_limited" | "timeout" | "canceled"
  | "handshake_failed" | "timestamp_after_init_exp" | "timestamp_out_of_skew" | "auth_tag_mismatch"
  | "open_stream_failed" | "accept_stream_failed" | "mux_failed" | "stream_hello_failed" | "rpc_failed"
  | "missing_stream_kind" | "missing_handler" | "ping_failed" | "rekey_failed" | "not_connected"
  | "resource_exhausted";

/** The one error class of the public surface. Branch on `stage` and `code`; the text is for people. */
export class FlowersecError extends Error {
  override readonly name = "FlowersecError";
  readonly code: FlowersecErrorCode;
  readonly stage: FlowersecStage;
  readonly path: FlowersecPath;

  /** `message` is the detail after "path stage (code)". `cause` is the error, or abort reason, underneath. */
  constructor(args: {
    code: FlowersecErrorCode;
    stage: FlowersecStage;
    path: FlowersecPath;
    message?: string | undefined;
    cause?: unknown;
  }) {
    const { code, stage, path, message } = args;
    super(
      `${path} ${stage} (${code})${message ? `: ${message}` : ""}`,
      args.cause === undefined ? undefined : { cause: args.cause },
    );
    this.code = code;
    this.stage = stage;
    this.path = path;
  }
}

/** The caller's AbortSignal fired; `cause` is the signal's reason. */
export class AbortError extends Error {
  override readonly name = "AbortError";
  constructor(message = "aborted", options?: ErrorOptions) {
    super(message, options);
  }
}

/** A time limit passed. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
  constructor(message = "timed out", options?: ErrorOptions) {
    super(message, options);
  }
}

/**
 * Calls a function of the application, or of an observer, whose failure concerns nobody else. An async one fails later: that is told
 * and kept like the other.
 */
export function quietly(call: () => unknown, failed: (error: unknown) => void = () => {}): void {
  try {
    const result = call();
    if (isPromise(result)) result.then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}
