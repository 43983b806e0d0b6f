// An observer that is whole: missing callbacks filled in, events derived, delivery queued.
// Layer observability. Loaded when somebody observes. Source: PROTOCOL, "Diagnostic event".

import type {
  ClientObserver, ClientObserverLike, DiagnosticEvent, DiagnosticEventInput, DiagnosticResult, DiagnosticStage, ObserverContext,
} from "./events.js";
import type { TellingObserver } from "./noop.js";
import { heardQuietly, ObserverQueue } from "./queue.js";

const smallestQueue = 4;
const usualQueue = 64;

const nothing = () => {};

const callbackNames: readonly (keyof ClientObserver)[] = [
  "onConnect", "onAttach", "onHandshake", "onWsClose", "onWsError", "onRpcCall", "onRpcNotify", "onDiagnosticEvent",
];

/** What withObserverContext adds to an observer that is not normalised yet. */
const attached = new WeakMap<object, ObserverContext>();

/** Calls the observer's own callback and then tells the event, as one item of the queue. */
class NormalizedObserver implements TellingObserver {
  readonly context: ObserverContext;
  readonly queue: ObserverQueue;

  constructor(
    readonly raw: ClientObserverLike,
    context: ObserverContext,
    queue?: ObserverQueue,
  ) {
    this.context = { attemptStartMs: performance.now(), ...context };
    const { maxQueuedItems: items = usualQueue } = context;
    this.queue = queue ?? new ObserverQueue(Number.isFinite(items) ? Math.max(smallestQueue, items) : usualQueue);
  }

  /** The same observer and queue, in another context. */
  within(context: ObserverContext): NormalizedObserver {
    return new NormalizedObserver(this.raw, { ...this.context, ...context }, this.queue);
  }

  fill(stage: DiagnosticStage, code: DiagnosticEvent["code"], result: DiagnosticResult, more?: DiagnosticEventInput): DiagnosticEvent {
    const { path = "auto", traceId, sessionId, attemptSeq = 1, attemptStartMs = 0 } = this.context;
    const event: { -readonly [key in keyof DiagnosticEvent]: DiagnosticEvent[key] } = {
      v: 1,
      namespace: "connect",
      path: more?.path ?? path,
      stage,
      code_domain: more?.code_domain ?? "event",
      code,
      result,
      elapsed_ms: Math.max(0, Math.floor(performance.now() - attemptStartMs)),
      attempt_seq: attemptSeq,
    };
    if (traceId !== undefined) event.trace_id = traceId;
    if (sessionId !== undefined) event.session_id = sessionId;
    if (more?.resource !== undefined) event.resource = more.resource;
    if (more?.current !== undefined) event.current = more.current;
    if (more?.limit !== undefined) event.limit = more.limit;
    return event;
  }

  tell(event: DiagnosticEventInput): void {
    this.onDiagnosticEvent(this.fill(event.stage, event.code, event.result, event));
  }

  private add(callback: () => unknown, event?: DiagnosticEvent): void {
    const deliver = () => {
      heardQuietly(callback);
      if (event !== undefined) return this.raw.onDiagnosticEvent?.(event);
    };
    const tellOverflow = () => this.raw.onDiagnosticEvent?.(this.fill("reconnect", "diagnostics_overflow", "skip"));
    this.queue.add(event?.result === "fail" ? "terminal" : "normal", deliver, tellOverflow);
  }

  /** An outcome: `ok` is the event `<stage>_ok`, anything else the error. */
  private outcome(callback: () => unknown, stage: "connect" | "attach" | "handshake", result: "ok" | "fail", code: DiagnosticEvent["code"]): void {
    const ok = result === "ok";
    this.add(callback, this.fill(stage, ok ? `${stage}_ok` : code, result, { stage, code, result, code_domain: ok ? "event" : "error" }));
  }

  onConnect: ClientObserver["onConnect"] = (path, result, reason, elapsed) => {
    const code = reason === "timeout" || reason === "canceled" ? reason : "dial_failed";
    this.outcome(() => this.raw.onConnect?.(path, result, reason, elapsed), "connect", result, code);
  };

  onAttach: ClientObserver["onAttach"] = (result, reason) => {
    const code = reason === undefined || reason === "send_failed" ? "attach_failed" : reason;
    this.outcome(() => this.raw.onAttach?.(result, reason), "attach", result, code);
  };

  onHandshake: ClientObserver["onHandshake"] = (path, result, reason, elapsed) => {
    this.outcome(() => this.raw.onHandshake?.(path, result, reason, elapsed), "handshake", result, reason ?? "handshake_failed");
  };

  onWsClose: ClientObserver["onWsClose"] = (kind, code) => {
    this.add(() => this.raw.onWsClose?.(kind, code), this.fill("close", `ws_close_${kind}`, "skip"));
  };

  onWsError: ClientObserver["onWsError"] = (reason) => {
    this.add(() => this.raw.onWsError?.(reason), this.fill("close", "ws_error", "skip"));
  };

  onRpcCall: ClientObserver["onRpcCall"] = (result, elapsed) => {
    if (this.raw.onRpcCall) this.add(() => this.raw.onRpcCall?.(result, elapsed));
  };

  onRpcNotify: ClientObserver["onRpcNotify"] = () => {
    if (this.raw.onRpcNotify) this.add(() => this.raw.onRpcNotify?.());
  };

  onDiagnosticEvent: ClientObserver["onDiagnosticEvent"] = (event) => this.add(nothing, event);
}

/**
 * The whole observer in this context, in one queue with `beside`; one that is whole already as it is. undefined: it has no
 * callbacks.
 */
export function wholeObserver(observer: ClientObserverLike, context: ObserverContext, beside?: ClientObserverLike): ClientObserver | undefined {
  if (observer instanceof NormalizedObserver) return observer;
  if (!callbackNames.some((name) => typeof observer[name] === "function")) return undefined;
  const queue = beside instanceof NormalizedObserver ? beside.queue : undefined;
  return new NormalizedObserver(observer, { ...attached.get(observer), ...context }, queue);
}

/** The same observer whose events carry this context; of what was attached before, the later value wins. */
export function inContext(observer: ClientObserverLike, context: ObserverContext): ClientObserverLike {
  if (observer instanceof NormalizedObserver) return observer.within(context);
  const copy: Record<string, unknown> = {};
  for (const name of callbackNames) copy[name] = observer[name]?.bind(observer);
  attached.set(copy, { ...attached.get(observer), ...context });
  return copy;
}

/** The callbacks that were given, in a copy with their context. */
export function rawCopy(observer: ClientObserverLike): ClientObserverLike {
  return observer instanceof NormalizedObserver ? inContext(observer.raw, observer.context) : inContext(observer, {});
}

/** Both: whole, and in this context. undefined: it has no callbacks. */
export function normalized(observer: ClientObserverLike, context: ObserverContext): ClientObserver | undefined {
  return wholeObserver(inContext(observer, context), {});
}
