// One call from a source of artifacts to a connection that comes back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred, FlowersecError } from "../base/index.js";
import type { ConnectArtifact } from "../endpoint/artifact.js";
import type { Session } from "../session/index.js";
import { CountedAbort } from "../testing/counted_signal.js";
import { PairedWebSocket } from "../testing/socket_pair.js";
import { acceptDirect } from "../endpoint/accept.js";
import { credential, info, origin } from "../testing/world.js";
import { connectNode } from "./node.js";
import type { ConnectionState } from "./manager.js";
import type { ArtifactSource } from "./source.js";

const artifact: ConnectArtifact = { v: 1, transport: "direct", direct_info: info };
const codeOf = (promise: Promise<unknown>) =>
  promise.then(() => "connected", (error: unknown) => (assert.ok(error instanceof FlowersecError, String(error)), `${error.path}/${error.stage}/${error.code}`));

/** Direct endpoints that accept whoever comes. */
function world() {
  const sessions: Promise<Session>[] = [];
  const wsFactory = () => {
    const [client, server] = PairedWebSocket.pair();
    sessions.push(acceptDirect(server, credential));
    return client;
  };
  return { sessions, wsFactory };
}

test("a refreshable source is asked, connected with, and asked again when the session is lost", async () => {
  const { sessions, wsFactory } = world();
  let asked = 0;
  const source: ArtifactSource = { kind: "refreshable", acquire: async () => (asked++, artifact) };
  const manager = await connectNode(source, { origin, wsFactory, autoReconnect: { initialDelayMs: 0, drainSpreadMs: 0 } });
  assert.equal(manager.state().status, "connected");
  assert.equal(asked, 1);
  const again = deferred<ConnectionState>();
  const first = manager.state().client;
  manager.subscribe((state) => state.client !== undefined && state.client !== first && again.resolve(state));
  (await sessions[0])?.close();
  assert.equal((await again.promise).status, "connected");
  assert.equal(asked, 2);
  manager.disconnect();
});

for (const [autoReconnect, status] of [[undefined, "connecting"], [{ enabled: undefined }, "connecting"], [{ enabled: false }, "error"]] as const) {
  test(`a lost session, with autoReconnect ${JSON.stringify(autoReconnect)}: ${status}`, async () => {
    const { sessions, wsFactory } = world();
    const manager = await connectNode({ kind: "refreshable", acquire: async () => artifact }, { origin, wsFactory, autoReconnect });
    const lost = deferred<string>();
    manager.subscribe((state) => state.status !== "connected" && lost.resolve(state.status));
    (await sessions[0])?.close();
    assert.equal(await lost.promise, status);
    manager.disconnect();
  });
}

test("a source that yields once connects once", async () => {
  const { sessions, wsFactory } = world();
  const manager = await connectNode({ kind: "once", artifact }, { origin, wsFactory });
  const over = deferred<ConnectionState>();
  manager.subscribe((state) => state.status === "error" && over.resolve(state));
  (await sessions[0])?.close();
  assert.equal(((await over.promise).error as FlowersecError).code, "not_connected");
  assert.equal(sessions.length, 1);
  const enabled = { origin, wsFactory, autoReconnect: { enabled: true } };
  assert.equal(await codeOf(connectNode({ kind: "once", artifact }, enabled)), "auto/validate/invalid_option");
});

test("an artifact still gives a client, and what is neither is refused", async () => {
  const client = await connectNode(artifact, { origin, wsFactory: world().wsFactory });
  assert.equal(client.path, "direct");
  client.close();
  for (const none of [{ kind: "once" }, { kind: "refreshable" }, { kind: "other", acquire() {} }, { kind: undefined }, {}, null, "text"]) {
    assert.equal(await codeOf(connectNode(none as never, { origin })), "auto/validate/invalid_input", JSON.stringify(none));
  }
});

test("the error is that of the last attempt", async () => {
  const failing: ArtifactSource = { kind: "refreshable", acquire: () => Promise.reject(new FlowersecError({ path: "auto", stage: "validate", code: "invalid_option" })) };
  assert.equal(await codeOf(connectNode(failing, { origin, autoReconnect: { enabled: true } })), "auto/validate/invalid_option");
  assert.equal(await codeOf(connectNode({ kind: "once", artifact }, { origin: "" })), "direct/validate/missing_origin");
});

test("the signal gives up at any time before, and leaves nothing behind", async () => {
  const stop = new CountedAbort();
  const acquiring = deferred<AbortSignal>();
  const source: ArtifactSource = {
    kind: "refreshable",
    acquire: ({ signal }) => (acquiring.resolve(signal as AbortSignal), new Promise(() => {})),
  };
  const connecting = codeOf(connectNode(source, { origin, signal: stop.signal, autoReconnect: { enabled: true } }));
  const signal = await acquiring.promise;
  stop.abort("enough");
  assert.equal(await connecting, "auto/connect/canceled");
  assert.equal(signal.aborted, true, "the source is told");
  assert.equal(stop.listeners, 0);
  let asked = 0;
  const early: ArtifactSource = { kind: "refreshable", acquire: async () => (asked++, artifact) };
  assert.equal(await codeOf(connectNode(early, { origin, signal: stop.signal })), "auto/connect/canceled");
  assert.equal(asked, 0);
});

test("once it is connected the signal is nobody's", async () => {
  const stop = new CountedAbort();
  const manager = await connectNode({ kind: "once", artifact }, { origin, wsFactory: world().wsFactory, signal: stop.signal });
  assert.equal(stop.listeners, 0);
  stop.abort();
  assert.equal(manager.state().status, "connected");
  manager.disconnect();
});
