// Grants and infos from files, as the tools of the project write them.
import { readFileSync } from "node:fs";
import { assertChannelInitGrant, Role, type ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import { decodeDirectConnectInfo, type DirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
import type { DialCommand } from "./options.js";

const maxFileBytes = 1_048_576;

function read(file: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file === "-" ? 0 : file);
  } catch (error) {
    throw new Error(`cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
  if (bytes.length > maxFileBytes) throw new Error(`${file}: more than ${maxFileBytes} bytes`);
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

function named<T>(file: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new Error(`${file === "-" ? "stdin" : file}: ${(error as Error).message}`, { cause: error });
  }
}

function membersOf(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** The artifact inside a control plane's answer. Anything else as it is. */
function artifactIn(text: string): string {
  const { connect_artifact: artifact } = membersOf(text);
  return artifact === undefined ? text : JSON.stringify(artifact);
}

/** A grant of this role: alone, in the file of both, or in an artifact. */
export function loadGrant({ grant: file, url }: DialCommand, role: Role): ChannelInitGrant {
  const text = read(file);
  return named(file, () => {
    const members = membersOf(role === Role.client ? artifactIn(text) : text);
    if (role === Role.client && "direct_info" in members) throw new Error("this artifact is for the direct path; use --info");
    const inside = role === Role.client ? (members["tunnel_grant"] ?? members["grant_client"]) : members["grant_server"];
    const grant = assertChannelInitGrant(inside ?? members);
    if (grant.role !== role) throw new Error("bad ChannelInitGrant.role");
    return url === "" ? grant : { ...grant, tunnel_url: url };
  });
}

/** A connect info: alone, in the tool's file, or in an artifact. */
export function loadInfo({ info: file, url }: Pick<DialCommand, "info" | "url">): DirectConnectInfo {
  const whole = read(file);
  return named(file, () => {
    const text = artifactIn(whole);
    const members = membersOf(text);
    if ("tunnel_grant" in members || "grant_client" in members) throw new Error("this is a grant for the tunnel path; use --grant");
    const inside = members["direct_info"];
    const info = decodeDirectConnectInfo(inside === undefined ? text : JSON.stringify(inside));
    return url === "" ? info : { ...info, ws_url: url };
  });
}
