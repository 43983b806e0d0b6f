// A client without a tunnel: the connect info on stdin (or an artifact that holds it) names the endpoint itself.
//
//   FSEC_ORIGIN=http://127.0.0.1:5173 node examples/node/direct-client.mjs < info.json
import { AllowPlaintextForLoopback, connectDirectNode } from "flowersec/node";
import { explainFailures, readArtifactFromStdin, requireEnv } from "./cli.mjs";
import { firstCalls } from "./first-calls.mjs";

const program = "direct-client";
explainFailures(program);
const origin = requireEnv(program, "FSEC_ORIGIN");
const given = await readArtifactFromStdin(program);

const client = await connectDirectNode(given.direct_info ?? given, { origin, transportSecurityPolicy: AllowPlaintextForLoopback });
try {
  await firstCalls(client);
} finally {
  client.close();
}
