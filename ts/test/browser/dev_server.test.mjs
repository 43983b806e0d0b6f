// The development server by itself: what it serves, what it refuses, how it starts and ends.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { request } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root, startDemo } from "./demo.mjs";

let demo;
before(async () => {
  demo = await startDemo();
});
after(() => demo?.stop());

/** Without fetch, which would tidy the path up first. */
function ask(path, { method = "GET", body } = {}) {
  const { hostname, port } = new URL(demo.ready.origin);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, method, agent: false, headers: { "content-type": "application/json" } }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk)).on("end", () => resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() }));
    });
    asked.on("error", reject).end(body);
  });
}

test("one ready line names every address", () => {
  const { origin } = demo.ready;
  assert.match(origin, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.deepEqual(demo.ready, {
    status: "ready",
    origin,
    browser_tunnel_url: `${origin}/examples/ts/browser-tunnel/`,
    browser_direct_url: `${origin}/examples/ts/browser-direct/`,
    controlplane_http_url: demo.ready.controlplane_http_url,
  });
});

test("the status holds what every program said", async () => {
  const status = JSON.parse((await ask("/__demo/status")).text);
  assert.deepEqual(Object.keys(status), [...Object.keys(demo.ready), "tunnel", "controlplane", "server", "direct"]);
  assert.equal(status.server.endpoint_id, "server-1");
  assert.deepEqual(status.direct.example_type_ids, { rpc_request: 1, rpc_notify: 2 });
});

const refused = [
  ["an unknown demo endpoint", "/__demo/nothing", {}, 404],
  ["a property of every object is no endpoint", "/__demo/constructor", {}, 404],
  ["the wrong method", "/__demo/connect/artifact", {}, 405],
  ["a body of 8193 bytes", "/__demo/connect/artifact", { method: "POST", body: " ".repeat(8193) }, 413],
  ["a body that is not JSON", "/__demo/connect/artifact", { method: "POST", body: "{" }, 400],
  ["an endpoint that is not registered", "/__demo/connect/artifact", { method: "POST", body: '{"endpoint_id":"nobody"}' }, 503],
  ["a folder", "/examples/", {}, 404],
  ["a folder without its slash", "/examples", {}, 404],
  ["a way out", "/../../etc/passwd", {}, 403],
  ["a way out, encoded", "/%2e%2e/%2e%2e/etc/passwd", {}, 403],
  ["a way out with an encoded slash", "/..%2f..%2fetc/passwd", {}, 403],
  ["a way out of a page", "/examples/ts/browser-tunnel/../../../../etc/passwd", {}, 403],
  ["what begins with a dot", "/.git/config", {}, 403],
  ["a path that cannot be decoded", "/%ff", {}, 400],
  ["writing", "/README.md", { method: "PUT" }, 405],
];
for (const [what, path, options, status] of refused) {
  test(`refused: ${what}`, async () => assert.equal((await ask(path, options)).status, status));
}

test("serves files of the repository", async () => {
  const { status, headers, text } = await ask("/examples/README.md");
  assert.equal(status, 200);
  assert.match(headers["content-security-policy"], /default-src 'self'/);
  assert.match(text, /^# /);
});

test("hands out an artifact of 8192 bytes of question, and the direct info", async () => {
  const asked = '{"endpoint_id":"server-1"}';
  const { status, text } = await ask("/__demo/connect/artifact", { method: "POST", body: asked + " ".repeat(8192 - asked.length) });
  assert.equal(status, 200);
  assert.equal(JSON.parse(text).connect_artifact.transport, "tunnel");
  assert.equal(JSON.parse((await ask("/__demo/channel/init", { method: "POST", body: "{}" })).text).grant_client.role, 1);
  assert.equal(JSON.parse((await ask("/__demo/direct/artifact")).text).connect_artifact.transport, "direct");
  assert.match(JSON.parse((await ask("/__demo/direct/info")).text).ws_url, /^ws:/);
});

test("what was not started answers 503", async () => {
  const half = await startDemo("--no-tunnel", "--no-direct");
  try {
    const { status } = await fetch(`${half.ready.origin}/__demo/direct/info`);
    assert.equal(status, 503);
    assert.deepEqual(Object.keys(half.ready), ["status", "origin"]);
  } finally {
    assert.equal(await half.stop(), 0);
  }
});

const server = join(root, "examples/browser/dev-server.mjs");
const wrong = [
  ["an unknown flag", ["--nonsense"], 2, /unknown flag --nonsense/],
  ["a flag without its value", ["--port"], 2, /--port needs a value/],
  ["a port that is none", ["--port", "x"], 2, /x is no port/],
  ["programs that are not there", ["--port", "0", "--programs", "/nowhere"], 1, /no flowersec-issuer-keygen in \/nowhere/],
];
for (const [what, flags, code, text] of wrong) {
  test(`says what is wrong: ${what}`, () => {
    const { status, stderr } = spawnSync(process.execPath, [server, ...flags], { encoding: "utf8" });
    assert.equal(status, code);
    assert.match(stderr, text);
  });
}

test("ends with everything that it started", async () => {
  const its = await startDemo();
  const status = await (await fetch(`${its.ready.origin}/__demo/status`)).json();
  assert.equal(await its.stop(), 0);
  for (const url of [its.ready.origin, its.ready.controlplane_http_url, status.tunnel.healthz_url, status.direct.ws_url.replace(/^ws/, "http")]) {
    await assert.rejects(fetch(url), `${url} still answers`);
  }
});
