// What the page does with a connected client, without the page: calls, streams, files.
import type { Client } from "flowersec";
import { createDemoClient, type DemoClient } from "flowersec/gen/flowersec/demo/v1.rpc.gen";
import { openJsonFrameChannel, readNBytes } from "flowersec/streamio";

/** Bytes of a file that are written at once. */
const pieceBytes = 256 * 1024;

export interface Progress {
  (doneBytes: number, totalBytes: number): void;
}

/** Typed calls and notifications. */
export function demoOf(client: Client): DemoClient {
  return createDemoClient(client.rpc);
}

// [echo]
/** Sends a text on a stream of its own and gives what comes back. */
export async function echo(client: Client, text: string): Promise<string> {
  const stream = await client.openStream("echo");
  await stream.write(new TextEncoder().encode(text));
  await stream.close();
  return new Response(stream.readable).text();
}
// [echo]

/** The other end's answer: what was asked for, or why not. */
interface Answer {
  ok: boolean;
  name?: string;
  size?: number;
  error?: { code: string };
}

function checked(answer: Answer): Answer {
  if (!answer.ok) throw new Error(`the server refused: ${answer.error?.code ?? "no reason given"}`);
  return answer;
}

// [files]
/** Sends a file: its name and size first, then its bytes, no faster than the other end reads them. */
export async function upload(client: Client, file: File, onProgress: Progress): Promise<void> {
  const channel = await openJsonFrameChannel(client, "upload");
  await channel.writeFrame({ name: file.name, size: file.size });
  for (let at = 0; at < file.size; at += pieceBytes) {
    const piece = await file.slice(at, at + pieceBytes).arrayBuffer();
    await channel.stream.write(new Uint8Array(piece));
    onProgress(at + piece.byteLength, file.size);
  }
  await channel.close();
  const { size } = checked(await channel.readFrame<Answer>());
  if (size !== file.size) throw new Error(`the server has ${size} of ${file.size} bytes`);
}

/** Gets the file that was uploaded last. */
export async function download(client: Client, onProgress: Progress): Promise<File> {
  const channel = await openJsonFrameChannel(client, "download");
  await channel.writeFrame({});
  const { name = "file", size = 0 } = checked(await channel.readFrame<Answer>());
  const bytes = await readNBytes(channel.reader, size, { chunkSize: pieceBytes, onProgress: (done) => onProgress(done, size) });
  await channel.close();
  return new File([bytes as Uint8Array<ArrayBuffer>], name);
}
// [files]
