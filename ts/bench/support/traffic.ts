// What both ends of a measurement agree on, in any runtime: the streams of a session, and the messages of a bare WebSocket.
import type { Client, Session } from "../../src/session/index.js";
import { RpcServer } from "../../src/rpc/index.js";
import { fromUtf8, utf8 } from "../../src/base/index.js";
import { createByteReader } from "../../src/streamio/index.js";

/** Bytes of one write to a stream, and of one message of a bare WebSocket: the payload of a record. */
export const pieceBytes = 65_536 - 12;
export const echoType = 7;
/** Streams of a bulk transfer: together their windows of 256 KiB keep a connection busy, and are what a bare page keeps under way. */
export const bulkStreams = 16;

const count = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0);

/** A count as eight bytes. */
export function counted(n: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, n);
  return bytes;
}

export { count as readCount };

const line = (n: number) => utf8(`{"n":${n}}\n`);

/** A line of JSON with a number in it. */
async function readLine(reader: { readExactly(n: number): Promise<Uint8Array> }): Promise<number> {
  let text = "";
  while (!text.endsWith("\n")) text += fromUtf8(await reader.readExactly(1));
  return (JSON.parse(text) as { n: number }).n;
}

/**
 * Serves what flowersec-peer serves, to the session's end: sink (reads all, answers with the count), source (sends as many
 * as asked) and rpc (echo).
 */
export async function serve(session: Session): Promise<void> {
  for (;;) {
    const { kind, stream } = await session.acceptStream();
    const reader = createByteReader(stream);
    const run = async () => {
      if (kind === "sink") {
        let bytes = 0;
        for await (const chunk of stream) bytes += chunk.length;
        await stream.write(line(bytes));
      } else if (kind === "source") {
        const piece = new Uint8Array(pieceBytes);
        for (let left = await readLine(reader); left > 0; left -= pieceBytes) await stream.write(piece);
      } else {
        const server = new RpcServer({ readExactly: (n) => reader.readExactly(n), write: (bytes) => stream.write(bytes), close: () => stream.close() });
        server.register(echoType, (payload) => ({ payload }));
        await server.serve();
      }
      await stream.close();
    };
    run().catch(() => stream.reset());
  }
}

async function sendOne(client: Client, pieces: number): Promise<void> {
  const piece = new Uint8Array(pieceBytes);
  const stream = await client.openStream("sink");
  for (let i = 0; i < pieces; i++) await stream.write(piece);
  await stream.close();
  const got = await readLine(createByteReader(stream));
  if (got !== pieces * pieceBytes) throw new Error(`${got} bytes arrived`);
}

async function receiveOne(client: Client, pieces: number): Promise<void> {
  const stream = await client.openStream("source");
  await stream.write(line(pieces * pieceBytes));
  await stream.close();
  let bytes = 0;
  for await (const chunk of stream) bytes += chunk.length;
  if (bytes !== pieces * pieceBytes) throw new Error(`${bytes} bytes arrived`);
}

/** Seconds per byte; `pieces` are shared out among the streams. */
async function sideBySide(one: (client: Client, pieces: number) => Promise<void>, client: Client, pieces: number, streams: number): Promise<number> {
  const start = performance.now();
  await Promise.all(Array.from({ length: streams }, () => one(client, pieces / streams)));
  return (performance.now() - start) / 1000 / (pieces * pieceBytes);
}

/** Seconds per byte of sending, until the other end says that it has everything. */
export const send = (client: Client, pieces: number, streams = bulkStreams): Promise<number> => sideBySide(sendOne, client, pieces, streams);

/** Seconds per byte of receiving. */
export const receive = (client: Client, pieces: number, streams = bulkStreams): Promise<number> => sideBySide(receiveOne, client, pieces, streams);

/** Seconds of one small call, of so many one after the other. */
export async function call(client: Client, calls: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < calls; i++) await client.rpc.call(echoType, { n: i });
  return (performance.now() - start) / 1000 / calls;
}
