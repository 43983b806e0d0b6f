// A server endpoint behind a tunnel: it stays registered at the control plane, and meets each client that the control plane
// announces. Nothing has to reach this program from outside: every connection is one it dials.
import { readFileSync } from "node:fs";
import { AllowPlaintextForLoopback, serveEndpoint } from "flowersec/node";
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

const given = flags.control === "" ? await readJsonFromStdin(program) : JSON.parse(readFileSync(flags.control, "utf8"));
const credential = given.server_endpoint_control ?? given; // the ready line of controlplane.mjs has it inside

let isReady = false;
function onRegistered(lost) {
  if (lost) return console.error(`not registered: ${lost.message}`);
  if (isReady) return console.error("registered again");
  isReady = true;
  printReady({ status: "ready", endpoint_id: flags["endpoint-id"] });
}

// [serve]
const stop = new AbortController();
const serving = serveEndpoint({
  credential,
  endpointId: flags["endpoint-id"],
  dial: { origin: flags.origin, transportSecurityPolicy: AllowPlaintextForLoopback },
  serve: serveDemo,
  onRegistered,
  onClientFailed: (error) => console.error(`no client came: ${error.message}`),
  onGrantDropped: () => console.error("a client was turned away: too many wait"),
  signal: stop.signal,
});
// [serve]

onStopSignal(() => (stop.abort(), serving));
await serving; // rejects when the control plane turns this endpoint away for good
