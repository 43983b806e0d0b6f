// The whole way of a client: ask the control plane for an artifact, connect, call; and when the connection is lost, the same
// again, by itself. With --stay it calls once a second until Ctrl-C and tells what becomes of the connection.
//
//   FSEC_CONTROLPLANE_BASE_URL  default http://127.0.0.1:8080
//   FSEC_BEARER_KEY_FILE        the key that this control plane wants to see, in a file
//   FSEC_ENDPOINT_ID            default server-1
//   FSEC_ORIGIN                 default http://127.0.0.1:5173
import { readFileSync } from "node:fs";
import { setInterval } from "node:timers/promises";
import { createDemoClient } from "flowersec/gen/flowersec/demo/v1.rpc.gen";
import { AllowPlaintextForLoopback, createNodeReconnectConfig } from "flowersec/node";
import { createControlplaneArtifactSource, createReconnectManager } from "flowersec/reconnect";
import { explainFailures, onStopSignal, readFlags, requireEnv } from "./cli.mjs";

const program = "artifact-client";
explainFailures(program);
const { stay } = readFlags(program, `usage: node examples/node/${program}.mjs [--stay]`, { stay: false });
const {
  FSEC_CONTROLPLANE_BASE_URL: baseUrl = "http://127.0.0.1:8080",
  FSEC_ENDPOINT_ID: endpointId = "server-1",
  FSEC_ORIGIN: origin = "http://127.0.0.1:5173",
} = process.env;
const bearerKey = readFileSync(requireEnv(program, "FSEC_BEARER_KEY_FILE"), "utf8").trim();

// [connect]
const connection = createReconnectManager();
if (stay) connection.subscribe(({ status, error }) => console.error(error === undefined ? status : `${status}: ${error.message}`));

await connection.connect(createNodeReconnectConfig({
  // An artifact works once: the control plane is asked for each attempt.
  source: createControlplaneArtifactSource({ baseUrl, endpointId, headers: { authorization: `Bearer ${bearerKey}` }, allowLoopbackHTTP: true }),
  connect: { origin, transportSecurityPolicy: AllowPlaintextForLoopback },
  autoReconnect: { enabled: true, maxAttempts: stay ? Number.MAX_SAFE_INTEGER : 5 },
}));
// [connect]

// Calls go to the session of the moment. Without one they fail at once: only the caller knows what may be repeated.
const demo = createDemoClient(connection.rpc);
const call = async () => ((await demo.ping({}, { timeoutMs: 5_000 })).ok ? "ok" : "not ok");
onStopSignal(() => connection.disconnect());
console.log(await call());
if (stay) for await (const _ of setInterval(1_000)) console.log(await call().catch(({ message }) => `no answer: ${message}`));
connection.disconnect();
