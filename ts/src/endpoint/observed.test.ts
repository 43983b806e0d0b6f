// The table of cases that every language shares: which events the failures of connecting make.
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { encodeBase64url, FlowersecError } from "../base/index.js";
import type { DiagnosticEvent } from "../observability/index.js";
import { ManualClock } from "../testing/manual_clock.js";
import { readSharedJson } from "../testing/repository.js";
import { SecretWatch } from "../testing/secret_watch.js";
import { PairedWebSocket } from "../testing/socket_pair.js";
import { credential, info, origin } from "../testing/world.js";
import { acceptDirect } from "./accept.js";
import type { ConnectArtifact } from "./artifact.js";
import { connect } from "./connect.js";
import type { ConnectOptions } from "./options.js";

const secretToken = "a-token-nobody-may-say";

interface ObserverCase {
  readonly name: string;
  readonly path: "direct" | "tunnel";
  readonly what: string;
  readonly reason?: string;
  readonly error?: string;
  readonly events: readonly string[];
}
const { connecting: cases } = readSharedJson("testdata/observer_cases.json") as { connecting: readonly ObserverCase[] };

interface World {
  readonly socket: PairedWebSocket;
  readonly server: PairedWebSocket;
  readonly clock: ManualClock;
  readonly stop: AbortController;
}

/** Once the client has sent its first binary message, the INIT, or at a tunnel its attach. */
function answered(path: ObserverCase["path"], { socket }: World, answer: () => void): void {
  socket.tamper = (data) => {
    if ((typeof data === "string") === (path === "tunnel")) setImmediate(answer);
    return undefined;
  };
}
const neverOpens = ({ socket }: World) => Object.assign(socket, { open() {} });

/** What the other side does, or the caller, by the table's word. */
const happenings: Readonly<Record<string, (world: World, row: ObserverCase) => void>> = {
  policy_refuses: () => {},
  bad_psk: () => {},
  unresolved_scope: () => {},
  no_origin: () => {},
  nobody_listens: (world) => (neverOpens(world), setImmediate(() => world.socket.emit("error", new Error("refused")))),
  upgrade_refused: (world) => (neverOpens(world), setImmediate(() => world.socket.drop(1006))),
  no_answer: (world) => (neverOpens(world), setImmediate(() => world.clock.advance(10_000))),
  canceled_dialling: (world) => (neverOpens(world), setImmediate(() => world.stop.abort())),
  no_handshake: (world, { path }) => answered(path, world, () => world.clock.advance(10_000)),
  canceled_handshake: (world, { path }) => answered(path, world, () => world.stop.abort()),
  bad_bytes: (world, { path }) => answered(path, world, () => world.socket.receive(new Uint8Array(16).buffer)),
  closed: (world, { path, reason }) => answered(path, world, () => world.socket.drop(1008, reason)),
  connected: ({ socket, server }) => {
    socket.tamper = (data) => (typeof data === "string" ? undefined : data); // the attach is the tunnel's
    void acceptDirect(server, credential);
  },
};

function artifactOf({ path, what }: ObserverCase): ConnectArtifact {
  const psk = what === "bad_psk" ? { e2ee_psk_b64u: encodeBase64url(new Uint8Array(31)) } : {};
  const scoped = what === "unresolved_scope" ? [{ scope: "app", scope_version: 1, critical: true, payload: {} }] : [];
  if (path === "direct") return { v: 1, transport: "direct", direct_info: { ...info, ...psk }, scoped };
  const { ws_url: tunnel_url, ...shared } = info;
  return { v: 1, transport: "tunnel", tunnel_grant: { ...shared, tunnel_url, idle_timeout_seconds: 60, role: 1, token: secretToken, allowed_suites: [1], ...psk }, scoped };
}

test("there are failures in the table, of every kind", () => {
  assert.ok(cases.length >= 40);
  assert.deepEqual([...new Set(cases.map(({ what }) => what))].sort(), Object.keys(happenings).sort());
});
for (const row of cases) {
  test(`events of connecting: ${row.name}: ${row.events.length}`, async () => {
    const seen: DiagnosticEvent[] = [];
    const watch = new SecretWatch(info.e2ee_psk_b64u, secretToken);
    const [socket, server] = PairedWebSocket.pair();
    const world = { socket, server, clock: new ManualClock(), stop: new AbortController() };
    const options: ConnectOptions = {
      ...(row.what === "no_origin" ? { origin: "" } : { origin }),
      ...(row.what === "policy_refuses" && { transportSecurityPolicy: () => false }),
      wsFactory: () => (happenings[row.what]?.(world, row), socket),
      signal: world.stop.signal,
      ...(row.what !== "connected" && { clock: world.clock }),
      observer: { onDiagnosticEvent: (event) => void seen.push(event) },
    };
    const outcome = await connect(artifactOf(row), options).then((client) => (client.close(), "connected"), (error: unknown) => {
      assert.ok(error instanceof FlowersecError, String(error));
      assert.equal(error.path, row.path);
      watch.look(error);
      return `${error.stage}/${error.code}`;
    });
    if (row.error !== undefined) assert.equal(outcome, row.error);
    else assert.equal(outcome === "connected", row.what === "connected");
    await turn();
    const told = seen.filter(({ stage }) => stage !== "transport" && stage !== "close");
    assert.deepEqual(told.map(({ stage, code_domain, code, result }) => `${stage}/${code_domain}/${code}/${result}`), row.events);
    seen.forEach(watch.look);
    for (const { path } of seen) assert.equal(path, row.path);
  });
}
