// Whatever observer a manager is given, it hears itself when a session is lost, and the observer is told once.
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { NoopObserver, type ClientObserver, type ClientObserverLike, type DiagnosticEvent } from "../observability/index.js";
import { normalizeObserver, withObserverContext } from "../observability/observer.js";
import { MuteClient, reconnectWorld as world } from "../testing/reconnect_world.js";

const ends: Record<string, (observer: ClientObserverLike) => void> = {
  closed: (observer) => observer.onWsClose?.("peer_or_error", 1006),
  error: (observer) => observer.onWsError?.("error"),
  liveness: (observer) => observer.onDiagnosticEvent?.({ code: "liveness_timeout", result: "fail", stage: "yamux" } as DiagnosticEvent),
};

/** A manager with this observer, connected to a client that cannot say how it ended. */
async function connected(observer: ClientObserverLike | null | undefined) {
  const { config, manager, nth, nothingLeft } = world<MuteClient>();
  const connecting = manager.connect({ ...config, observer: observer as ClientObserverLike | undefined });
  nth(0).resolve(new MuteClient());
  await connecting;
  return {
    manager,
    heard: nth(0).attempt.observer,
    end() {
      manager.disconnect();
      nothingLeft();
    },
  };
}

const observers: Record<string, () => ClientObserverLike | null | undefined> = {
  none: () => undefined,
  null: () => null,
  empty: () => ({}),
  NoopObserver: () => NoopObserver,
  normalized: () => normalizeObserver({ onRpcNotify() {} }),
  "normalized, in a context": () => withObserverContext(normalizeObserver({ onRpcNotify() {} }), { path: "direct" }),
};
for (const [name, make] of Object.entries(observers)) {
  test(`a loss is heard of beside an observer that is ${name}`, async () => {
    for (const [how, lose] of Object.entries(ends)) {
      const { manager, heard, end } = await connected(make());
      lose(heard);
      await turn();
      assert.equal(manager.state().status, "connecting", how);
      end();
    }
  });
}

test("an observer that is normalized already hears everything once, in order, in its own queue and context", async () => {
  const told: string[] = [];
  const observer: ClientObserver = normalizeObserver({
    onWsClose: (kind, code) => void told.push(`${kind} ${code}`),
    onDiagnosticEvent: ({ code, path, attempt_seq }) => void told.push(`${code} ${path} ${attempt_seq}`),
  }, { path: "tunnel", attemptSeq: 7 });
  observer.onWsClose("local", 1000);
  const { heard, end } = await connected(observer);
  heard.onWsClose?.("peer_or_error", 1006);
  observer.onWsClose("local", 1001);
  await turn();
  assert.deepEqual(told, [
    "local 1000", "ws_close_local tunnel 7", "reconnect_attempt tunnel 1", "reconnect_connected tunnel 1",
    "peer_or_error 1006", "ws_close_peer_or_error tunnel 1", "local 1001", "ws_close_local tunnel 7", "reconnect_scheduled tunnel 1",
  ]);
  end();
});
