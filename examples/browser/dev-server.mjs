// The development server of the browser examples: starts the demo's programs, bundles the pages, serves both.
// `make demo-web` runs it.
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { printReady, readFlags, usageError } from "../node/cli.mjs";
import { Stack, StackError } from "./stack.mjs";

const program = "dev-server";
const help = `
usage: node examples/browser/dev-server.mjs [flags]
  --host 127.0.0.1                       where to listen
  --port 5173                            0 lets the system choose
  --origin http://127.0.0.1:<port>       origin of the pages, as the browser sees it
  --tunnel-url ws://127.0.0.1:8080/ws    where the tunnel is to listen; port 0 lets the system choose
  --controlplane-listen 127.0.0.1:8081   where the control plane is to listen for those who ask for artifacts
  --control-listen 127.0.0.1:8082        where the control plane is to listen for server endpoints
  --folder FOLDER                        where its state, keys and credentials are while the demo runs; else a temporary one
  --no-tunnel, --no-direct               without that half of the demo
  --programs build/release/bin           folder with flowersec-tunnel and flowersec-controlplane
  --demo-server build/release/examples/demo-server
Prints one line of JSON once everything is ready.`;

const flags = readFlags(program, help, {
  host: "127.0.0.1", port: "5173", origin: "", "tunnel-url": "ws://127.0.0.1:8080/ws", "controlplane-listen": "127.0.0.1:8081",
  "control-listen": "127.0.0.1:8082", folder: "",
  "no-tunnel": false, "no-direct": false, programs: "build/release/bin", "demo-server": "build/release/examples/demo-server",
});
if (!/^\d{1,5}$/.test(flags.port) || Number(flags.port) > 65_535) usageError(program, `--port: ${flags.port} is no port`);
if (!/^ws:\/\/[^/]+\//.test(flags["tunnel-url"])) usageError(program, "--tunnel-url takes a ws:// URL with a path");

const root = fileURLToPath(new URL("../../", import.meta.url));
const maxBodyBytes = 8192;
const pages = { tunnel: "/examples/ts/browser-tunnel/", direct: "/examples/ts/browser-direct/" };
const types = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".map": "application/json", ".json": "application/json", ".svg": "image/svg+xml", ".png": "image/png", ".md": "text/plain" };

/** An answer other than 200. */
class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// [bundle]
/** The pages' scripts by URL path, bundled in memory. */
async function bundlePages() {
  const { build } = createRequire(new URL("../../ts/package.json", import.meta.url))("esbuild");
  const outdir = "/examples/ts";
  const { outputFiles } = await build({
    entryPoints: [
      { in: join(root, "examples/browser/tunnel/main.ts"), out: "browser-tunnel/main" },
      { in: join(root, "examples/browser/direct/main.ts"), out: "browser-direct/main" },
    ],
    outdir, bundle: true, splitting: true, format: "esm", platform: "browser", target: "es2022", minify: true, sourcemap: true, write: false,
  });
  return new Map(outputFiles.map(({ path, contents }) => [path, contents]));
}
// [bundle]

// [endpoints]
const temporary = flags.folder === "" ? mkdtempSync(join(process.env.FSEC_DEMO_TMP_DIR ?? tmpdir(), "flowersec-demo-")) : undefined;
const stack = new Stack({ programs: flags.programs, demoServer: flags["demo-server"], folder: temporary ?? flags.folder });
let status = { status: "starting" };

function started(name) {
  const ready = stack.ready[name];
  if (status.status !== "ready" || ready === undefined) throw new Refusal(503, `${name} is not running`);
  return ready;
}

/**
 * Asks the control plane for an artifact, with the key that it wants to see: whoever has that key gets any endpoint, so it
 * stays here, and pages ask this server. One that serves others than this machine would look who asks.
 */
async function askControlplane(request) {
  const { http_url: base } = started("controlplane");
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new Refusal(413, `a body has at most ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  let asked = {};
  try {
    if (size > 0) asked = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new Refusal(400, "the body is not JSON");
  }
  const headers = { authorization: `Bearer ${stack.bearerKey}`, "content-type": "application/json" };
  const body = JSON.stringify({ endpoint_id: "server-1", ...asked });
  try {
    const answer = await fetch(`${base}/v1/connect/artifact`, { method: "POST", headers, body });
    return { code: answer.status, json: await answer.json() };
  } catch {
    throw new Refusal(503, "the control plane does not answer");
  }
}

/** The same, of an artifact the grant alone. */
async function askForGrant(request) {
  const { code, json } = await askControlplane(request);
  return { code, json: json.connect_artifact ? { grant_client: json.connect_artifact.tunnel_grant } : json };
}

function directInfo() {
  const { ws_url, channel_id, e2ee_psk_b64u, channel_init_expire_at_unix_s, default_suite } = started("direct");
  return { ws_url, channel_id, e2ee_psk_b64u, channel_init_expire_at_unix_s, default_suite };
}

const endpoints = {
  "/__demo/status": { method: "GET", answer: () => ({ json: { ...status, ...stack.ready } }) },
  "/__demo/channel/init": { method: "POST", answer: askForGrant },
  "/__demo/connect/artifact": { method: "POST", answer: askControlplane },
  "/__demo/direct/info": { method: "GET", answer: () => ({ json: { ...directInfo(), example_type_ids: started("direct").example_type_ids, example_stream_kinds: started("direct").example_stream_kinds } }) },
  "/__demo/direct/artifact": { method: "GET", answer: () => ({ json: { connect_artifact: { v: 1, transport: "direct", direct_info: directInfo() } } }) },
};

async function demoEndpoint(path, request) {
  const endpoint = Object.hasOwn(endpoints, path) ? endpoints[path] : undefined;
  if (endpoint === undefined) throw new Refusal(404, "no such endpoint");
  if (request.method !== endpoint.method) throw new Refusal(405, `only ${endpoint.method}`);
  const { code = 200, json } = await endpoint.answer(request);
  return { code, type: "application/json", body: `${JSON.stringify(json)}\n` };
}
// [endpoints]

// [files]
const realRoot = realpathSync(root);

/** A file of the repository. Nothing outside, nothing whose path has a name with a leading dot, no folders. */
async function staticFile(path) {
  let names;
  try {
    names = decodeURIComponent(path).split("/");
  } catch {
    throw new Refusal(400, "not a path");
  }
  if (names.some((name) => name.startsWith(".") || /[\\\0]/.test(name))) throw new Refusal(403, "not served");
  const file = join(root, ...names);
  try {
    const real = realpathSync(file);
    if (!real.startsWith(realRoot + sep) || relative(realRoot, real).split(sep).some((name) => name.startsWith("."))) throw new Refusal(403, "not served");
    if (!(await stat(real)).isFile()) throw new Refusal(404, "no such file");
    return { type: types[extname(real)] ?? "application/octet-stream", body: await readFile(real) };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(404, "no such file");
  }
}

function page(path, scripts) {
  if (scripts.has(path)) return { type: types[extname(path)], body: scripts.get(path) };
  for (const [name, url] of Object.entries(pages)) {
    if (path.startsWith(url)) return staticFile(`examples/browser/${name}/${path.slice(url.length) || "index.html"}`);
  }
  return path.startsWith("/examples/ts/page/") ? staticFile(path.replace("/examples/ts/page/", "examples/browser/page/")) : undefined;
}
// [files]

async function answer(request, scripts) {
  // The path as it was sent: a URL parser would resolve dots before anybody can refuse them.
  const path = request.url.split(/[?#]/)[0];
  if (path.startsWith("/__demo/")) return demoEndpoint(path, request);
  if (request.method !== "GET" && request.method !== "HEAD") throw new Refusal(405, "only GET");
  if (path === "/") return { code: 302, location: flags["no-tunnel"] ? pages.direct : pages.tunnel, type: "text/plain", body: "" };
  return (await page(path, scripts)) ?? staticFile(path.slice(1));
}

function serve(scripts) {
  return createServer(async (request, response) => {
    let result;
    try {
      result = await answer(request, scripts);
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(error);
      result = { code: error.status ?? 500, type: "application/json", body: `${JSON.stringify({ error: { message: error.message } })}\n` };
    }
    const { code = 200, type, body, location } = result;
    response.writeHead(code, {
      "content-type": `${type}; charset=utf-8`,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:",
      ...(location && { location }),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  });
}

async function stop(code) {
  await stack.stop();
  if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
  process.exit(code);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => stop(0));
try {
  const server = serve(await bundlePages());
  await new Promise((resolve, reject) => server.once("error", reject).listen(Number(flags.port), flags.host, resolve));
  const origin = flags.origin || `http://${flags.host}:${server.address().port}`;
  if (!flags["no-tunnel"]) {
    await stack.startTunnel({
      origin, tunnelUrl: flags["tunnel-url"], controlplaneListen: flags["controlplane-listen"], controlListen: flags["control-listen"],
    });
  }
  if (!flags["no-direct"]) await stack.startDirect({ origin });
  status = {
    status: "ready",
    origin,
    ...(!flags["no-tunnel"] && { browser_tunnel_url: origin + pages.tunnel }),
    ...(!flags["no-direct"] && { browser_direct_url: origin + pages.direct }),
    ...(!flags["no-tunnel"] && {
      controlplane_http_url: stack.ready.controlplane.http_url,
      controlplane_control_url: stack.ready.controlplane.control_url,
      controlplane_state: stack.files.state,
      bearer_key_file: stack.files.bearerKey,
    }),
  };
  printReady(status);
  const open = [status.browser_tunnel_url, status.browser_direct_url].filter((url) => url !== undefined);
  console.error(`${program}: open ${open.join(" or ")}; Ctrl-C ends everything`);
  console.error(`${program}: ${await stack.failed}`);
  await stop(1);
} catch (error) {
  const known = error instanceof StackError || error.syscall === "listen" || error.errors !== undefined;
  console.error(`${program}: ${known ? error.message : error.stack}`);
  await stop(1);
}
