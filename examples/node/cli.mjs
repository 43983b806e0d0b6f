// What the examples share: flags, input, output. Nothing of Flowersec here.

/** Ends with 2 after saying how the program is used. */
export function usageError(program, message) {
  console.error(`${program}: ${message}`);
  process.exit(2);
}

/** Whatever goes wrong and nobody catches is told in a line, and ends with 1. */
export function explainFailures(program) {
  process.on("uncaughtException", (error) => {
    console.error(`${program}: ${error.message}`);
    process.exit(1);
  });
}

/**
 * Flags of the form `--name value`. `defaults` has every flag: a text, a list for one that may be given several times, or
 * false for a switch without a value. `help` is printed for -h and --help.
 */
export function readFlags(program, help, defaults, args = process.argv.slice(2)) {
  const values = structuredClone(defaults);
  for (let at = 0; at < args.length; at++) {
    const flag = args[at];
    if (flag === "-h" || flag === "--help") {
      console.log(help.trim());
      process.exit(0);
    }
    const name = flag.replace(/^--/, "");
    if (!flag.startsWith("--") || !Object.hasOwn(defaults, name)) usageError(program, `unknown flag ${flag}; --help shows them`);
    if (defaults[name] === false) {
      values[name] = true;
      continue;
    }
    const value = args[++at];
    if (value === undefined) usageError(program, `${flag} needs a value`);
    if (Array.isArray(defaults[name])) values[name].push(value);
    else values[name] = value;
  }
  return values;
}

/** Host and port of `127.0.0.1:8080` or `[::1]:8080`. */
export function splitAddress(program, text) {
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port) || port < 0 || port > 65_535) usageError(program, `${text} is not an address with a port`);
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ""), port };
}

/** All of stdin as JSON. */
export async function readJsonFromStdin(program) {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk;
  try {
    return JSON.parse(text);
  } catch (error) {
    usageError(program, `stdin is not JSON: ${error.message}`);
  }
}

/** A connect artifact from stdin: as it is, or in the envelope of a control plane. */
export async function readArtifactFromStdin(program) {
  const value = await readJsonFromStdin(program);
  return value?.connect_artifact ?? value;
}

/** An environment variable that must be set. */
export function requireEnv(program, name) {
  const value = process.env[name];
  if (!value) usageError(program, `${name} is required`);
  return value;
}

/** One line of JSON: the program is ready. Whoever started it waits for this line. */
export function printReady(ready) {
  process.stdout.write(`${JSON.stringify(ready)}\n`);
}

/** Runs `stop` once at SIGINT or SIGTERM, then ends. */
export function onStopSignal(stop) {
  let stopping = false;
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, async () => {
      if (stopping) return;
      stopping = true;
      await stop();
      process.exit(0);
    });
  }
}
