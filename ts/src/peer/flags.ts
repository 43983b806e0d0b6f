// The flag syntax that all programs of the project share, and the help text made of the same table.
// `-name value`, `-name=value`, one dash or two; a boolean takes no next word; reading stops at the first word that is no flag. The rules
// are those of Go's flag and strconv packages; testdata/flag_cases.json is their table, which C++ shares.
import { trimmed } from "../base/index.js";

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
const unitsNs: Readonly<Record<string, bigint>> = {
  ns: 1n, us: 1000n, "\u00b5s": 1000n, "\u03bcs": 1000n, ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n,
};

const version: Flag = { name: "version", value: { kind: "bool" }, help: "print version and exit" };

/** 1 t T TRUE true True 0 f F FALSE false False, nothing else. */
export function parseBoolean(text: string): boolean | undefined {
  if (/^(1|[tT]|TRUE|[tT]rue)$/.test(text)) return true;
  return /^(0|[fF]|FALSE|[fF]alse)$/.test(text) ? false : undefined;
}

/** Decimal, 0x, 0o, 0b or leading-zero octal, with an optional sign; one underscore between digits or after the base. 64 bits. */
export function parseInteger(text: string): bigint | undefined {
  const found = /^([+-]?)(0x(?:_?[\da-f])+|0o(?:_?[0-7])+|0b(?:_?[01])+|0(?:_?[0-7])*|[1-9](?:_?\d)*)$/i.exec(text);
  if (found === null) return undefined;
  const digits = found[2]?.replaceAll("_", "") ?? "";
  return withSign(found[1], BigInt(/^0\d/.test(digits) ? `0o${digits}` : digits));
}

/** Nanoseconds of decimal numbers with a unit each, one after the other; a bare 0 needs no unit. 64 bits; what is finer is cut off. */
export function parseDuration(text: string): bigint | undefined {
  const parts = /^([+-]?)(0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|[u\u00b5\u03bcm]?s|m|h))+)$/.exec(text);
  if (parts === null) return undefined;
  let ns = 0n;
  for (const [, whole = "", fraction = "", name = ""] of text.matchAll(/(\d*)\.?(\d*)(ns|[u\u00b5\u03bcm]?s|m|h)/g)) {
    const unit = unitsNs[name] as bigint;
    ns += BigInt(whole) * unit + (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length);
  }
  return withSign(parts[1], ns);
}

function withSign(sign: string | undefined, magnitude: bigint): bigint | undefined {
  const value = sign === "-" ? -magnitude : magnitude;
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** As values hold it: integers past 2^53, which are no flag's, may be rounded; durations are milliseconds. */
function parse(value: FlagValue, text: string): boolean | string | number | undefined {
  if (value.kind === "bool") return parseBoolean(text);
  if (value.kind === "string" || value.kind === "list") return trimmed(text);
  const read = value.kind === "int" ? parseInteger(text) : parseDuration(text);
  return read === undefined ? undefined : value.kind === "int" ? Number(read) : Number(read) / 1e6;
}

/** Reads arguments; what they leave open comes from the environment, and then is the default. */
export function readFlags(program: Program, words: readonly string[], environment: Readonly<Record<string, string | undefined>>): FlagsRead {
  const flags = [...program.flags, version];
  const values: FlagValues = {};
  for (const { name, value, environment: variable } of flags) {
    values[name] = value.kind === "bool" ? false : value.kind === "list" ? [] : value.kind === "string" ? "" : value.standard;
    const given = variable === undefined ? "" : trimmed(environment[variable]);
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
