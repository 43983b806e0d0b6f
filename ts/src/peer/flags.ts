// The flag syntax that all programs of the project share, and the help text made of the same table.
// `-name value`, `-name=value`, one dash or two; a boolean takes no next word; reading stops at the first word that is no flag.

export type FlagValue = { kind: "bool" } | { kind: "string" } | { kind: "list" } | { kind: "int"; standard: number } | { kind: "duration"; standard: number; text: string };

export interface Flag {
  readonly name: string;
  readonly value: FlagValue;
  readonly help: string;
  readonly environment?: string;
}

export interface Program {
  readonly blocks: readonly (readonly [title: string, ...lines: string[]])[];
  readonly flags: readonly Flag[];
}

export type FlagValues = Record<string, boolean | string | number | string[]>;

/** What the arguments say, `help`, or a complaint. */
export type FlagsRead = { values: FlagValues } | { help: true } | { complaint: string };

const typeWords = { bool: "", string: " string", list: " value", int: " int", duration: " duration" } as const;
const expected = { bool: "a boolean", string: "valid UTF-8", list: "valid UTF-8", int: "a 64-bit integer", duration: "a duration such as 10s or 1m30s" } as const;
const unitsMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, "µs": 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

const version: Flag = { name: "version", value: { kind: "bool" }, help: "print version and exit" };

/** Milliseconds of a text such as 1m30s, or undefined. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^-?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g)) ms += Number(number) * (unitsMs[unit as string] as number);
  return text.startsWith("-") ? -ms : ms;
}

function parse(value: FlagValue, text: string): boolean | string | number | undefined {
  switch (value.kind) {
    case "bool":
      return ["1", "t", "T", "true", "TRUE", "True"].includes(text) ? true : ["0", "f", "F", "false", "FALSE", "False"].includes(text) ? false : undefined;
    case "int":
      return /^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
    case "duration":
      return parseDuration(text);
    default:
      return text.trim();
  }
}

/** Reads arguments; what they leave open comes from the environment, and then is the default. */
export function readFlags(program: Program, words: readonly string[], environment: Readonly<Record<string, string | undefined>>): FlagsRead {
  const flags = [...program.flags, version];
  const values: FlagValues = {};
  for (const { name, value, environment: variable } of flags) {
    values[name] = value.kind === "bool" ? false : value.kind === "list" ? [] : value.kind === "string" ? "" : value.standard;
    const given = variable === undefined ? "" : (environment[variable] ?? "").trim();
    if (given !== "") values[name] = given;
  }
  const rest = [...words];
  while ((rest[0]?.length ?? 0) > 1 && rest[0]?.startsWith("-")) {
    const word = rest.shift() as string;
    if (word === "--") break;
    const [name = "", ...more] = word.replace(/^--?/, "").split("=");
    if (name === "" || name.startsWith("-")) return { complaint: `bad flag syntax: ${word}` };
    const flag = flags.find((each) => each.name === name);
    if (flag === undefined) return name === "help" || name === "h" ? { help: true } : { complaint: `flag provided but not defined: -${name}` };
    let text = more.length > 0 ? more.join("=") : flag.value.kind === "bool" ? "true" : rest.shift();
    if (text === undefined) return { complaint: `flag needs an argument: -${name}` };
    const value = parse(flag.value, text);
    if (value === undefined) return { complaint: `invalid value "${text}" for flag -${name}: not ${expected[flag.value.kind]}` };
    if (flag.value.kind === "list") text = value as string;
    if (flag.value.kind !== "list") values[name] = value;
    else if (text !== "") (values[name] as string[]).push(text);
  }
  return { values };
}

/** What -help prints. */
export function helpText(program: Program): string {
  const flags = [...program.flags, version].sort((a, b) => (a.name < b.name ? -1 : 1));
  let text = "";
  for (const [title, ...lines] of program.blocks) text += `${title}:\n${lines.map((line) => (line === "" ? "\n" : `  ${line}\n`)).join("")}\n`;
  const fromEnvironment = flags.filter(({ environment }) => environment !== undefined).map(({ name, environment }) => `  ${environment} -> -${name}\n`);
  if (fromEnvironment.length > 0) text += `Env defaults:\n${fromEnvironment.join("")}\n`;
  text += "Flags:\n";
  for (const { name, value, help, environment } of flags) {
    const standard = value.kind === "int" && value.standard !== 0 ? String(value.standard) : value.kind === "duration" ? value.text : "";
    text += `  -${name}${typeWords[value.kind]}\n    \t${help}${environment === undefined ? "" : ` (env ${environment})`}${standard === "" ? "" : ` (default ${standard})`}\n`;
  }
  return text;
}
