// The same as flowersec-adversary-shim with the TypeScript package: clients, chats, a server in public-key mode, many in one process; and a registry.
//
//   node shim.mjs <folder with node_modules/flowersec>
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const from = createRequire(join(process.argv[2], "index.js"));
const load = (name) => import(pathToFileURL(from.resolve(name)));
const { acceptSealedNode, connectDirectNode, connectSealedNode, connectTunnelEndpointNode, connectTunnelNode } = await load("flowersec/node");
const { parseKeyFile } = await load("flowersec/sealed");
const { RegistryServer, SecureSocketClient } = await load("flowersec/rendezvous");
const { ChannelInitService, IssuerKeyset } = await load("flowersec/controlplane");
const { Ownwire } = await load("flowersec/ownwire");
const { Contacts, Identity, PublicKey } = await load("flowersec/identity");
const beside = (path) => import(new URL(path, pathToFileURL(from.resolve("flowersec/reconnect"))));
const { isRetryable } = await beside("../reconnect/failure.js");
const { whatWasWrong } = await beside("../peer/ending.js");
const { WebSocketServer } = from(join(process.argv[2], "node_modules", "ws"));

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const wordsOf = (error) => (error?.name === "FlowersecError" ? `${error.path}: ${error.stage}/${error.code}` : (error?.code ?? String(error)));
/** How a session ended, and why: the innermost cause, which noticed first. */
function wordsOfEnd(ended) {
  const wrong = whatWasWrong(ended);
  if (wrong !== undefined || ended === undefined) return wrong ?? "closed here";
  let why = ended;
  while (why.cause instanceof Error) why = why.cause;
  const said = why.code?.startsWith?.("WS_ERR_") ? why.code : why.message;
  return `${wordsOf(ended)}${why === ended ? "" : `: ${said}`}`;
}
const options = { origin: "http://127.0.0.1", transportSecurityPolicy: "allow_plaintext_for_loopback" };

async function echo(session, text) {
  const stream = await session.openStream("echo");
  await stream.write(Buffer.from(text));
  await stream.close();
  let heard = "";
  for await (const bytes of stream) heard += Buffer.from(bytes).toString();
  return heard;
}

function connect({ do: what, url, info, key, grant }) {
  if (what === "direct") return connectDirectNode({ ...info, ws_url: url }, options);
  if (what === "sealed") return connectSealedNode({ wsUrl: url, serverKeys: [key] }, options);
  return what === "tunnel_client" ? connectTunnelNode(grant, options) : connectTunnelEndpointNode(grant, options);
}

/** What became of a call. */
async function call(session) {
  try {
    const { payload, error } = await session.rpc.call(7, "x");
    return error === undefined ? `answered ${JSON.stringify(payload)}` : `refused ${error.code} ${error.message ?? ""}`;
  } catch (error) {
    return error.message;
  }
}

async function runClient({ id, say: text = "", ...command }) {
  let session;
  let said = "ok";
  try {
    session = await connect(command);
    if (command.call) {
      say({ id, said: await call(session) });
      return session.close();
    }
    if (text !== "" && (await echo(session, text)) !== text) said = "another text came back";
  } catch (error) {
    // How a session that was there ended says more than which of its streams noticed.
    if (session !== undefined) said = wordsOfEnd(await session.ended);
    else said = `${wordsOf(error)}${command.grant !== undefined && !isRetryable(error) ? ", final" : ""}`;
  }
  say({ id, said });
  await session?.close();
}

/** Those that are not over, by the command that began them. */
const staying = new Map();

async function optionsOfRegistration({ url, key, contact }) {
  const contacts = new Contacts(await Identity.generate());
  await contacts.add(PublicKey.parse(contact), "the contact");
  return { url, registryKeys: [key], contacts, transport: "text", reconnect: { enabled: false }, calls: { enabled: false }, onMessage() {} };
}

async function runRegistered({ id, send, ...command }) {
  let failed;
  const over = new Promise((resolve) => (failed = resolve));
  const onState = (event) => event.type === "registry" && event.state === "failed" && failed(event.error);
  try {
    const contact = PublicKey.parse(command.contact);
    const client = await SecureSocketClient.create({ ...(await optionsOfRegistration(command)), onState });
    if (send !== undefined) say({ id, said: await client.send(contact, 1).then(() => "ok", wordsOf) });
    const error = await over;
    if (send === undefined) say({ id, said: wordsOf(error) });
    await client.close();
  } catch (error) {
    say({ id, said: wordsOf(error) });
  }
}

/** Comes back until it is told to leave; then it says why it had to, each time. */
async function runReturning({ id, spread, ...command }) {
  const words = [];
  const reconnect = { maxAttempts: 100, initialDelayMs: 0, maxDelayMs: 0, factor: 1, jitterRatio: 0, drainSpreadMs: spread };
  const onState = (event) => event.type === "registry" && event.error !== undefined && words.push(wordsOf(event.error));
  const done = () => say({ id, said: words.join("; ") });
  try {
    const client = await SecureSocketClient.create({ ...(await optionsOfRegistration(command)), reconnect, onState });
    staying.set(id, {
      close() {
        staying.delete(id);
        void client.close().then(done);
      },
    });
  } catch {
    done();
  }
}

/** How long a peer may take nothing. */
const sending = (sendMs) => (sendMs === undefined ? {} : { webSocketLimits: { outboundDrainTimeoutMs: sendMs } });

/** Of a session whose peer went away, which is how one is supposed to end. */
const left = "left";

async function serveEcho(session) {
  const services = {
    echo: async (stream) => {
      for await (const bytes of stream) await stream.write(bytes);
      await stream.close();
    },
    source: async (stream) => {
      for (const block = new Uint8Array(65_536); ; ) await stream.write(block);
    },
  };
  for (;;) {
    try {
      const { kind, stream } = await session.acceptStream();
      if (services[kind] === undefined) stream.reset();
      else services[kind](stream).catch(() => stream.reset());
    } catch (error) {
      if (error.code !== "stream_hello_failed") break;
    }
  }
  session.close();
  return whatWasWrong(await session.ended) ?? left;
}

/** Accepts WebSockets, and calls `then` with the URL that they come to. */
function listenFor(accept, maxPayload, then) {
  const upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload });
  const server = createServer();
  server.on("upgrade", (request, socket, head) => upgrades.handleUpgrade(request, socket, head, accept));
  server.listen(0, "127.0.0.1", () => then(`ws://127.0.0.1:${server.address().port}`));
}

function runServer({ id, keys, send_ms: sendMs }) {
  const credential = { keys: parseKeyFile(keys) };
  const accept = (socket) => {
    acceptSealedNode(socket, credential, { secureTransport: false, transportSecurityPolicy: "allow_plaintext_for_loopback", ...sending(sendMs) })
      .then(serveEcho)
      .then((of) => say({ id, of }), (error) => say({ id, of: wordsOf(error) }));
  };
  listenFor(accept, 1_048_640, (url) => say({ id, url: `${url}/direct` }));
}

async function runRegistry({ id }) {
  const service = new ChannelInitService(IssuerKeyset.random("k"), { tunnelUrl: "ws://127.0.0.1:1/ws", tunnelAudience: "a", issuerId: "i", idleTimeoutSeconds: 300 });
  const limits = { registrationsPerSecond: 100_000, registrationBurst: 100_000 };
  const registry = await RegistryServer.create({ keys: [await RegistryServer.generateKey()], mint: (channelId) => service.issue(channelId), limits });
  listenFor((socket, request) => registry.attach(socket, request), 104_857_600, (url) => say({ id, url: `${url}/rv/v1/ws`, key: registry.publicKey }));
}

const longestShown = 40;
const shown = (text) => (Buffer.byteLength(text) <= longestShown ? text : `${Buffer.byteLength(text)} bytes`);

/** A chat client, and what happened to it in words that the C++ shim has as well. It says what a reply "say ..." asks for, and leaves at the reply "that is all". */
function runChat({ id, url, key, texts, attempts, spread }) {
  const reconnect = { maxAttempts: attempts, initialDelayMs: 0, maxDelayMs: 0, factor: 1, jitterRatio: 0, drainSpreadMs: spread };
  const chat = new Ownwire(url, { server_keys: [key], origin: "http://127.0.0.1", reconnect });
  const words = [];
  let leavesWhenLost = false;
  /** Why texts failed is told behind them. */
  const failedFor = (code, ofText) => {
    for (const [i, word] of words.entries()) if (word === ofText || (ofText === undefined && /^failed \d+$/.test(word))) words[i] = `${word} ${code}`;
  };
  chat.onOpen = ({ session_id, resumed }) => words.push(`${resumed ? "resumed" : "new"} ${session_id.slice(0, 8)}`);
  chat.onDelivery = (text, status) => status !== "queued" && words.push(`${status} ${text}`);
  chat.onTyping = (on) => words.push(`typing ${on ? "on" : "off"}`);
  chat.onError = ({ code, id: text, fatal }) => {
    if (text !== undefined) failedFor(code, `failed ${text}`);
    else if (fatal) failedFor(code);
    else {
      words.push(`problem ${code}`);
      if (leavesWhenLost) setImmediate(() => chat.close());
    }
  };
  chat.onMessage = (content, { seq, metadata }) => {
    if (content === "that is all") return chat.close();
    words.push(`reply ${seq} ${shown(content)}${metadata === undefined ? "" : ` (${shown(metadata)})`}`);
    if (!content.startsWith("say ")) return;
    try {
      chat.send(content.slice(4));
    } catch ({ code }) {
      words.push(`refused ${code}`);
    }
  };
  chat.onClose = (error) => {
    if (error === undefined) failedFor("closed");
    words.push(error === undefined ? "left" : `over ${error.code}`);
    staying.delete(id);
    say({ id, said: words });
  };
  staying.set(id, {
    close(lost) {
      leavesWhenLost = lost && !words.some((word) => word.startsWith("problem "));
      if (!leavesWhenLost) chat.close();
    },
  });
  chat.connect().catch(() => {}); // onClose has it
  for (let i = 1; i <= texts; i++) chat.send(`text ${i}`);
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const command = JSON.parse(line);
    const run = { serve: runServer, registry: runRegistry, register: command.spread === undefined ? runRegistered : runReturning, chat: runChat, leave: ({ of, lost }) => staying.get(of)?.close(lost) }[command.do] ?? runClient;
    void run(command);
  })
  .on("close", () => process.exit(0));
