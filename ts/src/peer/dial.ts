// From a command line to the options of connecting.
import { readFileSync } from "node:fs";
import { AllowPlaintextForLoopback, RequireTLS, type DialOptions } from "../endpoint/index.js";
import { createNodeWsFactory } from "../ws/node/factory.js";
import type { DialCommand } from "./options.js";

export function dialOptionsOf(command: DialCommand): DialOptions {
  const wsFactory = command.ca === "" ? undefined : createNodeWsFactory({ ca: readFileSync(command.ca, "utf8") });
  const transportSecurityPolicy = command.insecureLoopback ? AllowPlaintextForLoopback : RequireTLS;
  return { origin: command.origin, wsFactory, transportSecurityPolicy, outboundRecordChunkBytes: command.recordBytes || undefined };
}
