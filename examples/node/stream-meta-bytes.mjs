// A stream that carries a description first, and then plain bytes: how files and other large things travel.
//
//   FSEC_ORIGIN          required
//   FSEC_META_BYTES      how many bytes to ask for, default 65536
//   FSEC_META_FILL_BYTE  what they are made of, default 97
// The artifact, or the connect info of a direct endpoint, comes from stdin.
import { AllowPlaintextForLoopback, connectDirectNode, connectNode } from "flowersec/node";
import { openJsonFrameChannel, readNBytes } from "flowersec/streamio";
import { explainFailures, readArtifactFromStdin, requireEnv } from "./cli.mjs";

const program = "stream-meta-bytes";
explainFailures(program);
const options = { origin: requireEnv(program, "FSEC_ORIGIN"), transportSecurityPolicy: AllowPlaintextForLoopback };
const { FSEC_META_BYTES = "65536", FSEC_META_FILL_BYTE = "97" } = process.env;

const given = await readArtifactFromStdin(program);
const client = await ("ws_url" in given ? connectDirectNode(given, options) : connectNode(given, options));
try {
  // [meta]
  const channel = await openJsonFrameChannel(client, "meta_bytes");
  await channel.writeFrame({ max_bytes: Number(FSEC_META_BYTES), fill_byte: Number(FSEC_META_FILL_BYTE) });
  const meta = await channel.readFrame({ maxBytes: 4096 });
  console.log(`meta: ${JSON.stringify(meta)}`);
  if (!meta.ok) throw new Error(`refused: ${meta.error.code}`);
  const bytes = await readNBytes(channel.reader, meta.content_len);
  console.log(`bytes: ${bytes.length}`);
  console.log(`first 16 bytes: ${Buffer.from(bytes.subarray(0, 16)).toString("hex")}`);
  await channel.close();
  // [meta]
} finally {
  client.close();
}
