// Builds the chat page: index.html, style.css, page.js and its chunks.
//
//   node scripts/chat.mjs --out DIR
import { copyFileSync, mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { fromHere } from "./run.mjs";

const { values } = parseArgs({ options: { out: { type: "string" } } });
if (values.out === undefined) {
  console.error("usage: node scripts/chat.mjs --out DIR");
  process.exit(2);
}
const out = resolve(values.out);
mkdirSync(out, { recursive: true });
await build({
  entryPoints: [fromHere("src/chat/page.ts")],
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  charset: "utf8",
  minify: true,
  legalComments: "none",
  outdir: out,
  chunkNames: "chunk-[hash]",
  absWorkingDir: fromHere(),
  alias: {
    "#crypto-platform": fromHere("src/crypto/browser/platform.ts"),
    "#crypto-sync": fromHere("src/crypto/noble/platform.ts"),
    "#ws-platform": fromHere("src/ws/browser/platform.ts"),
  },
  logLevel: "warning",
});
for (const name of ["index.html", "style.css"]) copyFileSync(fromHere("chat", name), resolve(out, name));
