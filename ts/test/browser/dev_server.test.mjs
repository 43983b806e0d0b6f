// The development server by itself: what it serves, what it refuses, how it starts and ends.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build, listenTo, root, startDemo } from "./demo.mjs";

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
    controlplane_control_url: demo.ready.controlplane_control_url,
    controlplane_state: demo.ready.controlplane_state,
    bearer_key_file: demo.ready.bearer_key_file,
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
  ["an endpoint that nobody knows", "/__demo/connect/artifact", { method: "POST", body: '{"endpoint_id":"nobody"}' }, 404],
  ["a question that the control plane refuses", "/__demo/channel/init", { method: "POST", body: '{"stranger":1}' }, 400],
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

test("the key to the control plane is in a file that nobody else can read, and in no answer", async () => {
  const key = readFileSync(demo.ready.bearer_key_file, "utf8").trim();
  assert.equal(statSync(demo.ready.bearer_key_file).mode & 0o777, 0o600);
  const ask = (headers) => fetch(`${demo.ready.controlplane_http_url}/v1/connect/artifact`, {
    method: "POST", body: '{"endpoint_id":"server-1"}', headers: { "content-type": "application/json", ...headers },
  });
  assert.equal((await ask({})).status, 401);
  assert.equal((await ask({ authorization: `Bearer ${key}` })).status, 200);
  const status = await (await fetch(`${demo.ready.origin}/__demo/status`)).text();
  assert.equal(status.includes(key) || JSON.stringify(demo.ready).includes(key) || demo.log.join().includes(key), false);
});

test("a control plane, a tunnel and a server that are killed come back where they were, and so does a client", { timeout: 180_000 }, async (t) => {
  const its = await startDemo();
  t.after(() => its.stop());
  const env = { ...process.env, FSEC_CONTROLPLANE_BASE_URL: its.ready.controlplane_http_url, FSEC_BEARER_KEY_FILE: its.ready.bearer_key_file, FSEC_ORIGIN: its.ready.origin };
  const client = spawn(process.execPath, [join(root, "examples/node/artifact-client.mjs"), "--stay"], { env, stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => client.kill());
  const said = listenTo(client.stdout);
  const told = listenTo(client.stderr);
  const ended = new Promise((_, reject) => {
    client.once("exit", (code) => reject(new Error(`the client ended with ${code}: ${told.lines.join("\n")}`)));
    its.ended.then((code) => reject(new Error(`the demo ended with ${code}: ${its.log.join("\n")}`)));
    const late = setTimeout(() => reject(new Error(`not in time: ${[...its.log, ...told.lines].join("\n")}`)), 150_000);
    t.after(() => clearTimeout(late));
  });
  ended.catch(() => {}); // at the end they do
  const happens = (promise) => Promise.race([promise, ended]);
  const status = async () => (await fetch(`${its.ready.origin}/__demo/status`)).json();

  await happens(said.next("ok"));
  const before = await status();

  process.kill(before.controlplane.pid, "SIGKILL");
  await happens(its.says(/^server: registered as server-1$/)); // once more
  await happens(said.next("ok"));
  assert.equal(told.lines.filter((line) => line === "connected").length, 1, "a session does not need the control plane");

  process.kill(before.tunnel.pid, "SIGKILL");
  await happens(told.next("connected", 2));
  await happens(said.next("ok"));

  process.kill(before.server.pid, "SIGKILL");
  await happens(told.next("connected", 3));
  await happens(said.next("ok"));

  const after = await status();
  for (const name of ["controlplane", "tunnel", "server"]) {
    const { pid, ...same } = after[name];
    assert.deepEqual({ ...same, pid: before[name].pid }, before[name]);
    assert.notEqual(pid, before[name].pid);
  }
});

test("a program that ends again and again is given up, and with it the demo", { timeout: 180_000 }, async () => {
  const its = await startDemo("--no-tunnel");
  let isOver = false;
  its.ended.then(() => (isOver = true));
  let kills = 0;
  for (; !isOver; kills++) {
    const { direct } = await (await fetch(`${its.ready.origin}/__demo/status`)).json();
    const again = Promise.race([its.says(/^direct: .* started again$/), its.ended]);
    process.kill(direct.pid, "SIGKILL");
    await again;
  }
  assert.ok(kills >= 6, `${kills}`); // more on a machine where six took longer than the window
  assert.equal(await its.ended, 1);
  assert.match(its.log.at(-1), /direct ended with SIGKILL, for the 6th time in 10 s$/);
});

test("a folder that others can write in gets no secrets", () => {
  const folder = mkdtempSync(join(tmpdir(), "flowersec-dev-server-"));
  try {
    chmodSync(folder, 0o777);
    const { status, stderr } = spawnSync(process.execPath, [server, "--port", "0", "--folder", folder, "--programs", join(build, "bin")], { encoding: "utf8" });
    assert.equal(status, 1);
    assert.match(stderr, /others can write in it/);
    assert.deepEqual(readdirSync(folder), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("leaves nothing in its folder, and takes the place of a demo that was killed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "flowersec-dev-server-"));
  try {
    writeFileSync(join(folder, "plane.db"), "of a demo that was killed");
    writeFileSync(join(folder, "mine"), "");
    const its = await startDemo("--folder", folder);
    assert.equal(its.ready.bearer_key_file, join(folder, "bearer.key"));
    assert.equal(await its.stop(), 0);
    assert.deepEqual(readdirSync(folder), ["mine"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const server = join(root, "examples/browser/dev-server.mjs");
const wrong = [
  ["an unknown flag", ["--nonsense"], 2, /unknown flag --nonsense/],
  ["a flag without its value", ["--port"], 2, /--port needs a value/],
  ["a port that is none", ["--port", "x"], 2, /x is no port/],
  ["programs that are not there", ["--port", "0", "--programs", "/nowhere"], 1, /no flowersec-controlplane in \/nowhere/],
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
  assert.doesNotMatch(its.log.join("\n"), /cancel|fail|error/i);
});
