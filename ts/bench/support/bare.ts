// The floor: the same bytes in WebSocket messages and nothing else, through the same tunnel. The server's side, for Node.
//
// Not sealed it is the other end of a page that is measured, and as light as can be: every message is the same, so its frame is
// masked once. Sealed it is what is measured, and `ws` masks.
//
// First message: a byte that says who sends, and how many bytes. The receiver answers the last of them with an empty message.
// Sealed: each message is AES-256-GCM by node:crypto under one key, counted nonces, ciphertext and tag joined; no header.
import { createCipheriv, createDecipheriv, createSecretKey } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { ChannelInitGrant } from "../../src/gen/flowersec/controlplane/v1.gen.js";
import { maskedMessage } from "../../src/ws/node/masked.js";
import { counted, pieceBytes, readCount } from "./traffic.js";

const highWater = 1_048_576;
const tagBytes = 16;
const algorithm = "aes-256-gcm";
const key = createSecretKey(new Uint8Array(32).fill(9));
export const youReceive = 1;
export const youSend = 2;

/** The attach message of a grant. */
export function attachMessage({ channel_id, role, token }: ChannelInitGrant): string {
  return JSON.stringify({ v: 1, channel_id, role, token, endpoint_instance_id: crypto.randomUUID().replaceAll("-", "") });
}

/** What a WebSocket writes to. */
const connections = new WeakMap<WebSocket, Socket>();

/** A WebSocket that is attached. */
export async function attachBare(grant: ChannelInitGrant, origin: string): Promise<WebSocket> {
  const socket = new WebSocket(grant.tunnel_url, { headers: { Origin: origin }, perMessageDeflate: false });
  socket.once("upgrade", ({ socket: connection }) => connections.set(socket, connection));
  await once(socket, "open");
  socket.send(attachMessage(grant));
  return socket;
}

/** One direction's nonces. */
class Nonces {
  private readonly bytes = Buffer.alloc(12);
  private n = 0;

  next(): Buffer {
    this.bytes.writeUInt32BE(++this.n, 8);
    return this.bytes;
  }
}

function seal(plaintext: Uint8Array, nonces: Nonces): Uint8Array {
  const cipher = createCipheriv(algorithm, key, nonces.next(), { authTagLength: tagBytes });
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function open(sealed: Uint8Array, nonces: Nonces): Uint8Array {
  const at = sealed.length - tagBytes;
  const cipher = createDecipheriv(algorithm, key, nonces.next(), { authTagLength: tagBytes }).setAuthTag(sealed.subarray(at));
  const plaintext = cipher.update(sealed.subarray(0, at));
  cipher.final();
  return plaintext;
}

/** One end of a bare connection. */
export class Bare {
  private readonly sealing = new Nonces();
  private readonly opening = new Nonces();

  constructor(
    private readonly socket: WebSocket,
    private readonly isSealed: boolean,
  ) {}

  /** Sends whole pieces, no faster than the socket takes them. */
  async send(bytes: number): Promise<void> {
    const { socket } = this;
    const piece = new Uint8Array(pieceBytes);
    if (!this.isSealed) return this.sendAgainAndAgain(maskedMessage(piece).frame, bytes / pieceBytes);
    for (let left = bytes; left > 0; left -= pieceBytes) {
      const message = seal(piece, this.sealing);
      if (socket.bufferedAmount < highWater) socket.send(message);
      else await new Promise((resolve) => socket.send(message, resolve));
    }
  }

  private async sendAgainAndAgain(frame: Uint8Array, count: number): Promise<void> {
    const connection = connections.get(this.socket) as Socket;
    for (let left = count; left > 0; left--) {
      if (!connection.write(frame) && connection.writableLength > highWater) await once(connection, "drain");
    }
  }

  /** Receives so many bytes. */
  receive(bytes: number): Promise<void> {
    return new Promise((resolve) => {
      let left = bytes;
      const onMessage = (data: Buffer) => {
        left -= this.isSealed ? open(data, this.opening).length : data.length;
        if (left > 0) return;
        this.socket.off("message", onMessage);
        resolve();
      };
      this.socket.on("message", onMessage);
    });
  }

  /** The measured end: seconds per byte until the other end has them, or we have. */
  async measure(what: typeof youReceive | typeof youSend, pieces: number): Promise<number> {
    const bytes = pieces * pieceBytes;
    const start = performance.now();
    this.socket.send(Buffer.concat([Uint8Array.of(what), counted(bytes)]));
    if (what === youSend) {
      await this.receive(bytes);
    } else {
      const done = once(this.socket, "message");
      await this.send(bytes);
      await done;
    }
    return (performance.now() - start) / 1000 / bytes;
  }

  /** The other end, for as long as it is connected. */
  async serve(): Promise<void> {
    for (;;) {
      const [data] = (await once(this.socket, "message")) as [Buffer];
      const bytes = readCount(data.subarray(1));
      if (data[0] === youSend) await this.send(bytes);
      else {
        await this.receive(bytes);
        this.socket.send(new Uint8Array(0));
      }
    }
  }
}
