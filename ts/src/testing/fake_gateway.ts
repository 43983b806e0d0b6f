// A gateway of one test: accepts sealed connections on sockets in memory and says on each what the test wants.
import { encodeBase64url, fromUtf8 } from "../base/index.js";
import { acceptSealed } from "../endpoint/accept_sealed.js";
import { encodeFrame, readFrameText } from "../framing/json_frame.js";
import { ServerKeyPair } from "../sealed/key_pair.js";
import type { Session } from "../session/index.js";
import type { WebSocketFactory } from "../ws/socket.js";
import { ExactReader, type YamuxStream } from "../yamux/index.js";
import { PairedWebSocket } from "./socket_pair.js";

export const gatewayKeys = new ServerKeyPair(encodeBase64url(new Uint8Array(32).fill(3)));
type Frame = Record<string, unknown>;

/** One connection, after its stream was opened. */
export class FakeVisit {
  private readonly reader: ExactReader;
  constructor(
    readonly session: Session,
    readonly stream: YamuxStream,
    readonly socket: PairedWebSocket,
  ) {
    this.reader = new ExactReader((maxBytes) => stream.read({ maxBytes }));
  }

  async read(): Promise<Frame> {
    return JSON.parse(fromUtf8(await readFrameText((n) => this.reader.readExactly(n), 262_144))) as Frame;
  }

  /** The next frame of this type; others are passed over. */
  async readOf(type: string): Promise<Frame> {
    for (;;) {
      const frame = await this.read();
      if (frame["type"] === type) return frame;
    }
  }

  async write(frame: Frame | string): Promise<void> {
    await this.stream.write(encodeFrame(typeof frame === "string" ? frame : JSON.stringify(frame)));
  }

  welcome(change: Frame = {}): Promise<void> {
    const limits = { max_content_bytes: 65_536 };
    return this.write({ type: "welcome", v: 1, session_id: "session-1", resume_token: "token-1", resumed: false, last_id: 0, limits, ...change });
  }
}

/** Every connection made with `factory`, in order. */
export class FakeGateway {
  readonly urls: string[] = [];
  readonly origins: string[] = [];
  readonly sockets: PairedWebSocket[] = [];
  /** Sockets that are only closed, with this reason; then the rest are served. */
  refusals: string[] = [];
  private readonly ready: FakeVisit[] = [];
  private readonly waiting: ((visit: FakeVisit) => void)[] = [];

  constructor(private readonly keys: ServerKeyPair = gatewayKeys) {}

  readonly factory: WebSocketFactory = (url, origin) => {
    this.urls.push(url);
    this.origins.push(origin);
    const [client, server] = PairedWebSocket.pair();
    this.sockets.push(client);
    const reason = this.refusals.shift();
    if (reason === undefined) void this.serve(server).catch(() => {});
    else server.addEventListener("message", () => server.close(1008, reason));
    return client;
  };

  visit(): Promise<FakeVisit> {
    const visit = this.ready.shift();
    return visit === undefined ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve(visit);
  }

  private async serve(socket: PairedWebSocket): Promise<void> {
    const session = await acceptSealed(socket, { keys: [this.keys] });
    const { kind, stream } = await session.acceptStream();
    if (kind !== "ownwire/chat") throw new Error(kind);
    const visit = new FakeVisit(session, stream, socket);
    const waiter = this.waiting.shift();
    if (waiter === undefined) this.ready.push(visit);
    else waiter(visit);
  }
}
