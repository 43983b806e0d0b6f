// The other end of a measurement, in a process of its own: told by messages whom to meet and how.
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { forceCrypto } from "../../src/crypto/index.js";
import { nobleCrypto } from "../../src/crypto/noble/provider.js";
import { connectTunnelEndpointNode } from "../../src/endpoint/node.js";
import { AllowPlaintextForLoopback } from "../../src/endpoint/policy.js";
import type { ChannelInitGrant } from "../../src/gen/flowersec/controlplane/v1.gen.js";
import { attachBare, Bare } from "./bare.js";
import { serve } from "./traffic.js";

/** Session: with the platform's primitives, or with JavaScript alone. Bare: a WebSocket, sealed by node:crypto or not at all. */
export type Kind = "session" | "session in JavaScript" | "bare sealed" | "bare";

interface Job {
  readonly kind: Kind;
  readonly grant: ChannelInitGrant;
  readonly origin: string;
}

/** The argument that makes a bundled measurement the other end. */
const role = "other-end";
export const isOtherEnd = process.argv[2] === role;

/** Starts it, from the same program. */
export function startOtherEnd(program: string): { meet(job: Job): void; stop(): void } {
  const child: ChildProcess = fork(program, [role], { stdio: "inherit" });
  process.on("exit", () => child.kill());
  return { meet: (job) => void child.send(job), stop: () => void child.kill() };
}

/** Does what it is told. */
export async function runOtherEnd(): Promise<void> {
  for (;;) {
    const [job] = (await once(process, "message")) as [Job];
    meet(job).catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  }
}

async function meet({ kind, grant, origin }: Job): Promise<void> {
  if (kind === "bare" || kind === "bare sealed") return new Bare(await attachBare(grant, origin), kind === "bare sealed").serve();
  forceCrypto(kind === "session" ? undefined : nobleCrypto);
  const session = await connectTunnelEndpointNode(grant, { origin, transportSecurityPolicy: AllowPlaintextForLoopback });
  forceCrypto(undefined);
  await serve(session).catch(() => {}); // the end of the session
}
