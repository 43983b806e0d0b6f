// The unit and the nginx file of deploy/ownwire, unchanged: what they say, what goes through, and what can be seen there.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { after, before, test } from "node:test";
import { expectNothingReadable } from "./clear_side.mjs";
import { passedOn } from "./passed_on.mjs";
import { host, install, startGateway, startNginx, unit, unitFile } from "./world.mjs";

let nginx;
before(async () => {
  install();
  nginx = await startNginx();
});
after(() => nginx?.stop());

test("the unit has the stated values", () => {
  const stated = {
    Unit: { After: "network.target" },
    Service: {
      ExecStart: "/usr/local/bin/ownwire --log-level=warn", Restart: "always", User: "www-data", Group: "www-data",
      WorkingDirectory: "/var/lib/ownwire", Environment: "OWNWIRE_PORT=8080",
    },
    Install: { WantedBy: "multi-user.target" },
  };
  for (const [section, values] of Object.entries(stated)) {
    for (const [name, value] of Object.entries(values)) assert.deepEqual(unit[section][name], [value], name);
  }
  assert.ok(unit.Unit.Description[0]);
});

test("systemd has nothing to complain of", () => {
  const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", unitFile], { encoding: "utf8" });
  assert.deepEqual({ status, said: stdout + stderr }, { status: 0, said: "" });
});

test("Host with its port, Origin and the visitor's address reach the gateway, and the upgrade as it was", async () => {
  const { headers, httpVersion } = await passedOn(
    "GET /ws HTTP/1.1", `Host: ${host}:8443`, `Origin: https://${host}:8443`, "Connection: keep-alive, Upgrade", "Upgrade: websocket",
    "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "X-Forwarded-For: 203.0.113.7", "X-Real-IP: 203.0.113.7",
  );
  assert.equal(httpVersion, "1.1");
  assert.equal(headers.host, `${host}:8443`);
  assert.equal(headers.origin, `https://${host}:8443`);
  assert.equal(headers.upgrade, "websocket");
  assert.equal(headers.connection, "upgrade");
  assert.equal(headers["sec-websocket-key"], "dGhlIHNhbXBsZSBub25jZQ==");
  assert.equal(headers["sec-websocket-version"], "13");
  assert.equal(headers["x-real-ip"], "127.0.0.1", "not what the visitor says");
  assert.equal(headers["x-forwarded-for"], "203.0.113.7, 127.0.0.1", "the last one is nginx's");
  assert.equal(headers["x-forwarded-proto"], "https");
});

test("every other path goes to the gateway, without an upgrade", async () => {
  for (const path of ["/", "/js/ownwire.js", "/ws/", "/wss", "/css/style.css?v=1"]) {
    const { url, headers } = await passedOn(`GET ${path} HTTP/1.1`, `Host: ${host}`, "Connection: Upgrade", "Upgrade: websocket");
    assert.equal(url, path);
    assert.equal(headers.host, host);
    assert.equal(headers.upgrade, undefined, path);
    assert.equal(headers.origin, undefined, "none is made up");
  }
});

test("started as the unit says, the gateway makes its key file, and ends well when it is told to", async () => {
  const gateway = await startGateway();
  const { uid, mode } = statSync("/var/lib/ownwire/ownwire_identity.json");
  assert.equal(mode & 0o777, 0o600);
  assert.equal(uid, Number(execFileSync("id", ["-u", "www-data"], { encoding: "utf8" })));
  assert.equal(gateway.keyFile().keys[0].kid, gateway.ready.kid);
  assert.equal(await gateway.stop(), 0);
  const again = await startGateway();
  assert.equal(again.ready.server_key, gateway.ready.server_key, "the same key after a restart");
  await again.stop();
  assert.deepEqual([...gateway.log, ...again.log], [], "nothing to warn of");
});

test("the pages come through nginx, with the key in the scripts", async () => {
  const gateway = await startGateway();
  for (const [path, type] of Object.entries({
    "/": "text/html", "/embed_example.html": "text/html", "/css/style.css": "text/css", "/js/application.js": "text/javascript",
    "/js/ownwire.js": "text/javascript", "/js/ownwire_widget.js": "text/javascript", "/assets/chat-icon.png": "image/png",
  })) {
    const answer = await fetch(`https://${host}${path}`);
    assert.equal(answer.status, 200, path);
    assert.ok(answer.headers.get("content-type").startsWith(type), `${path}: ${answer.headers.get("content-type")}`);
    const body = await answer.text();
    if (path === "/js/ownwire.js") assert.ok(body.includes(gateway.ready.server_key));
  }
  assert.equal((await fetch(`https://${host}/nothing`)).status, 404);
  await gateway.stop();
});

test("between nginx and the gateway nothing can be read: the open message is the only text message", expectNothingReadable);

test("nginx's own log has no contents either", () => {
  const log = nginx.accessLog();
  assert.match(log, /GET \/ws HTTP/);
  assert.doesNotMatch(log, /\/ws\?|lighthouse|username/);
});
