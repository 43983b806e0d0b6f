// What a serving peer offers: calls, and the streams echo, sink and source.
import { createHash } from "node:crypto";
import { RpcServer } from "../rpc/index.js";
import type { Session } from "../session/index.js";
import { createByteReader } from "../streamio/index.js";
import type { YamuxStream } from "../yamux/index.js";
import { fillPattern } from "./pattern.js";
import { blockBytes, maxLineBytes, readLine, rpcEcho, rpcHello, rpcPing, rpcTeapot, writeLine } from "./wire.js";

/** What a serving peer counts. */
export interface ServeFigures {
  calls: number;
  notifications: number;
  streams: number;
  failed_streams: number;
  bytes_in: number;
  bytes_out: number;
}

type Service = (stream: YamuxStream, figures: ServeFigures) => Promise<void>;

const echo: Service = async (stream, figures) => {
  for await (const bytes of stream) {
    figures.bytes_in += bytes.length;
    await stream.write(bytes);
    figures.bytes_out += bytes.length;
  }
  await stream.close();
};

const sink: Service = async (stream, figures) => {
  const hash = createHash("sha256");
  let n = 0;
  for await (const bytes of stream) {
    figures.bytes_in += bytes.length;
    n += bytes.length;
    hash.update(bytes);
  }
  await writeLine(stream, { n, sha256: hash.digest("hex") });
  await stream.close();
};

const source: Service = async (stream, figures) => {
  const { n } = JSON.parse(await readLine(stream)) as { n?: unknown };
  if (!Number.isSafeInteger(n) || Number(n) < 0) throw new Error(`a question of at most ${maxLineBytes} bytes is {"n":count}`);
  const block = new Uint8Array(blockBytes);
  for (let offset = 0; offset < Number(n); ) {
    const piece = block.subarray(0, Math.min(blockBytes, Number(n) - offset));
    fillPattern(offset, piece);
    await stream.write(piece);
    offset += piece.length;
    figures.bytes_out += piece.length;
  }
  await stream.close();
};

const services: Readonly<Record<string, Service>> = { echo, sink, source };

function serveCalls(stream: YamuxStream, figures: ServeFigures): void {
  const reader = createByteReader(stream);
  const server = new RpcServer({
    readExactly: (n) => reader.readExactly(n),
    write: (bytes) => stream.write(bytes),
    close: (error) => (error === undefined ? stream.close() : stream.reset(error)),
  });
  const hello = () => server.notify(rpcHello, { hello: "world" });
  const counted = (answer: (payload: unknown) => unknown) => async (payload: unknown) => {
    figures.calls++;
    return { payload: await answer(payload) };
  };
  server.register(rpcPing, counted(async () => {
    await hello();
    return { ok: true };
  }));
  server.register(rpcEcho, counted((payload) => payload));
  server.register(rpcTeapot, async () => {
    figures.calls++;
    return { payload: null, error: { code: 418, message: "teapot" } };
  });
  server.register(rpcHello, async () => {
    figures.notifications++;
    return { payload: null };
  });
  const serving = server.serve();
  hello().catch(() => {}); // the stream's end is serve()'s to tell
  serving.catch(() => {});
}

/** Serves every stream of a session until no more will come. A stream that fails is the client's business, and counted. */
export async function serveSession(session: Session, figures: ServeFigures): Promise<void> {
  const serveOne = async (stream: YamuxStream, service: Service) => {
    figures.streams++;
    try {
      await service(stream, figures);
    } catch (error) {
      figures.failed_streams++;
      stream.reset(error);
    }
  };
  for (;;) {
    try {
      const { kind, stream } = await session.acceptStream();
      const service = Object.hasOwn(services, kind) ? services[kind] : undefined;
      if (kind === "rpc") serveCalls(stream, figures);
      else if (service === undefined) stream.reset();
      else void serveOne(stream, service);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "stream_hello_failed") return;
    }
  }
}
