// What a client peer tries out.
import { isDeepStrictEqual } from "node:util";
import type { Client } from "../session/index.js";
import { isYamuxStreamResetError, type YamuxStream } from "../yamux/index.js";
import { fillPattern, matchesPattern } from "./pattern.js";
import type { ClientReport } from "./report.js";
import { rpcEcho, rpcHello, rpcNobody, rpcPing, rpcTeapot } from "./wire.js";

const concurrentCalls = 64;
const timedCalls = 32;
const callMs = 10_000;

/** Around every size that some layer cuts at: an empty stream, one byte, record chunks, a window, more than a window. */
const echoSizes = [0, 1, 2, 1023, 1025, 16_383, 16_385, 65_537, 262_143, 262_144, 262_145, 1_000_003];

export function require(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}

const call = (client: Client, type: number, payload: unknown) => client.rpc.call(type, payload, AbortSignal.timeout(callMs));

async function expectPayload(client: Client, type: number, payload: unknown, expected: unknown): Promise<void> {
  const reply = await call(client, type, payload);
  require(reply.error === undefined || reply.error === null, `call of type ${type} was refused`);
  require(isDeepStrictEqual(reply.payload, expected), `call of type ${type} was answered ${JSON.stringify(reply.payload)?.slice(0, 100)}`);
}

async function expectError(client: Client, type: number, code: number, message: string): Promise<void> {
  const { error } = await call(client, type, {});
  require(error !== undefined && error !== null, `call of type ${type} was not refused`);
  require(error.code === code && error.message === message, `call of type ${type} was refused with ${error.code} ${error.message}`);
}

/** Counts notifications from its making on. */
export class HelloCounter {
  seen = 0;
  allWellFormed = true;

  constructor(client: Client) {
    client.rpc.onNotify(rpcHello, (payload) => {
      this.seen++;
      this.allWellFormed &&= isDeepStrictEqual(payload, { hello: "world" });
    });
  }
}

export async function checkCall(client: Client, report: ClientReport): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < timedCalls; i++) {
    const startedAt = performance.now();
    await expectPayload(client, rpcPing, {}, { ok: true });
    times.push((performance.now() - startedAt) * 1000);
  }
  report.figure("call_us", times.sort((a, b) => a - b)[timedCalls / 2] as number);
}

export async function checkNotification(client: Client, hellos: HelloCounter): Promise<void> {
  const before = hellos.seen;
  await client.rpc.notify(rpcHello, { hello: "server" });
  // The server sends its notification before it answers, on the same stream: it must be here by then.
  await expectPayload(client, rpcPing, {}, { ok: true });
  require(hellos.seen > before, "no notification came before the answer");
  require(hellos.allWellFormed, "a notification had another payload");
}

export async function checkPayloads(client: Client): Promise<void> {
  for (const payload of [null, 0, [1, 2.5, "é", {}], "x".repeat(200_000)]) await expectPayload(client, rpcEcho, payload, payload);
}

export async function checkErrors(client: Client): Promise<void> {
  await expectError(client, rpcTeapot, 418, "teapot");
  await expectError(client, rpcNobody, 404, "handler not found");
}

export async function checkConcurrentCalls(client: Client, report: ClientReport): Promise<void> {
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: concurrentCalls }, (_, i) => expectPayload(client, rpcEcho, i, i)));
  report.figure("concurrent_calls_us", (performance.now() - startedAt) * 1000);
}

async function receivePattern(stream: YamuxStream): Promise<number> {
  let total = 0;
  for await (const bytes of stream) {
    require(matchesPattern(total, bytes), `echo changed bytes near ${total}`);
    total += bytes.length;
  }
  return total;
}

export async function checkEcho(client: Client): Promise<void> {
  for (const size of echoSizes) {
    const stream = await client.openStream("echo");
    const bytes = new Uint8Array(size);
    fillPattern(0, bytes);
    const send = async () => {
      await stream.write(bytes);
      await stream.close();
    };
    const [received] = await Promise.all([receivePattern(stream), send()]);
    require(received === size, `echo of ${size} bytes returned ${received}`);
    await client.rekey();
    await client.ping();
  }
}

export async function checkProbe(client: Client, report: ClientReport): Promise<void> {
  report.figure("probe_us", (await client.probeLiveness()) * 1000);
}

export async function checkUnknownKind(client: Client): Promise<void> {
  const stream = await client.openStream("nobody-serves-this");
  const end = await stream.read().catch((error: unknown) => error);
  require(end === null || isYamuxStreamResetError(end), "a stream of an unknown kind was not refused");
}

export async function echoText(client: Client, text: string): Promise<string> {
  const stream = await client.openStream("echo");
  await stream.write(new TextEncoder().encode(text));
  await stream.close();
  const decoder = new TextDecoder();
  let heard = "";
  for await (const bytes of stream) heard += decoder.decode(bytes, { stream: true });
  return heard + decoder.decode();
}
