// A server endpoint behind a tunnel: it keeps a connection to the control plane, and meets each client that the control
// plane announces. Nothing has to reach this program from outside: every connection is one it dials.
import { readFileSync } from "node:fs";
import { AllowPlaintextForLoopback, connectDirectNode, connectTunnelEndpointNode } from "flowersec/node";
import { callTyped } from "flowersec/rpc";
import { explainFailures, onStopSignal, printReady, readFlags, readJsonFromStdin, usageError } from "./cli.mjs";
import { serveDemo } from "./services.mjs";

const program = "server-endpoint";
explainFailures(program);
const help = `
usage: node examples/node/server-endpoint.mjs --origin ORIGIN [flags] < control.json
  --control FILE            connect info of the control connection, also the ready line of controlplane.mjs; else stdin
  --origin ORIGIN           Origin header (or FSEC_ORIGIN)
  --endpoint-id server-1    the name under which clients ask for this endpoint
Prints one line of JSON once it is registered; ends with its control connection.`;

const flags = readFlags(program, help, { control: "", origin: process.env.FSEC_ORIGIN ?? "", "endpoint-id": "server-1" });
if (flags.origin === "") usageError(program, "--origin or FSEC_ORIGIN is required");

const register = 1001;
const serverGrant = 1002;
/** A server waits for its client as long as its handshake may take. */
const handshakeTimeoutMs = 60_000;

const given = flags.control === "" ? await readJsonFromStdin(program) : JSON.parse(readFileSync(flags.control, "utf8"));
const info = given.server_endpoint_control ?? given.controlplane?.server_endpoint_control ?? given;
const options = { origin: flags.origin, transportSecurityPolicy: AllowPlaintextForLoopback };

// [serve]
const control = await connectDirectNode(info, options);

control.rpc.onNotify(serverGrant, async (grant) => {
  try {
    const session = await connectTunnelEndpointNode(grant, { ...options, handshakeTimeoutMs });
    await serveDemo(session);
  } catch (error) {
    console.error(`no client came: ${error.message}`);
  }
});
await callTyped(control.rpc, register, { endpoint_id: flags["endpoint-id"] });
printReady({ status: "ready", endpoint_id: flags["endpoint-id"] });
// [serve]

onStopSignal(() => control.close());
const why = await control.ended;
if (why !== undefined) {
  console.error(`${program}: the control connection ended: ${why.message}`);
  process.exit(1);
}
