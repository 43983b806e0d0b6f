// A real tunnel for a measurement, and grants for it.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ChannelInitService } from "../../src/controlplane/channel_init.js";
import { IssuerKeyset } from "../../src/controlplane/issuer_keyset.js";

/** The package; this file runs bundled, in a folder of its build folder. */
export const packageRoot = fileURLToPath(new URL("../../", import.meta.url));

/** The build folder, for the programs in its bin: FLOWERSEC_BUILD, else build/release. */
const build = process.env["FLOWERSEC_BUILD"] ?? join(packageRoot, "../build/release");
const audience = "bench-tunnel";
const issuer = "bench";

export interface Tunnel {
  readonly channels: ChannelInitService;
  stop(): void;
}

/** A program of the build folder. */
export function builtProgram(name: string): string {
  const program = join(build, "bin", name);
  if (!existsSync(program)) throw new Error(`no ${program}: make build, or FLOWERSEC_BUILD=<build folder>`);
  return program;
}

/** Starts one that takes connections from an origin. */
export async function startTunnel(origin: string): Promise<Tunnel> {
  const program = builtProgram("flowersec-tunnel");
  const folder = mkdtempSync(join(tmpdir(), "flowersec-bench-"));
  const keys = IssuerKeyset.random("k1");
  const keysFile = join(folder, "keys.json");
  writeFileSync(keysFile, keys.exportTunnelKeyset());
  const child = spawn(program, ["--listen", "127.0.0.1:0", "--issuer-keys-file", keysFile, "--aud", audience, "--iss", issuer, "--allow-origin", origin, "--log-level", "error"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.on("exit", () => child.kill());
  const line = await new Promise<string>((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
  const { ws_url } = JSON.parse(line) as { ws_url: string };
  return {
    channels: new ChannelInitService(keys, { tunnelUrl: ws_url, tunnelAudience: audience, issuerId: issuer }),
    stop() {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
