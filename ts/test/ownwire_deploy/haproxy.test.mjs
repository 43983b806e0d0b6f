// The haproxy file of deploy/ownwire, unchanged: what goes through.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { expectNothingReadable } from "./clear_side.mjs";
import { passedOn } from "./passed_on.mjs";
import { host, install, startHaproxy } from "./world.mjs";

let haproxy;
before(async () => {
  install();
  haproxy = await startHaproxy();
});
after(() => haproxy?.stop());

test("Host with its port, Origin and the visitor's address reach the gateway, and the upgrade as it was", async () => {
  const { headers, httpVersion } = await passedOn(
    "GET /ws HTTP/1.1", `Host: ${host}:8443`, `Origin: https://${host}:8443`, "Connection: Upgrade", "Upgrade: websocket",
    "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "X-Forwarded-For: 203.0.113.7", "X-Real-IP: 203.0.113.7",
  );
  assert.equal(httpVersion, "1.1");
  assert.equal(headers.host, `${host}:8443`);
  assert.equal(headers.origin, `https://${host}:8443`);
  assert.equal(headers.upgrade, "websocket");
  assert.equal(headers["sec-websocket-key"], "dGhlIHNhbXBsZSBub25jZQ==");
  assert.equal(headers["x-real-ip"], "127.0.0.1", "not what the visitor says");
  assert.equal(headers["x-forwarded-for"], "127.0.0.1");
  assert.equal(headers["x-forwarded-proto"], "https");
});

test("between haproxy and the gateway nothing can be read: the open message is the only text message", expectNothingReadable);
