// The server role: for one grant, for whoever a control plane announces, or for direct clients.
import { FlowersecError } from "../base/index.js";
import { connectTunnelEndpointNode, acceptDirectNode } from "../endpoint/node.js";
import { AllowPlaintextForLoopback } from "../endpoint/policy.js";
import { serveEndpoint } from "../reconnect/node.js";
import { Role, type ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import type { Session } from "../session/index.js";
import { loadGrant, loadInfo } from "./credentials.js";
import { dialOptionsOf, sessionOptionsOf } from "./dial.js";
import { whatWasWrong } from "./ending.js";
import { explain } from "./failures.js";
import { listen } from "./listen.js";
import type { ServeCommand } from "./options.js";
import { serveSession, type ServeFigures } from "./services.js";

/** Runs the command until its last session, or a signal; returns the exit code. */
export async function runServe(command: ServeCommand): Promise<number> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, onSignal);
  const verdict = { exitCode: 0 };
  try {
    await serveAsTold(command, stop.signal, verdict);
    return verdict.exitCode;
  } catch (error) {
    if (stop.signal.aborted) return verdict.exitCode;
    process.stderr.write(`${explain(error)}\n`);
    return 1;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, onSignal);
  }
}

/** A session that did not end well makes it 1. */
interface Verdict {
  exitCode: number;
}

function serveAsTold(command: ServeCommand, signal: AbortSignal, verdict: Verdict): Promise<void> {
  if (command.control !== "") return serveControl(command, signal, verdict);
  return command.direct === "" ? serveTunnel(command, signal, verdict) : serveDirect(command, signal, verdict);
}

async function serveTunnel(command: ServeCommand, signal: AbortSignal, verdict: Verdict): Promise<void> {
  await meet(command, loadGrant(command, Role.server), signal, verdict);
}

async function meet(command: ServeCommand, grant: ChannelInitGrant, signal: AbortSignal, verdict: Verdict): Promise<void> {
  const session = await connectTunnelEndpointNode(grant, { ...dialOptionsOf(command), handshakeTimeoutMs: command.waitMs, signal });
  await serveToItsEnd(session, signal, verdict);
}

async function serveControl(command: ServeCommand, signal: AbortSignal, verdict: Verdict): Promise<void> {
  const credential = loadInfo({ info: command.control, url: command.url });
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  let wasRegistered = false;
  const onRegistered = (lost: unknown) => {
    if (lost !== undefined) process.stderr.write(`not registered: ${explain(lost)}\n`);
    else if (wasRegistered) process.stderr.write("registered again\n");
    else process.stdout.write(`${JSON.stringify({ status: "registered", endpoint_id: command.endpointId })}\n`);
    wasRegistered = true;
  };
  await serveEndpoint({
    credential, endpointId: command.endpointId, dial: dialOptionsOf(command), attach: { handshakeTimeoutMs: command.waitMs }, onRegistered, signal: either,
    serve: async (session) => {
      await serveToItsEnd(session, either, verdict);
      if (command.once) over.abort();
    },
    onClientFailed: (error) => process.stderr.write(`no client came: ${explain(error)}\n`),
    onGrantDropped: () => process.stderr.write("a client was turned away: too many wait\n"),
  }).catch((error: unknown) => {
    throw turnedAway(error) ?? error;
  });
}

/** The control plane's verdict on this endpoint, in words that need no code before them. */
const turnedAway = (error: unknown) => (error instanceof FlowersecError && error.code === "invalid_input" ? error.cause : undefined);

async function serveDirect(command: ServeCommand, signal: AbortSignal, verdict: Verdict): Promise<void> {
  const info = loadInfo(command);
  const credential = {
    channelId: info.channel_id,
    suite: info.default_suite,
    psk: info.e2ee_psk_b64u,
    initExpireAtUnixS: info.channel_init_expire_at_unix_s,
  };
  const options = {
    signal, secureTransport: command.cert !== "", transportSecurityPolicy: AllowPlaintextForLoopback, ...sessionOptionsOf(command),
  } as const;
  const sessions = new Set<Promise<void>>();
  let served = () => {};
  const first = new Promise<void>((resolve) => (served = resolve));
  const accept = async (socket: unknown) => {
    let session: Session;
    try {
      session = await acceptDirectNode(socket, credential, options);
    } catch (error) {
      if (!signal.aborted) process.stderr.write(`refused a client: ${explain(error)}\n`);
      return;
    }
    await serveToItsEnd(session, signal, verdict);
    served();
  };
  const listener = await listen(command, info.ws_url, (socket) => {
    const one = accept(socket).finally(() => sessions.delete(one));
    sessions.add(one);
  });
  process.stdout.write(`${JSON.stringify({ status: "listening", url: listener.url })}\n`);
  const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  await Promise.race(command.once ? [stopped, first] : [stopped]);
  listener.close();
  await Promise.all(sessions);
}

async function serveToItsEnd(session: Session, signal: AbortSignal, verdict: Verdict): Promise<void> {
  const figures: ServeFigures = { calls: 0, notifications: 0, streams: 0, failed_streams: 0, bytes_in: 0, bytes_out: 0 };
  const close = () => session.close();
  signal.addEventListener("abort", close, { once: true });
  await serveSession(session, figures);
  signal.removeEventListener("abort", close);
  session.close();
  // A peer that leaves ends its session; that is how a session is supposed to end.
  const wrong = whatWasWrong(await session.ended);
  if (wrong !== undefined) verdict.exitCode = 1;
  process.stdout.write(`${JSON.stringify({ role: "server", path: session.path, ok: wrong === undefined, ...figures, error: wrong })}\n`);
}
