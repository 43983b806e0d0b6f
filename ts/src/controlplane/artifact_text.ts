// Connect artifacts as texts.
// Layer controlplane. Source: CONTROLPLANE, "Connect artifact".

import { utf8 } from "../base/index.js";
import { assertConnectArtifact, type ConnectArtifact } from "../endpoint/artifact.js";
import { toWireChannelInitGrant, type ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import { toWireDirectConnectInfo, type DirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
import { isObject, readIntegers, readObject, type Members } from "./json_text.js";

const maxArtifactBytes = 1_048_576;

/**
 * The artifact in a JSON text of at most 1 MiB, frozen. Stricter than assertConnectArtifact, which is given values: integers
 * must be written in plain digits. Unknown keys of the grant or info are left out. Throws Error with the text
 * `bad <kind>.<field>`, `bad ConnectArtifact` for what is no JSON object.
 */
export function decodeConnectArtifact(text: string | Uint8Array): ConnectArtifact {
  const value = objectIn(text);
  if (value === undefined) throw new Error("bad ConnectArtifact");
  return artifactIn(value, readIntegers(text, value));
}

/** The artifact `connect_artifact` of an envelope. Throws Error: as decodeConnectArtifact, or that there is none. */
export function decodeArtifactEnvelope(text: string | Uint8Array): ConnectArtifact {
  const value = objectIn(text);
  const artifact = value?.["connect_artifact"];
  if (value === undefined || artifact === undefined) throw new Error("invalid controlplane response: missing connect_artifact");
  return artifactIn(artifact, readIntegers(text, value)["connect_artifact"]);
}

/** Without the engine's reason when there is none: it would quote the text, which holds secrets. */
function objectIn(text: string | Uint8Array): Members | undefined {
  try {
    return readObject(text);
  } catch {
    return undefined;
  }
}

/**
 * JSON text with the keys of the protocol in their order: no empty list of scopes, and nothing unknown in the grant or info.
 * Throws as assertConnectArtifact, and for one of more than 1 MiB.
 */
export function encodeConnectArtifact(artifact: ConnectArtifact): string {
  const text = JSON.stringify(onTheWire(assertConnectArtifact(artifact)));
  if (utf8(text).length > maxArtifactBytes) throw new Error("bad ConnectArtifact");
  return text;
}

/** `integers` is the value as readIntegers gives it. */
function artifactIn(value: unknown, integers: unknown): ConnectArtifact {
  if (integers !== value && isObject(value) && isObject(integers)) keepPayloads(value, integers);
  return onTheWire(assertConnectArtifact(integers));
}

/** The numbers of a payload are whatever the application likes. */
function keepPayloads({ scoped: from }: Members, { scoped: into }: Members): void {
  if (!Array.isArray(from) || !Array.isArray(into)) return;
  for (const [i, entry] of (into as unknown[]).entries()) {
    if (isObject(entry) && "payload" in entry) entry["payload"] = (from[i] as Members)["payload"];
  }
}

function onTheWire(artifact: ConnectArtifact): ConnectArtifact {
  const { scoped = [], correlation } = artifact;
  const rest = { ...(scoped.length > 0 && { scoped }), ...(correlation && { correlation }) };
  if (artifact.transport === "tunnel") {
    const tunnel_grant = Object.freeze(toWireChannelInitGrant(artifact.tunnel_grant) as ChannelInitGrant);
    return Object.freeze({ v: 1, transport: "tunnel", tunnel_grant, ...rest });
  }
  const direct_info = Object.freeze(toWireDirectConnectInfo(artifact.direct_info) as DirectConnectInfo);
  return Object.freeze({ v: 1, transport: "direct", direct_info, ...rest });
}
