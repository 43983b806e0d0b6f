// Builds what an OwnWire gateway serves.
//
//   node scripts/ownwire.mjs --out DIR            css/ js/ assets/ html/ below DIR
//   node scripts/ownwire.mjs --out DIR --sizes    and prints what each script weighs, minified and gzipped
//
// Scripts are minified and hold templates, each the whole content of one string literal, that the gateway replaces:
//   %OWNWIRE_SERVER_KEYS%       its public keys, separated by commas
//   %OWNWIRE_COMPAT_SRI%        sha384-... of js/ownwire_compat.js as served
//   %OWNWIRE_APPLICATION_SRI%   sha384-... of js/application.js as served
// Exit 1 when a source or a template is missing or comes twice, and when a script is larger than docs/PERFORMANCE_TYPESCRIPT.md, "Size", says.
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { fromHere } from "./run.mjs";

const keys = "%OWNWIRE_SERVER_KEYS%";
const compatSri = "%OWNWIRE_COMPAT_SRI%";
const applicationSri = "%OWNWIRE_APPLICATION_SRI%";

/** What templates are replaced by: one key and one digest, as hard to compress as any. Sizes are those of what is served. */
const samples = [
  [keys, "u3I5RMw41QpBtvUcogAZc_N5h3YCTHVWIJV-wlNXgFU"],
  [compatSri, "sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC"],
  [applicationSri, "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO"],
];
/** Names of properties that only the classes within know: no option, no export, nothing that is saved or looked up by text. */
const innerNames = [
  "unfinishedBytes", "bodyEndsStream", "bodyTarget", "isRunning", "stopLingering", "ownReadable", "ownWritable", "closeErrors", "spreading",
  "failedInCycle", "isFirstOfCycle", "paceDeadline", "ackDeadline", "filledAtMs", "isOverdue", "takeToken", "takeDue", "startAnew", "controlIsDue",
  "dataIsDue", "isBetweenFrames", "finishIfDone", "nextControl", "nextData", "outputBytes", "onAuthentic", "finWanted", "discarding", "stopProbing",
  "resolveEnded", "stopTimeout", "stopPoll", "aboveHigh", "beginCycle", "beginAttempt", "attempting", "wakeMs", "maySeal", "takeChunk",
];

/** `limit`: KiB, gzipped. */
const scripts = [
  { file: "js/ownwire.js", entry: "src/ownwire/bundle/ownwire_entry.ts", format: "iife", limit: 25, templates: [keys, compatSri] },
  { file: "js/ownwire_compat.js", entry: "src/ownwire/bundle/compat_entry.ts", format: "iife", limit: 18, templates: [] },
  { file: "js/ownwire_widget.js", entry: "src/ownwire/widget/loader_entry.ts", format: "iife", limit: 4, templates: [applicationSri], mayHave: [keys] },
  { file: "js/application.js", entry: "src/ownwire/widget/application.ts", format: "esm", limit: 40, templates: [keys, compatSri] },
];
const copies = [
  ["ownwire/style.css", "css/style.css"],
  ["ownwire/chat-icon.png", "assets/chat-icon.png"],
  ["ownwire/index.html", "html/index.html"],
  ["ownwire/embed_example.html", "html/embed_example.html"],
];

const { values } = parseArgs({ options: { out: { type: "string" }, sizes: { type: "boolean" } } });
if (values.out === undefined) {
  console.error("usage: node scripts/ownwire.mjs --out DIR [--sizes]");
  process.exit(2);
}
const problems = [];

function write(file, contents) {
  const path = resolve(values.out, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
}

/** The fallbacks are a script of their own; and a module knows where it is by other means than a classic script. */
const replacements = (format) => ({
  name: "ownwire",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/noble\/provider\.js$/ }, () => ({ path: fromHere("src/ownwire/bundle/compat.ts") }));
    if (format !== "esm") return;
    onLoad({ filter: /src[\\/]ownwire[\\/]bundle[\\/]script\.ts$/ }, () => ({
      contents: "export const noteScript = () => {};\nexport const scriptUrl = () => import.meta.url;\nexport const scriptNonce = () => undefined;\n",
    }));
  },
});

async function bundle({ file, entry, format, limit, templates, mayHave = [] }) {
  if (!existsSync(fromHere(entry))) return problems.push(`${entry} is missing`);
  const { outputFiles } = await build({
    entryPoints: [fromHere(entry)],
    bundle: true,
    format,
    platform: "browser",
    target: "es2022",
    charset: "utf8",
    minify: true,
    mangleProps: new RegExp(`^(${innerNames.join("|")})$`),
    legalComments: "none",
    write: false,
    absWorkingDir: fromHere(),
    alias: {
      "#crypto-platform": fromHere("src/crypto/browser/platform.ts"),
      "#ws-platform": fromHere("src/ws/browser/platform.ts"),
    },
    plugins: [replacements(format)],
    logLevel: "warning",
  });
  const [{ contents, text }] = outputFiles;
  for (const template of [keys, compatSri, applicationSri]) {
    const found = text.split(template).length - 1;
    const whole = [...text.matchAll(/(["'`])%OWNWIRE_[A-Z_]+%\1/g)].filter(([literal]) => literal.slice(1, -1) === template).length;
    const isGood = found === whole && (templates.includes(template) ? found === 1 : found === 0 || (found === 1 && mayHave.includes(template)));
    if (!isGood) problems.push(`${file}: ${template} is there ${found} times, ${whole} times as a literal`);
  }
  if (/\beval\(|\bnew Function\b|\bFunction\(/.test(text)) problems.push(`${file}: makes code from text`);
  const served = samples.reduce((script, [template, value]) => script.replace(template, value), text);
  const size = gzipSync(served, { level: 9 }).length / 1024;
  if (size > limit) problems.push(`${file} has ${size.toFixed(2)} KiB gzip, at most ${limit}`);
  if (values.sizes) console.log(`ownwire: ${file}: ${size.toFixed(2)} KiB gzip of ${limit}`);
  write(file, contents);
}

for (const script of scripts) await bundle(script);
for (const [from, to] of copies) {
  if (!existsSync(fromHere(from))) {
    problems.push(`${from} is missing`);
    continue;
  }
  mkdirSync(dirname(join(resolve(values.out), to)), { recursive: true });
  copyFileSync(fromHere(from), join(resolve(values.out), to));
}
for (const problem of problems) console.error(`ownwire: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
