// From a command line to the options of connecting.
import { readFileSync } from "node:fs";
import { AllowPlaintextForLoopback, RequireTLS, type DialOptions } from "../endpoint/index.js";
import { createNodeWsFactory } from "../ws/node/factory.js";
import type { DialCommand } from "./options.js";

/** Of both roles, dialled or not. */
export function sessionOptionsOf({ recordBytes, wideBytes }: DialCommand): Pick<DialOptions, "outboundRecordChunkBytes" | "yamuxLimits"> {
  return { outboundRecordChunkBytes: recordBytes || undefined, yamuxLimits: { wideWindowSessionBytes: wideBytes } };
}

export function dialOptionsOf(command: DialCommand): DialOptions {
  const wsFactory = command.ca === "" ? undefined : createNodeWsFactory({ ca: readFileSync(command.ca, "utf8") });
  const transportSecurityPolicy = command.insecureLoopback ? AllowPlaintextForLoopback : RequireTLS;
  return { origin: command.origin, wsFactory, transportSecurityPolicy, ...sessionOptionsOf(command) };
}
