// A registry in Node: takes accepted WebSockets, of the `ws` package or any other.
// Layer rendezvous, Node only. Source: RENDEZVOUS; SECURE_WEBSOCKET, "TypeScript".

import { encodeBase64url, positiveLimits, quietly, randomBytes, systemClock, wipe, type Clock } from "../../base/index.js";
import { acceptSealed } from "../../endpoint/accept_sealed.js";
import type { ChannelInitGrant } from "../../gen/flowersec/controlplane/v1.gen.js";
import { Identity, isWork, maxWorkBits, verifyRegistration, type PublicKey } from "../../identity/index.js";
import { legacyOpen, legacySecret } from "../../identity/legacy.js";
import { parseKeyFile, ServerKeyPair } from "../../sealed/key_pair.js";
import type { Session } from "../../session/index.js";
import { adaptNodeWebSocket, EmitterWebSocketAdapter, isEmitterWebSocket } from "../../ws/node/adapt.js";
import { boundMessages } from "../../ws/bound.js";
import { listen, type WebSocketLike } from "../../ws/socket.js";
import { Alarm } from "../alarm.js";
import { compatiblePath, keyOfText } from "../compatible.js";
import { failureText, tooOften, type CompatibleResponse } from "../compatible_registry.js";
import { RendezvousError, type RegistryErrorCode } from "../error.js";
import { encodeServerFrame } from "../frames.js";
import { FrameStream } from "../frame_stream.js";
import { defaultWorkBits, maxRegistryFrameBytes, registryDefaults, registryStreamKind, sealedPath, textPath, type RegistryLimits } from "../limits.js";
import type { RegistryCall } from "../registry_calls.js";
import { RegistryMachine, type ConnectionId, type RegisterFrame } from "../registry_machine.js";
import { ticketOf } from "../ticket.js";
import { countedAddress } from "./address.js";

/** Frames and bytes not sent yet to one socket; beyond them it is dropped. */
const maxQueueBytes = 262_144;
/** How long the other side has to close by itself. */
const lingerMs = 2_000;
/** Messages of a WebSocket: frames are small, but in the sealed mode senders gather them. What is longer ends it at its header. */
const maxMessageBytes = 262_144;
/** Streams of a sealed connection: one for frames, and a few that are refused. */
const maxStreams = 4;
const [leavingCode, refusedCode, tooBigCode] = [1001, 1008, 1009];

/** How a registry is set up. */
export interface RegistryServerOptions {
  /** The text of a key file, or private keys, 43 characters each; the current one first. All of them are accepted. */
  readonly keys: string | readonly string[];
  /**
   * Makes the grants of a channel, for each call, also of those who are not there: that of ChannelInitService.issue() is right, with an idle time-out of 300 s. What they hold as key is not used. Throwing denies
   * the call.
   */
  readonly mint: (channelId: string) => { client: ChannelInitGrant; server: ChannelInitGrant } | Promise<{ client: ChannelInitGrant; server: ChannelInitGrant }>;
  /** Others than the defaults. Positive integers. */
  readonly limits?: Partial<RegistryLimits> | undefined;
  /** Asks for work where an address registers too often, instead of refusing it; bits default to 16, at most 20. Default: off. */
  readonly pow?: boolean | { readonly bits: number } | undefined;
  /** Also takes clients of the original, at /legacy and /<public key>: one secret per pair for ever, and no protection against repetition. Default false. */
  readonly legacy?: boolean | undefined;
  /** Asked after a valid proof; false refuses with `proof_failed`. */
  readonly onRegister?: ((key: PublicKey, address: string) => boolean | void | Promise<boolean | void>) | undefined;
  /** Asked for each call whose recipient is there; false lets it come to nothing, as if nobody were. */
  readonly onCall?: ((call: { readonly from: PublicKey; readonly to: PublicKey; readonly note: string | undefined }) => boolean | void | Promise<boolean | void>) | undefined;
  /** For tests. */
  readonly clock?: Clock | undefined;
}

/** The request that a socket came with: the part of Node's that is used. */
export interface UpgradeRequest {
  readonly url?: string | undefined;
  readonly socket?: { readonly remoteAddress?: string | undefined } | undefined;
}

interface Link {
  send(text: string): void;
  hasRoom(): boolean;
  close(code: number, reason: string): void;
}

/** The socket of a client. */
interface Attached {
  readonly address: string;
  readonly socket: WebSocketLike;
  ping(): void;
  /** At once, where the socket can do that. */
  cut(reason: string): void;
  /** Once frames can be sent. */
  link?: Link;
}

/** Who is registered is in memory, and nowhere else. */
export class RegistryServer {
  /** What clients pin: the current key. */
  readonly publicKey: string;
  readonly #machine: RegistryMachine;
  readonly #clock: Clock;
  readonly #attached = new Map<ConnectionId, Attached>();
  #lastId = 0;
  readonly #alarm: Alarm;
  #isClosed = false;

  private constructor(
    private readonly options: RegistryServerOptions,
    private readonly identities: readonly Identity[],
    private readonly pairs: readonly ServerKeyPair[],
    workBits: number | undefined,
    limits: RegistryLimits,
  ) {
    const [current] = identities as [Identity];
    this.publicKey = current.publicKey.text;
    this.#clock = options.clock ?? systemClock;
    this.#alarm = new Alarm(this.#clock, (nowMs) => {
      this.#machine.advance(nowMs);
      this.#perform();
    });
    this.#machine = new RegistryMachine({
      keys: identities.map(({ publicKey }) => publicKey), limits, workBits, random: (n) => randomBytes(n), name: () => encodeBase64url(randomBytes(16)),
      hasRoom: (id) => this.#attached.get(id)?.link?.hasRoom() ?? true,
    });
  }

  /** Throws RendezvousError invalid_option, SealedError bad_key, RangeError for limits. */
  static async create(options: RegistryServerOptions): Promise<RegistryServer> {
    const { keys, pow = false, limits = {} } = options;
    const texts = typeof keys === "string" ? privateKeysOf(keys) : keys;
    if (texts.length === 0 || typeof options.mint !== "function") throw new RendezvousError("invalid_option", "keys and mint are needed");
    const workBits = pow === false ? undefined : pow === true ? defaultWorkBits : pow.bits;
    if (workBits !== undefined && !(Number.isInteger(workBits) && workBits >= 1 && workBits <= maxWorkBits)) throw new RendezvousError("invalid_option", `pow: 1 to ${maxWorkBits} bits`);
    const pairs = texts.map((text) => new ServerKeyPair(text));
    const identities = await Promise.all(texts.map((text) => Identity.fromPrivateKey(text)));
    return new RegistryServer(options, identities, pairs, workBits, positiveLimits(registryDefaults, limits));
  }

  /** A new private key: 43 characters, for nobody else to read. */
  static async generateKey(): Promise<string> {
    const identity = await Identity.generate();
    const text = identity.exportIdentity();
    identity.destroy();
    return text;
  }

  /** Keys that are registered. */
  get size(): number {
    return this.#machine.size;
  }

  /** Whether a key is registered. */
  isRegistered(key: PublicKey): boolean {
    return this.#machine.isOnline(key);
  }

  /**
   * Takes an accepted WebSocket: in the sealed mode, or with text frames when the request's path is /rv/v1/ws; with `legacy` also at /legacy and
   * /<public key>. Other paths are refused. Its limits go by the request's remote address, of IPv6 its first 64 bits. It is pinged if it has `ping`, and cut
   * if it has `terminate`, as those of the `ws` package. Throws TypeError when it is no socket.
   */
  attach(socket: unknown, request: UpgradeRequest = {}): void {
    const ws = isEmitterWebSocket(socket) ? new EmitterWebSocketAdapter(socket) : adaptNodeWebSocket(socket);
    boundMessages(ws, maxMessageBytes, tooBigCode, ""); // for good: who is refused may go on sending until the socket is closed
    const path = request.url?.replace(/\?.*$/s, "") ?? sealedPath;
    const address = request.socket?.remoteAddress ?? "";
    const id = ++this.#lastId;
    const pathKey = this.options.legacy === true ? keyOfText(path.slice(1)) : undefined;
    const isCompatible = pathKey !== undefined || (this.options.legacy === true && path === compatiblePath);
    const isKnown = path === textPath || path === sealedPath || isCompatible;
    if (this.#isClosed) return ws.close(leavingCode, "shutting_down");
    if (!isKnown) return ws.close(refusedCode, "path");
    if (!this.#machine.arrived(id, countedAddress(address), this.#clock.monoMs())) {
      if (path !== sealedPath) quietly(() => ws.send(isCompatible ? failureText(tooOften) : encodeServerFrame({ type: "error", code: "rate_limited", fatal: true })));
      return ws.close(refusedCode, "rate_limited");
    }
    this.#attached.set(id, { address, socket: ws, ...this.#controls(id, socket, ws) });
    if (isCompatible) this.#attachText(id, ws, () => this.#machine.openedCompatible(id, pathKey, this.#greeting(), this.#clock.monoMs()));
    else if (path === textPath) this.#attachText(id, ws, () => this.#machine.opened(id, this.#clock.monoMs()));
    else void this.#attachSealed(id, ws);
    this.#perform();
  }

  /** Tells everybody that it ends, and closes their sockets. */
  close(): void {
    this.#isClosed = true;
    this.#machine.shutDown();
    this.#perform();
    this.#alarm.set();
    for (const identity of this.identities) identity.destroy();
  }

  /** What pings a socket, and cuts it, as far as it can be pinged and cut. Its answers, and pings of its own, are told. */
  #controls(id: ConnectionId, socket: unknown, ws: WebSocketLike): Pick<Attached, "ping" | "cut"> {
    const { ping, terminate } = socket as { ping?: unknown; terminate?: unknown };
    const isEmitter = isEmitterWebSocket(socket);
    if (isEmitter) for (const event of ["ping", "pong"]) socket.on(event, () => this.#machine.heard(id, this.#clock.monoMs()));
    return {
      ping: isEmitter && typeof ping === "function" ? () => quietly(() => void ping.call(socket)) : () => {},
      cut: typeof terminate === "function" ? () => quietly(() => void terminate.call(socket)) : (reason) => ws.close(refusedCode, reason),
    };
  }

  /** What a client of the original seals. */
  #greeting(): string {
    return `welcome ${new Date(this.#clock.unixSeconds() * 1000).toISOString().replace(/\.\d+/, "")}`;
  }

  #attachText(id: ConnectionId, ws: WebSocketLike, opened: () => void): void {
    listen(ws, {
      message: ({ data }) => this.#text(id, typeof data === "string" ? data : undefined),
      close: () => this.#gone(id),
      error: () => {},
    });
    this.#opened(id, opened, {
      send: (text) => {
        if (ws.bufferedAmount > maxQueueBytes) this.#machine.slow(id);
        else quietly(() => ws.send(text));
      },
      hasRoom: () => ws.bufferedAmount < maxQueueBytes / 2,
      close: (code, reason) => ws.close(code, reason),
    });
  }

  async #attachSealed(id: ConnectionId, ws: WebSocketLike): Promise<void> {
    try {
      // Short messages from strangers: nothing that wide windows would help.
      const yamuxLimits = { wideWindowSessionBytes: 0, maxActiveStreams: maxStreams, maxInboundStreams: maxStreams };
      const session = await acceptSealed(ws, { keys: () => this.pairs }, { clock: this.#clock, yamuxLimits });
      let { kind, stream } = await session.acceptStream();
      // Clients of some libraries open a stream for calls first. Whoever opens nothing else is dropped for its silence.
      while (kind !== registryStreamKind) {
        stream.reset();
        ({ kind, stream } = await session.acceptStream());
      }
      const end = () => {
        quietly(() => session.close());
        this.#gone(id);
      };
      void session.ended.then(end);
      void refuseStreams(session);
      const onText = (text: string | undefined) => this.#text(id, text);
      const frames = new FrameStream(stream, maxRegistryFrameBytes, maxQueueBytes, { onText, onBad: () => onText(undefined), onLost: end });
      this.#opened(id, () => this.#machine.opened(id, this.#clock.monoMs()), {
        send: (text) => frames.send(text),
        hasRoom: () => true,
        close: () => {
          frames.finish();
          void this.#linger(session);
        },
      });
    } catch {
      ws.close(refusedCode);
      this.#gone(id);
    }
  }

  async #linger(session: Session): Promise<void> {
    // The error frame is on its way in a stream, and its end behind it; closing at once would overtake them.
    const wait = new Promise<void>((resolve) => this.#clock.after(lingerMs, resolve, true));
    await Promise.race([wait, session.ended]);
    quietly(() => session.close());
  }

  #opened(id: ConnectionId, opened: () => void, link: Link): void {
    const attached = this.#attached.get(id);
    if (attached === undefined) return link.close(refusedCode, "");
    attached.link = link;
    opened();
    this.#perform();
  }

  #text(id: ConnectionId, text: string | undefined): void {
    this.#machine.text(id, text, this.#clock.monoMs());
    this.#perform();
  }

  #gone(id: ConnectionId): void {
    this.#attached.delete(id);
    this.#machine.closed(id);
    this.#perform();
  }

  #perform(): void {
    for (let next = this.#machine.pollIntent(); next !== undefined; next = this.#machine.pollIntent()) {
      switch (next.want) {
        case "send":
          this.#attached.get(next.connection)?.link?.send(encodeServerFrame(next.frame));
          break;
        case "say":
          this.#attached.get(next.connection)?.link?.send(next.text);
          break;
        case "ping":
          this.#attached.get(next.connection)?.ping();
          break;
        case "open":
          void this.#open(next.connection, next.response);
          break;
        case "close": {
          const attached = this.#attached.get(next.connection);
          this.#attached.delete(next.connection);
          (attached?.link ?? attached?.socket)?.close(next.code, next.reason);
          break;
        }
        case "cut": {
          const attached = this.#attached.get(next.connection);
          this.#attached.delete(next.connection);
          attached?.cut(next.reason);
          break;
        }
        case "verify":
          void this.#verify(next.connection, next.frame, next.challenge, next.workBits);
          break;
        case "mint":
          void this.#mint(next.call);
      }
    }
    this.#alarm.setNoLater(this.#machine.deadline);
  }

  async #verify(id: ConnectionId, frame: RegisterFrame, challenge: Uint8Array, workBits: number): Promise<void> {
    const code = await this.#judge(id, frame, challenge, workBits).catch((): RegistryErrorCode => "proof_failed");
    this.#machine.verified(id, code, frame, this.#clock.monoMs());
    this.#perform();
  }

  async #judge(id: ConnectionId, { publicKey, registryKey, replace, proof, workNonce }: RegisterFrame, challenge: Uint8Array, workBits: number): Promise<RegistryErrorCode | undefined> {
    if (workBits > 0 && (workNonce === undefined || !(await isWork(challenge, publicKey, workBits, workNonce)))) return "pow_required";
    const registry = this.identities.find((each) => each.publicKey.equals(registryKey));
    if (registry === undefined) return "unknown_registry_key";
    await verifyRegistration(registry, publicKey, challenge, replace, proof);
    const answer = await this.options.onRegister?.(publicKey, this.#attached.get(id)?.address ?? "");
    return answer === false ? "proof_failed" : undefined;
  }

  async #open(id: ConnectionId, response: CompatibleResponse): Promise<void> {
    const isRight = await this.#fits(id, response).catch(() => false);
    this.#machine.verifiedCompatible(id, isRight, this.#clock.monoMs());
    this.#perform();
  }

  async #fits(id: ConnectionId, { from, nonce, message, text }: CompatibleResponse): Promise<boolean> {
    const secret = await legacySecret(this.identities[0] as Identity, from);
    const opened = legacyOpen(secret, nonce, message);
    wipe(secret);
    if (opened !== text) return false;
    return (await this.options.onRegister?.(from, this.#attached.get(id)?.address ?? "")) !== false;
  }

  async #mint(call: RegistryCall): Promise<void> {
    const grants = await this.#grants(call).catch(() => undefined);
    this.#machine.calls.minted(call.callId, grants);
    this.#perform();
  }

  async #grants({ from, to, note }: RegistryCall) {
    const minted = await this.options.mint(encodeBase64url(randomBytes(24)));
    if (!this.#machine.isOnline(to) || (await this.options.onCall?.({ from, to, note })) === false) return undefined;
    const [client, server] = [ticketOf(minted.client), ticketOf(minted.server)];
    return client?.role === 1 && server?.role === 2 ? { client, server } : undefined;
  }
}

/** One stream is all there is in a session. */
async function refuseStreams(session: Session): Promise<void> {
  for await (const { stream } of session) stream.reset();
}

/** Of a key file that parseKeyFile() takes. */
function privateKeysOf(text: string): string[] {
  parseKeyFile(text);
  const { keys } = JSON.parse(text) as { keys: { private_key_b64u: string }[] };
  return keys.map(({ private_key_b64u }) => private_key_b64u);
}
