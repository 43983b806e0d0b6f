// What a user gets: packs the package and looks at the result from outside.
//   types     programs for Node and for browsers compile against it with tsc --strict, libraries checked too
//   publint   the manifest says what is there
//   attw      types and code resolve alike, from ES modules (there is no CommonJS)
//   docs      every export of every entry, and every method, has a docstring: TypeDoc says which has none (types are right: the build came first)
//   size      a browser client with calls, streams and both suites, minified and gzipped; a peer with its identity; the chunk that loads on demand; the
//             scripts that an OwnWire gateway serves
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { fromHere, run } from "./run.mjs";

/** docs/PERFORMANCE_TYPESCRIPT.md, "Size". */
const entryKiB = 20;
const fallbackKiB = 24;
const peerKiB = 48;

const folder = mkdtempSync(join(tmpdir(), "flowersec-package-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
run("scripts/pack.mjs", [folder]);
const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz")));
const failures = [];

function check(name, command, args, cwd = folder) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  console.log(`package: ${name} ${status === 0 ? "ok" : "FAILED"}`);
  if (status !== 0) failures.push(`${name}\n${stdout}${stderr}`);
}

// ---- types

const nodeProgram = `
import * as endpoint from "flowersec/endpoint";
import { acceptDirectNode, connectNode, createNodeWsFactory, type Client, type WebSocketFactory } from "flowersec/node";
import { ChannelInitService, IssuerKeyset, verifyToken } from "flowersec/controlplane";
import { callTyped, RpcRouter } from "flowersec/rpc";
import { assertPingResponse } from "flowersec/gen/flowersec/demo/v1.gen";
import { createDemoClient } from "flowersec/gen/flowersec/demo/v1.rpc.gen";
import { connect, FlowersecError, type ConnectArtifact } from "flowersec";
import { acceptSealedNode, connectSealedNode } from "flowersec/node";
import { Ownwire, OwnwireError } from "flowersec/ownwire";
import { parseKeyFile } from "flowersec/sealed";
import { Contacts, readIdentityFile } from "flowersec/identity";
import { RegistryServer, SecureSocketClient, SecureWebSocket } from "flowersec/rendezvous";

const factory: WebSocketFactory = createNodeWsFactory();
export async function call(artifact: ConnectArtifact): Promise<boolean> {
  await using client: Client = await connectNode(artifact, { origin: "https://app.example", wsFactory: factory });
  for await (const bytes of await client.openStream("echo")) bytes.subarray(1);
  const { ok } = await createDemoClient(client.rpc).ping({});
  return ok && (await callTyped(client.rpc, 1, {}, { assert: assertPingResponse })).ok;
}
export async function serve(socket: unknown): Promise<void> {
  const router = new RpcRouter();
  router.register(1, async () => ({ payload: { ok: true } }));
  const session = await acceptDirectNode(socket, { channelId: "c", suite: 1, psk: new Uint8Array(32), initExpireAtUnixS: 1 });
  await session.serveRPC(router);
}
export async function sealed(socket: unknown, keyFile: string): Promise<void> {
  const keys = parseKeyFile(keyFile);
  await acceptSealedNode(socket, { keys: () => keys });
  const serverKeys = keys.map(({ publicKey }) => publicKey);
  await using client = await connectSealedNode({ wsUrl: "wss://server.example/ws", serverKeys }, { origin: "https://server.example" });
  const chat = new Ownwire("wss://chat.example/ws", { server_keys: serverKeys, metadata: "username:user1", reconnect: { maxAttempts: 100 } });
  chat.onMessage = (text, { session_id, seq, metadata }) => console.log(text, session_id, seq + 1, metadata?.length);
  chat.onDelivery = (id, status) => console.log(id + 1, status === "delivered");
  chat.onError = (error) => error.code === "backend_unavailable" && console.log(error.id, error instanceof OwnwireError);
  void chat.connect();
  console.log(chat.send("hello"), client.path);
}
const issuer = IssuerKeyset.random("k1");
const { client } = new ChannelInitService(issuer, { tunnelUrl: "wss://t.example", tunnelAudience: "a", issuerId: "i" }).issue("c");
verifyToken(client.token, issuer.publicKeys());
export async function peers(socket: unknown, path: string): Promise<void> {
  const service = new ChannelInitService(issuer, { tunnelUrl: "wss://t.example", tunnelAudience: "a", issuerId: "i", idleTimeoutSeconds: 300 });
  const registry = await RegistryServer.create({ keys: [await RegistryServer.generateKey()], mint: (id) => service.issue(id) });
  registry.attach(socket);
  const contacts: Contacts = await readIdentityFile(path);
  const peer = await SecureSocketClient.create({ url: "wss://r.example", registryKeys: [registry.publicKey], contacts, onMessage: (error, message) => console.log(error?.code, message?.from.name) });
  await peer.send(contacts.list()[0]!, { content: "hello" });
  new SecureWebSocket("r.example/" + contacts.list()[0]!.publicKey.text, peer).onmessage = ({ data }) => console.log(data);
}
connect({ v: 1, transport: "tunnel", tunnel_grant: client }, { origin: "o", wsFactory: factory }).catch((error: unknown) => {
  if (error instanceof FlowersecError && error.code === "token_replay") console.log(error.stage, endpoint.Session);
});
`;
const doors = ["", "/endpoint", "/controlplane", "/rpc", "/streamio", "/framing", "/yamux", "/e2ee", "/ws", "/observability", "/streamhello", "/reconnect", "/sealed", "/ownwire", "/ownwire/widget", "/identity", "/rendezvous", "/browser"];
const browserProgram = `
${doors.map((door, i) => `import * as door${i} from "flowersec${door}";`).join("\n")}
import { connectBrowser, requestConnectArtifact, type Client } from "flowersec/browser";
export async function start(): Promise<Client> {
  const artifact = await requestConnectArtifact({ endpointId: "server-1" });
  const client = await connectBrowser(artifact, { observer: { onDiagnosticEvent: (event) => console.log(event.code) } });
  const stream = await client.openStream("file");
  await new Blob(["x"]).stream().pipeTo(stream.writable);
  return client;
}
export const all = [${doors.map((_, i) => `door${i}`).join(", ")}];
// @ts-expect-error nothing is any
export const wrong: number = start;
`;
const programs = {
  node: { source: nodeProgram, options: { lib: ["es2022", "esnext.disposable"], types: ["node"] } },
  browser: { source: browserProgram, options: { lib: ["es2022", "dom", "dom.iterable"], types: [] } },
  bundler: { source: browserProgram, options: { lib: ["es2022", "dom", "dom.iterable"], types: [], module: "esnext", moduleResolution: "bundler", customConditions: ["browser"] } },
};
mkdirSync(join(folder, "node_modules", "@types"), { recursive: true });
for (const name of ["@types/node", "undici-types"]) symlinkSync(fromHere("node_modules", name), join(folder, "node_modules", name));
writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
for (const [name, { source, options }] of Object.entries(programs)) {
  writeFileSync(join(folder, `${name}.ts`), source);
  const compilerOptions = {
    target: "es2022", module: "nodenext", strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false,
    noEmit: true, ...options,
  };
  writeFileSync(join(folder, `tsconfig.${name}.json`), JSON.stringify({ compilerOptions, files: [`${name}.ts`] }));
  check(`types, ${name}`, process.execPath, [fromHere("node_modules/typescript/bin/tsc"), "-p", `tsconfig.${name}.json`]);
}

// ---- the manifest

check("publint", process.execPath, [fromHere("node_modules/publint/src/cli.js"), "run", join(folder, "node_modules", "flowersec"), "--strict"]);
check("attw", process.execPath, [
  fromHere("node_modules/@arethetypeswrong/cli/dist/index.js"), tarball, "--profile", "esm-only", "--no-emoji", "--no-color", "--format", "table-flipped",
]);

// ---- docstrings

const documented = JSON.parse(readFileSync(fromHere("typedoc.json"), "utf8")).entryPoints;
const doorsOf = (entry) => [entry, ...(entry.browser ? [entry.browser] : [])];
for (const { types } of Object.values(JSON.parse(readFileSync(fromHere("package.json"), "utf8")).exports).flatMap(doorsOf)) {
  const source = types.replace("./dist/", "src/").replace(".d.ts", ".ts");
  if (!source.includes("*") && !documented.includes(source)) failures.push(`typedoc.json does not know ${source}`);
}
check("docs", process.execPath, [fromHere("node_modules/typedoc/bin/typedoc"), "--emit", "none", "--skipErrorChecking"], fromHere());

// ---- size

writeFileSync(
  join(folder, "page.js"),
  `import { connectBrowser } from "flowersec/browser";\nglobalThis.page = { connectBrowser };\n`,
);
writeFileSync(
  join(folder, "peer.js"),
  `import { Contacts, Identity } from "flowersec/identity";\nimport { SecureSocketClient, SecureWebSocket } from "flowersec/rendezvous";\nglobalThis.page = { Contacts, Identity, SecureSocketClient, SecureWebSocket };\n`,
);
const settings = {
  absWorkingDir: folder,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  minify: true,
  write: false,
  metafile: true,
  outdir: join(folder, "bundle"),
};
const { outputFiles, metafile } = await build({ ...settings, entryPoints: [join(folder, "page.js")] });
const peer = await build({ ...settings, entryPoints: [join(folder, "peer.js")] });
const zippedOf = (files, path) => gzipSync(files.find((file) => file.path.endsWith(path)).contents, { level: 9 }).length / 1024;
const zipped = (path) => zippedOf(outputFiles, path);
/** An output and everything it imports at once. */
function closure({ outputs }, path, seen = new Set()) {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const { path: other, kind } of outputs[path].imports) if (kind === "import-statement") closure({ outputs }, other, seen);
  return seen;
}
const entryOf = ({ outputs }) => Object.keys(outputs).find((path) => outputs[path].entryPoint !== undefined && /(page|peer)\.js$/.test(outputs[path].entryPoint));
const atOnce = closure(metafile, entryOf(metafile));
const atOnceOfPeer = closure(peer.metafile, entryOf(peer.metafile));
const onDemand = Object.keys(metafile.outputs).filter((path) => !atOnce.has(path));
const isCrypto = (path) => Object.keys(metafile.outputs[path].inputs).some((input) => /@noble|dist\/crypto\//.test(input));
const sum = (paths) => [...paths].reduce((total, path) => total + zipped(path), 0);
const sizes = [
  ["browser client", sum(atOnce), entryKiB],
  ["crypto fallbacks, on demand", sum(onDemand.filter(isCrypto)), fallbackKiB],
  ["peer with identity and contacts", [...atOnceOfPeer].reduce((total, path) => total + zippedOf(peer.outputFiles, path), 0), peerKiB],
  ["observers and scopes, on demand", sum(onDemand.filter((path) => !isCrypto(path))), entryKiB],
];
for (const [name, size, limit] of sizes) {
  const isSmall = size > 0 && size <= limit;
  console.log(`package: ${name}: ${size.toFixed(2)} KiB gzip of ${limit} ${isSmall ? "ok" : "FAILED"}`);
  if (!isSmall) failures.push(`${name} has ${size.toFixed(2)} KiB, at most ${limit}`);
}
const inputs = [...atOnce].flatMap((path) => Object.entries(metafile.outputs[path].inputs)).sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput);
if (process.argv.includes("--parts")) for (const [path, { bytesInOutput }] of inputs) console.log(String(bytesInOutput).padStart(7), path.replace(/^.*node_modules\//, ""));
check("scripts of ownwire", process.execPath, [fromHere("scripts/ownwire.mjs"), "--out", join(folder, "ownwire")]);
const ofPeer = Object.values(peer.metafile.outputs).flatMap(({ inputs: all }) => Object.keys(all));
const foreign = [...[...atOnce, ...onDemand].flatMap((path) => Object.keys(metafile.outputs[path].inputs)), ...ofPeer].filter((path) => /(^|\/)node\/|node_modules\/ws\/|peer\//.test(path));
if (foreign.length > 0) failures.push(`for Node only, and in the bundle: ${foreign.join(", ")}`);

for (const failure of failures) console.error(failure);
process.exitCode = failures.length === 0 ? 0 : 1;
