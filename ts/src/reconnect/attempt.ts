// One attempt, and the session that came of it: what cancels it, who observes it, how its loss is noticed.
// Layer reconnect.

import { FlowersecError, quietly } from "../base/index.js";
import type { ClientObserver, ClientObserverLike, ObserverContext } from "../observability/events.js";
import { copyOfCallbacks, normalizeBeside, normalizeObserver, withObserverContext } from "../observability/observer.js";
import type { WsCloseError } from "../ws/socket.js";
import { superseded } from "./failure.js";
import type { SupervisedClient } from "./config.js";

type Ids = Pick<ObserverContext, "traceId" | "sessionId">;

export class Attempt<C extends SupervisedClient> {
  client: C | undefined;
  private readonly controller = new AbortController();
  private onLost: ((error: unknown) => void) | undefined;
  private readonly withoutIds: ClientObserver;
  private ids: Ids;

  /** `before`: the attempt before, whose queue this one shares, and whose trace it goes on with. */
  constructor(observer: ClientObserverLike | undefined, attemptSeq: number, before: Attempt<C> | undefined) {
    const context = { attemptSeq, attemptStartMs: performance.now() };
    this.withoutIds = normalizeBeside(withObserverContext(this.listening(observer), context), before?.withoutIds ?? observer);
    this.ids = traceOf(before?.ids);
  }

  /** The caller's, in the context of this attempt. */
  get observer(): ClientObserver {
    return normalizeObserver(withObserverContext(this.withoutIds, this.ids));
  }

  /** From now on events have the ids of this attempt's artifact; the trace goes on when it has none. */
  readonly identify = (ids: Ids): void => {
    this.ids = { ...traceOf(this.ids), ...ids };
  };

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  abandon(): void {
    this.controller.abort(superseded());
  }

  /** Calls `onLost` when the session is lost, perhaps more than once. A close on this side is no loss. */
  watch(onLost: (error: unknown) => void): void {
    if (this.onLost !== undefined) return;
    this.onLost = onLost;
    const lost = (error: unknown) => this.onLost?.(error);
    this.client?.ended?.then((error) => error !== undefined && lost(error), lost);
    this.client?.rpcEnded?.then(lost, lost);
  }

  close(): void {
    this.onLost = () => {};
    const closed: unknown = this.client?.close();
    quietly(() => closed); // what it throws is told; what it rejects with, against its type, comes too late for that
  }

  /** The caller's observer, and our ears for a client that cannot say how it ended. */
  private listening(given: ClientObserverLike | undefined): ClientObserverLike {
    const copy = copyOfCallbacks(given);
    const { onWsClose, onWsError, onDiagnosticEvent } = copy;
    copy.onWsClose = (kind, code) => {
      if (kind !== "local") this.heard(code === undefined ? undefined : closedWith(code));
      onWsClose?.(kind, code);
    };
    copy.onWsError = (reason) => {
      this.heard(reason);
      onWsError?.(reason);
    };
    copy.onDiagnosticEvent = (event) => {
      if (event.code === "liveness_timeout") this.heard(event.code);
      onDiagnosticEvent?.(event);
    };
    return copy;
  }

  private heard(cause: unknown): void {
    if (this.client === undefined || this.client.ended !== undefined) return;
    this.onLost?.(new FlowersecError({ path: "auto", stage: "close", code: "not_connected", cause }));
  }
}

/** A trace goes through all attempts; a session id is that of one artifact. */
function traceOf({ traceId }: Ids = {}): Ids {
  return traceId === undefined ? {} : { traceId };
}

/** As a WsCloseError, which a client that cannot say how it ended may not have loaded. */
function closedWith(code: number): Pick<WsCloseError, "name" | "code" | "message"> {
  return Object.assign(new Error(`websocket closed: ${code}`), { name: "WsCloseError" as const, code });
}
