// The other end of a session as a program in C++: flowersec-peer, which serves what traffic.ts serves.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChannelInitGrant } from "../../src/gen/flowersec/controlplane/v1.gen.js";
import { builtProgram } from "./tunnel.js";

/** Starts one that meets the client of a grant. It ends with its session, at the latest with this process. */
export function startPeer(grant: ChannelInitGrant, origin: string): void {
  const folder = mkdtempSync(join(tmpdir(), "flowersec-peer-"));
  const file = join(folder, "grant.json");
  writeFileSync(file, JSON.stringify(grant));
  const child = spawn(builtProgram("flowersec-peer"), ["serve", "--grant", file, "--origin", origin, "--insecure-loopback", "--record-bytes", "65536"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const end = () => {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  process.on("exit", end);
  child.on("exit", () => {
    process.off("exit", end);
    end();
  });
}
