// The measured end in a browser: what bench/chromium.ts calls, by its name, in the page.
import { forceCrypto } from "../../src/crypto/index.js";
import { nobleCrypto } from "../../src/crypto/noble/provider.js";
import { connectTunnelBrowser } from "../../src/endpoint/browser.js";
import { AllowPlaintextForLoopback } from "../../src/endpoint/policy.js";
import type { ChannelInitGrant } from "../../src/gen/flowersec/controlplane/v1.gen.js";
import type { Client } from "../../src/session/index.js";
import { call, counted, pieceBytes, receive, send } from "./traffic.js";

const clients = new Map<string, Client>();
const highWater = 4_194_304;
const tagBytes = 16;
/** Pieces encrypted at a time. */
const sealAhead = 8;
let bare: WebSocket;

const client = (name: string): Client => {
  const found = clients.get(name);
  if (found === undefined) throw new Error(`no client ${name}`);
  return found;
};

/** The next message of the bare WebSocket, and those after it, until `take` says that it was the last. */
function messages(take: (data: ArrayBuffer) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const onMessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      if (!take(data)) return;
      bare.removeEventListener("message", onMessage);
      resolve();
    };
    bare.addEventListener("message", onMessage);
  });
}

const key = await crypto.subtle.importKey("raw", new Uint8Array(32), "AES-GCM", false, ["encrypt"]);
const iv = new Uint32Array(3);

/** Ciphertext and tag under counted nonces; `iv` may change once the call has returned. */
function seal(plaintext: BufferSource): Promise<ArrayBuffer> {
  iv[0]!++;
  return crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plaintext);
}

function ask(what: number, bytes: number): void {
  const question = new Uint8Array(9);
  question[0] = what;
  question.set(counted(bytes), 1);
  bare.send(question);
}

const page = {
  async connect(name: string, grant: ChannelInitGrant, isJavascript: boolean): Promise<void> {
    forceCrypto(isJavascript ? nobleCrypto : undefined);
    clients.set(name, await connectTunnelBrowser(grant, { transportSecurityPolicy: AllowPlaintextForLoopback }));
    forceCrypto(undefined);
  },
  async attachBare(url: string, attach: string): Promise<void> {
    bare = new WebSocket(url);
    bare.binaryType = "arraybuffer";
    await new Promise((resolve, reject) => {
      bare.addEventListener("open", resolve);
      bare.addEventListener("error", reject);
    });
    bare.send(attach);
  },
  send: (name: string, pieces: number) => send(client(name), pieces),
  receive: (name: string, pieces: number) => receive(client(name), pieces),
  call: (name: string, calls: number) => call(client(name), calls),
  /** Sealed: each piece is encrypted first, several at a time. */
  async sendBare(what: number, pieces: number, isSealed: boolean): Promise<number> {
    const bytes = pieces * pieceBytes;
    const piece = new Uint8Array(isSealed ? pieceBytes - tagBytes : pieceBytes);
    const start = performance.now();
    ask(what, bytes);
    const done = messages(() => true);
    const ahead: Promise<ArrayBuffer>[] = [];
    for (let left = pieces; left > 0; left--) {
      while (isSealed && ahead.length < Math.min(sealAhead, left)) ahead.push(seal(piece));
      const message = (await ahead.shift()) ?? piece;
      while (bare.bufferedAmount > highWater) await new Promise((resolve) => setTimeout(resolve));
      bare.send(message);
    }
    await done;
    return (performance.now() - start) / 1000 / bytes;
  },
  /** Sealed: each message is encrypted, which takes as long as decrypting it. */
  async receiveBare(what: number, pieces: number, isSealed: boolean): Promise<number> {
    const bytes = pieces * pieceBytes;
    let left = bytes;
    const opened: Promise<ArrayBuffer>[] = [];
    const start = performance.now();
    const done = messages((data) => {
      if (isSealed) opened.push(seal(data));
      return (left -= data.byteLength) <= 0;
    });
    ask(what, bytes);
    await done;
    await Promise.all(opened);
    return (performance.now() - start) / 1000 / bytes;
  },
};

export type Page = typeof page;
Object.assign(globalThis, { page });
