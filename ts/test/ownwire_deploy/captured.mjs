// What a capture shows to somebody who reads everything: HTTP heads, WebSocket messages, and whether a text is in there.
import { createDecipheriv, createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Listens to the connections of these ports from now on. `end()` gives them, port → [{client, server}], as Buffers. */
export async function capture(...ports) {
  const script = fileURLToPath(new URL("capture.py", import.meta.url));
  const child = spawn("/usr/bin/python3", [script, ...ports.map(String)], { stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => child.kill("SIGKILL"));
  const chunks = [];
  child.stdout.on("data", (chunk) => chunks.push(chunk));
  await once(child.stdout, "data");
  return {
    async end() {
      child.kill("SIGTERM");
      const [code] = await once(child, "close");
      if (code !== 0) throw new Error(`the capture ended with ${code}`);
      const seen = JSON.parse(Buffer.concat(chunks).toString().slice("ready\n".length));
      const bytes = ({ client, server }) => ({ client: Buffer.from(client, "base64"), server: Buffer.from(server, "base64") });
      return Object.fromEntries(Object.entries(seen).map(([port, found]) => [port, found.map(bytes)]));
    },
  };
}

const headEnd = "\r\n\r\n";

/** A request's or response's head, in lower case, or "" when there is none. */
export const headOf = (bytes) => bytes.subarray(0, Math.max(0, bytes.indexOf(headEnd))).toString("latin1").toLowerCase();

export const isWebSocket = ({ client }) => headOf(client).includes("\r\nupgrade: websocket");

/** The frames behind the upgrade, unmasked: {opcode, isFinal, isPlain, payload}. One that is not whole is left out. */
export function framesOf(bytes) {
  const frames = [];
  let at = bytes.indexOf(headEnd) + headEnd.length;
  while (at + 2 <= bytes.length) {
    const [first, second] = bytes.subarray(at);
    let length = second & 0x7f;
    let start = at + 2;
    const longer = { 126: 2, 127: 8 }[length] ?? 0; // bytes of a longer length
    if (start + longer + 4 > bytes.length && longer > 0) break;
    if (longer === 2) length = bytes.readUInt16BE(start);
    if (longer === 8) length = Number(bytes.readBigUInt64BE(start));
    start += longer;
    const mask = second & 0x80 ? bytes.subarray(start, (start += 4)) : undefined;
    if (start + length > bytes.length) break;
    const payload = Buffer.from(bytes.subarray(start, start + length));
    if (mask) for (let i = 0; i < payload.length; i++) payload[i] ^= mask[i % 4];
    frames.push({ opcode: first & 0x0f, isFinal: (first & 0x80) !== 0, isPlain: (first & 0x70) === 0, payload });
    at = start + length;
  }
  return frames;
}

/** All that is sent in a connection, as it went over the wire and as it reads behind the masks. */
const readable = ({ client, server }) => [client, server, ...[client, server].flatMap((bytes) => framesOf(bytes).map(({ payload }) => payload))];

/** How something can be written down: as it is, UTF-16, hex, JSON, and base64 at each of the three places it can begin. */
function writings(secret) {
  const bytes = Buffer.from(secret);
  const written = [bytes, Buffer.from(bytes.toString("hex")), Buffer.from(bytes.toString("hex").toUpperCase())];
  if (typeof secret === "string") written.push(Buffer.from(secret, "utf16le"), Buffer.from(JSON.stringify(secret).slice(1, -1)));
  for (const shift of [0, 1, 2]) {
    const inside = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64").replace(/=+$/, "").slice(shift === 0 ? 0 : shift + 1, -1);
    written.push(Buffer.from(inside), Buffer.from(inside.replaceAll("+", "-").replaceAll("/", "_")));
  }
  return written;
}

/** Whether anything in the connections holds `secret`, a text or bytes, in one of these writings. */
export const isSeen = (secret, connections) => connections.flatMap(readable).some((bytes) => writings(secret).some((written) => bytes.includes(written)));

const prefix = "ownwire-seal-v1";
const derPublic = Buffer.from("302a300506032b656e032100", "hex");
const derPrivate = Buffer.from("302e020100300506032b656e04220420", "hex");

/** The PSK in an open message, with the gateway's private key: the format once more, from its description alone. */
export function unseal(open, privateKeyText) {
  const sealed = Buffer.from(open.sealed_psk_b64u, "base64url");
  const own = createPrivateKey({ key: Buffer.concat([derPrivate, Buffer.from(privateKeyText, "base64url")]), format: "der", type: "pkcs8" });
  const theirs = sealed.subarray(0, 32);
  const shared = diffieHellman({ privateKey: own, publicKey: createPublicKey({ key: Buffer.concat([derPublic, theirs]), format: "der", type: "spki" }) });
  const ownPublic = createPublicKey(own).export({ format: "der", type: "spki" }).subarray(-32);
  const derive = (label, length) => Buffer.from(hkdfSync("sha256", shared, Buffer.concat([theirs, ownPublic]), `${prefix}:${label}`, length));
  const id = Buffer.from(open.channel_id);
  const idLength = Buffer.alloc(2);
  idLength.writeUInt16BE(id.length);
  const opener = createDecipheriv("aes-256-gcm", derive("key", 32), derive("nonce", 12));
  opener.setAAD(Buffer.concat([Buffer.from(prefix), idLength, id])).setAuthTag(sealed.subarray(64));
  return Buffer.concat([opener.update(sealed.subarray(32, 64)), opener.final()]);
}
