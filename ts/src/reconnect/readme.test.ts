// The program of ts/README.md, "A connection that comes back", as it stands there: a control plane and an endpoint of Node
// stand behind it, and the endpoint loses the connection.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { WebSocketServer } from "ws";
import { encodeBase64url, fromUtf8, randomBytes, utf8 } from "../base/index.js";
import { createNodeArtifactEndpoint } from "../controlplane/node/artifact_endpoint.js";
import { acceptDirectResolvedNode } from "../endpoint/node.js";
import { AllowPlaintextForLoopback } from "../endpoint/policy.js";
import type { Session } from "../session/index.js";
import { RpcServer } from "../rpc/index.js";
import { createByteReader } from "../streamio/index.js";
import { ManualClock } from "../testing/manual_clock.js";
import { repositoryRoot } from "../testing/repository.js";
import { origin } from "../testing/world.js";
import type { YamuxStream } from "../yamux/index.js";
import { createControlplaneArtifactSource, type ControlplaneArtifactSourceInput } from "./controlplane_source.js";
import { createReconnectManager, type ReconnectManager } from "./manager.js";
import { createNodeReconnectConfig, type NodeReconnectConfigInput } from "./node.js";

const readme = readFileSync(join(repositoryRoot, "ts", "README.md"), "utf8");
const [, block = ""] = /```ts\n([^]*?)```/.exec(readme.slice(readme.indexOf("## A connection that comes back"))) ?? [];
const program = `${block.replace(/^import .*$/gm, "")}\nreturn { manager, stream };`;
interface World {
  createReconnectManager: () => ReconnectManager;
  createBrowserReconnectConfig: (input: NodeReconnectConfigInput) => unknown;
  createControlplaneArtifactSource: (input: ControlplaneArtifactSourceInput) => unknown;
  show: (status: string, error: unknown) => void;
  hear: (payload: unknown) => void;
}
const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (world: World) => Promise<{ manager: ReconnectManager; stream: YamuxStream }>;
const run = new AsyncFunction("{ createReconnectManager, createBrowserReconnectConfig, createControlplaneArtifactSource, show, hear }", program);

test("a connection comes back with a fresh artifact, and its subscriptions with it", async () => {
  assert.match(block, /autoReconnect/);
  // The control plane hands out a channel of its own for each request; the endpoint knows them all.
  const keys = new Map<string, string>();
  const initExpireAtUnixS = Math.floor(Date.now() / 1000) + 60;
  const asked: string[] = [];
  const artifacts = createNodeArtifactEndpoint({
    issue: ({ endpointId }) => {
      asked.push(endpointId);
      const channel_id = `channel-${asked.length}`;
      keys.set(channel_id, encodeBase64url(randomBytes(32)));
      return {
        v: 1, transport: "direct",
        direct_info: {
          ws_url: base.replace("http", "ws"), channel_id, e2ee_psk_b64u: keys.get(channel_id) as string, channel_init_expire_at_unix_s: initExpireAtUnixS,
          default_suite: 1,
        },
      };
    },
  });
  const server = createServer(artifacts);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const sessions: Promise<{ session: Session; calls: RpcServer; drop(): void }>[] = [];
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    const accepting = acceptDirectResolvedNode(socket, ({ channelId }) => ({ psk: keys.get(channelId) ?? "", initExpireAtUnixS }), {
      secureTransport: false, transportSecurityPolicy: AllowPlaintextForLoopback,
    });
    sessions.push(accepting.then(async (session) => {
      const { stream } = await session.acceptStream(); // of the calls
      const reader = createByteReader(stream);
      const calls = new RpcServer({ readExactly: (n) => reader.readExactly(n), write: (bytes) => stream.write(bytes), close: () => stream.close() });
      void calls.serve().catch(() => {});
      void (async () => {
        for await (const { stream: each } of session) each.readable.pipeTo(each.writable).catch(() => {});
      })();
      return { session, calls, drop: () => socket.terminate() };
    }));
  });
  after(() => {
    server.close();
    sockets.close();
  });

  const clock = new ManualClock();
  const shown: string[] = [];
  let onShown = () => {};
  const until = async (statuses: string) => {
    while (shown.join(" ") !== statuses) await new Promise<void>((resolve) => (onShown = resolve));
  };
  const heard: unknown[] = [];
  let onHeard = () => {};
  const { manager, stream } = await run({
    createReconnectManager: () => createReconnectManager({ clock, random: () => 0.5 }),
    createBrowserReconnectConfig: (input) => createNodeReconnectConfig({ ...input, connect: { origin, transportSecurityPolicy: AllowPlaintextForLoopback } }),
    createControlplaneArtifactSource: (input) => createControlplaneArtifactSource({ ...input, baseUrl: base, allowLoopbackHTTP: true }),
    show: (status) => {
      shown.push(status);
      onShown();
    },
    hear: (payload) => {
      heard.push(payload);
      onHeard();
    },
  });
  const notified = async (payload: string) => {
    const hearing = new Promise<void>((resolve) => (onHeard = resolve));
    await (await sessions.at(-1))?.calls.notify(7, payload);
    await hearing;
  };
  await stream.write(utf8("to and fro"));
  assert.equal(fromUtf8((await stream.read()) as Uint8Array), "to and fro");
  await notified("first");
  await until("disconnected connecting connected");

  (await sessions[0])?.drop();
  await until("disconnected connecting connected connecting");
  clock.advance(500);
  await until("disconnected connecting connected connecting connected");
  await notified("second");
  assert.deepEqual([asked, heard], [["server-1", "server-1"], ["first", "second"]]);
  manager.disconnect();
  assert.equal(shown.at(-1), "disconnected");
});
