// The whole way of a client: ask the control plane for an artifact, connect, call.
//
//   FSEC_CONTROLPLANE_BASE_URL  default http://127.0.0.1:8080
//   FSEC_ENDPOINT_ID            default server-1
//   FSEC_ORIGIN                 default http://127.0.0.1:5173
import { requestConnectArtifact } from "flowersec/controlplane";
import { createDemoClient } from "flowersec/gen/flowersec/demo/v1.rpc.gen";
import { AllowPlaintextForLoopback, connectNode } from "flowersec/node";
import { explainFailures } from "./cli.mjs";

explainFailures("artifact-client");

const {
  FSEC_CONTROLPLANE_BASE_URL: baseUrl = "http://127.0.0.1:8080",
  FSEC_ENDPOINT_ID: endpointId = "server-1",
  FSEC_ORIGIN: origin = "http://127.0.0.1:5173",
} = process.env;

const artifact = await requestConnectArtifact({ baseUrl, endpointId, allowLoopbackHTTP: true });
const client = await connectNode(artifact, { origin, transportSecurityPolicy: AllowPlaintextForLoopback });
try {
  const { ok } = await createDemoClient(client.rpc).ping({});
  console.log(ok ? "ok" : "not ok");
} finally {
  client.close();
}
