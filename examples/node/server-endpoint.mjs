// A server endpoint behind a tunnel: it stays registered at the control plane, and meets each client that the control plane
// announces. Nothing has to reach this program from outside: every connection is one it dials.
import { readFileSync } from "node:fs";
import { AllowPlaintextForLoopback, connectDirectNode, connectTunnelEndpointNode } from "flowersec/node";
import { createReconnectManager } from "flowersec/reconnect";
import { callTyped } from "flowersec/rpc";
import { explainFailures, onStopSignal, printReady, readFlags, readJsonFromStdin, usageError } from "./cli.mjs";
import { serveDemo } from "./services.mjs";

const program = "server-endpoint";
explainFailures(program);
const help = `
usage: node examples/node/server-endpoint.mjs --origin ORIGIN [flags] < control.json
  --control FILE            the endpoint's credential, as flowersec-controlplane add-endpoint writes it; else stdin
  --origin ORIGIN           Origin header (or FSEC_ORIGIN)
  --endpoint-id server-1    the name under which clients ask for this endpoint
Prints one line of JSON once it is registered; ends when it is turned away for good.`;

const flags = readFlags(program, help, { control: "", origin: process.env.FSEC_ORIGIN ?? "", "endpoint-id": "server-1" });
if (flags.origin === "") usageError(program, "--origin or FSEC_ORIGIN is required");

const register = 1001;
const serverGrant = 1002;
const forbidden = 403;
/** A server waits for its client as long as its handshake may take. */
const handshakeTimeoutMs = 60_000;

const given = flags.control === "" ? await readJsonFromStdin(program) : JSON.parse(readFileSync(flags.control, "utf8"));
const credential = given.server_endpoint_control ?? given; // the ready line of controlplane.mjs has it inside
const options = { origin: flags.origin, transportSecurityPolicy: AllowPlaintextForLoopback };

// [serve]
async function meet(grant) {
  try {
    const session = await connectTunnelEndpointNode(grant, { ...options, handshakeTimeoutMs });
    await serveDemo(session);
  } catch (error) {
    console.error(`no client came: ${error.message}`);
  }
}

/** One connection to the control plane; it counts once we are registered there. */
async function connectOnce({ signal, observer }) {
  const control = await connectDirectNode(credential, { ...options, signal, observer });
  try {
    control.rpc.onNotify(serverGrant, meet); // before anybody can announce a client
    await callTyped(control.rpc, register, { endpoint_id: flags["endpoint-id"] }, { signal });
    return control;
  } catch (error) {
    control.close();
    // Not our id, or revoked: this code tells the manager that trying again is pointless.
    throw error.code === forbidden ? Object.assign(new Error(`turned away: ${error.message}`), { code: "invalid_input" }) : error;
  }
}

const control = createReconnectManager();
control.subscribe(({ status, error }) => error !== undefined && console.error(`${status}: ${error.message}`));
await control.connect({ connectOnce, autoReconnect: { enabled: true, maxAttempts: Number.MAX_SAFE_INTEGER } });
printReady({ status: "ready", endpoint_id: flags["endpoint-id"] });
// [serve]

onStopSignal(() => control.disconnect());
control.subscribe(({ status }) => status === "error" && process.exit(1));
