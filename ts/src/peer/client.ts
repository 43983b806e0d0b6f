// The client role: connects, tries everything, says how it went.
import { connectDirectNode, connectTunnelNode } from "../endpoint/node.js";
import { Role } from "../gen/flowersec/controlplane/v1.gen.js";
import type { Client } from "../session/index.js";
import { checkDownload, checkUpload } from "./bulk.js";
import {
  checkCall, checkConcurrentCalls, checkEcho, checkErrors, checkNotification, checkPayloads, checkProbe, checkUnknownKind, echoText, HelloCounter, require,
} from "./checks.js";
import { loadGrant, loadInfo } from "./credentials.js";
import { dialOptionsOf } from "./dial.js";
import { explain } from "./failures.js";
import type { ClientCommand } from "./options.js";
import { ClientReport } from "./report.js";

const mib = 1_048_576;

/** Runs the command; returns the exit code. */
export async function runClient(command: ClientCommand): Promise<number> {
  const report = new ClientReport();
  let path = "auto";
  const connect = async (): Promise<Client> => {
    if (command.info !== "") {
      const info = loadInfo(command);
      path = "direct";
      return connectDirectNode(info, dialOptionsOf(command));
    }
    const grant = loadGrant(command, Role.client);
    path = "tunnel";
    return connectTunnelNode(grant, dialOptionsOf(command));
  };
  const startedAt = performance.now();
  try {
    const client = await connect();
    const hellos = new HelloCounter(client);
    report.passed("connect");
    report.figure("connect_ms", performance.now() - startedAt);
    await tryEverything(command, client, hellos, report);
    await client[Symbol.asyncDispose]();
  } catch (error) {
    report.failed("connect", explain(error));
  }
  process.stdout.write(`${report.line(path)}\n`);
  return report.ok ? 0 : 1;
}

async function tryEverything(command: ClientCommand, client: Client, hellos: HelloCounter, report: ClientReport): Promise<void> {
  /** Runs one check and notes its outcome; the ones after it run all the same. */
  const check = async (name: string, body: () => Promise<void>) => {
    try {
      await body();
      report.passed(name);
    } catch (error) {
      report.failed(name, explain(error));
    }
  };
  if (command.say !== "") {
    return check("say", async () => require((await echoText(client, command.say)) === command.say, "another text came back"));
  }
  if (!command.onlyBulk) {
    await check("call", () => checkCall(client, report));
    await check("notification", () => checkNotification(client, hellos));
    await check("payloads", () => checkPayloads(client));
    await check("errors", () => checkErrors(client));
    await check("concurrent_calls", () => checkConcurrentCalls(client, report));
    await check("echo_and_rekey", () => checkEcho(client));
  }
  if (command.mib > 0) {
    const plan = { bytes: command.mib * mib, streams: command.streams, showProgress: !command.quiet };
    await check("upload", () => checkUpload(client, plan, report));
    await check("download", () => checkDownload(client, plan, report));
  }
  if (command.onlyBulk) return;
  await check("probe", () => checkProbe(client, report));
  await check("unknown_kind", () => checkUnknownKind(client));
  await check("call_afterwards", () => checkPayloads(client));
}
