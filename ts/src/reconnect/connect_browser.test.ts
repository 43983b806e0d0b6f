// In a page: one call from an artifact to a session, and from a source of artifacts to a connection that comes back.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { deferred } from "../base/index.js";
import { acceptDirect } from "../endpoint/accept.js";
import type { ConnectArtifact } from "../endpoint/artifact.js";
import type { Session } from "../session/index.js";
import { CountedAbort } from "../testing/counted_signal.js";
import { PairedWebSocket } from "../testing/socket_pair.js";
import { credential, fails, info, origin } from "../testing/world.js";
import { connectBrowser } from "./connect_browser.js";
import type { ConnectionState } from "./manager.js";
import type { ArtifactSource } from "./source.js";

const artifact: ConnectArtifact = { v: 1, transport: "direct", direct_info: info };
const scope = globalThis as { window?: unknown; WebSocket?: unknown };
const { WebSocket: platforms } = scope;
const sessions: Promise<Session>[] = [];
scope.window = { location: { origin } };
scope.WebSocket = class {
  constructor() {
    const [client, server] = PairedWebSocket.pair();
    sessions.push(acceptDirect(server, credential));
    return client;
  }
};
after(() => {
  delete scope.window;
  scope.WebSocket = platforms;
});

test("an artifact becomes a session", async () => {
  const client = await connectBrowser(artifact);
  assert.equal(client.path, "direct");
  client.close();
});

test("a source becomes a manager that is connected, and comes back", async () => {
  let asked = 0;
  const source: ArtifactSource = { kind: "refreshable", acquire: async () => (asked++, artifact) };
  const manager = await connectBrowser(source, { autoReconnect: { initialDelayMs: 0, drainSpreadMs: 0 } });
  const first = manager.state().client ?? assert.fail("not connected");
  const again = deferred<ConnectionState>();
  manager.subscribe((state) => state.client !== undefined && state.client !== first && again.resolve(state));
  (await sessions.at(-1))?.close();
  await again.promise;
  assert.equal(asked, 2);
  manager.disconnect();
});

test("what is neither is refused, and a signal that has fired asks nobody", async () => {
  for (const none of [undefined, null, "text", {}, { kind: "other" }, { kind: "refreshable" }]) {
    await assert.rejects(connectBrowser(none as never), fails("auto/validate/invalid_input"));
  }
  const stop = new CountedAbort();
  stop.abort("enough");
  let asked = 0;
  const source: ArtifactSource = { kind: "refreshable", acquire: async () => (asked++, artifact) };
  await assert.rejects(connectBrowser(source, { signal: stop.signal }), fails("auto/connect/canceled"));
  assert.deepEqual([asked, stop.listeners], [0, 0]);
});
