// A client through a tunnel. The artifact on stdin says which tunnel, and holds this end's key; it works once.
//
//   FSEC_ORIGIN=http://127.0.0.1:5173 node examples/node/tunnel-client.mjs < artifact.json
import { AllowPlaintextForLoopback, connectNode } from "flowersec/node";
import { explainFailures, readArtifactFromStdin, requireEnv } from "./cli.mjs";
import { firstCalls } from "./first-calls.mjs";

const program = "tunnel-client";
explainFailures(program);
const origin = requireEnv(program, "FSEC_ORIGIN");
const artifact = await readArtifactFromStdin(program);

// Plaintext to this machine only: a tunnel elsewhere needs wss, which is the default.
const client = await connectNode(artifact, { origin, transportSecurityPolicy: AllowPlaintextForLoopback });
try {
  await firstCalls(client);
} finally {
  client.close();
}
