// Serves the chat page on this machine, with the policy that such a page wants. Not the registry's business: whoever serves the page
// could read what is written in it. With --saw it also hands out what the servers of a demo tell of themselves.
//
//   node examples/chat/page-server.mjs --page DIR --registry-url URL --registry-key KEY [--port N] [--saw TITLE=FILE|URL ...]
//
// DIR: what `node ts/scripts/chat.mjs --out DIR` wrote. Prints one line of JSON with the URL when it listens.
import { readFileSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    page: { type: "string" },
    port: { type: "string", default: "0" },
    "registry-url": { type: "string" },
    "registry-key": { type: "string", multiple: true },
    saw: { type: "string", multiple: true, default: [] },
  },
});
if (!values.page || !values["registry-url"] || !values["registry-key"]) {
  console.error("usage: node examples/chat/page-server.mjs --page DIR --registry-url URL --registry-key KEY [--port N] [--saw TITLE=FILE|URL ...]");
  process.exit(2);
}

/** Of a log, what is shown; metrics are shown whole, but for their comments and zeros. */
const maxLogLines = 60;
const types = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".json": "application/json" };
const policy = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src data:",
  "connect-src 'self' wss: ws://localhost:* ws://127.0.0.1:*",
  "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
].join("; ");
const headers = {
  "content-security-policy": policy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

const config = { registry_url: values["registry-url"], registry_keys: values["registry-key"], ...(values.saw.length > 0 ? { saw: "saw.txt" } : {}) };
const files = new Map(readdirSync(values.page).map((name) => [`/${name}`, readFileSync(join(values.page, name))]));
files.set("/", files.get("/index.html"));
files.set("/chat.json", Buffer.from(JSON.stringify(config)));

const isTelling = (line) => line !== "" && !line.startsWith("#") && !/ 0$/.test(line);

async function tellOf(entry) {
  const at = entry.indexOf("=");
  const [title, source] = [entry.slice(0, at), entry.slice(at + 1)];
  try {
    const isPage = source.startsWith("http://");
    const text = isPage ? await (await fetch(source, { signal: AbortSignal.timeout(2_000) })).text() : await readFile(source, "utf8");
    const lines = text.split("\n");
    return `--- ${title}\n${(isPage ? lines.filter(isTelling) : lines.slice(-maxLogLines)).join("\n").trim() || "(nothing)"}\n`;
  } catch (error) {
    return `--- ${title}\n(not to be had: ${error.message})\n`;
  }
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://page");
  if (request.method !== "GET" && request.method !== "HEAD") return response.writeHead(405, headers).end();
  if (pathname === "/saw.txt" && values.saw.length > 0) {
    const text = (await Promise.all(values.saw.map(tellOf))).join("\n");
    return response.writeHead(200, { ...headers, "content-type": "text/plain; charset=utf-8" }).end(text);
  }
  const file = files.get(pathname);
  if (file === undefined) return response.writeHead(404, headers).end();
  response.writeHead(200, { ...headers, "content-type": `${types[extname(pathname) || ".html"] ?? "application/octet-stream"}; charset=utf-8` }).end(file);
});
server.listen(Number(values.port), "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://localhost:${server.address().port}/` }));
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
