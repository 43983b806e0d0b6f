// Servers that say no to an upgrade, over real sockets: which of them ask for patience.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { connectDirectNode } from "../endpoint/node.js";
import { AllowPlaintextForLoopback } from "../endpoint/policy.js";
import { info, origin } from "../testing/world.js";
import { isDraining } from "./failure.js";

let status = 0;
const server = createServer().on("upgrade", (_, socket) => socket.end(`HTTP/1.1 ${status} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`));
server.listen(0, "127.0.0.1");
await once(server, "listening");
after(() => server.close());
const ws_url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;

for (const [answer, expected] of [[503, true], [502, false], [403, false], [404, false]] as const) {
  test(`an upgrade answered ${answer} ${expected ? "is" : "is no"} hint that the other side goes away`, async () => {
    status = answer;
    const connecting = connectDirectNode({ ...info, ws_url }, { origin, transportSecurityPolicy: AllowPlaintextForLoopback });
    await assert.rejects(connecting, (error) => {
      assert.equal((error as { code: string }).code, "dial_failed");
      assert.equal(isDraining(error), expected);
      return true;
    });
  });
}

test("what holds itself is looked at once, and nothing is no hint", () => {
  const loop = new Error("x");
  loop.cause = loop;
  for (const each of [loop, undefined, null, 503, "Unexpected server response: 503", new Error("503")]) assert.equal(isDraining(each), false);
});
