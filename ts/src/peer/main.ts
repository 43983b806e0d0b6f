#!/usr/bin/env node
// flowersec-peer: the conformance peer, in either role. The same command line and the same JSON lines as the C++ program.
import { readFileSync } from "node:fs";
import { runClient } from "./client.js";
import { helpText, readFlags, type FlagValues, type Program } from "./flags.js";
import { clientCommandOf, clientProgram, peerProgram, serveCommandOf, serveProgram } from "./options.js";
import { runServe } from "./serve.js";

const exitUsage = 2;

function usageError(program: Program, complaint: string): number {
  process.stderr.write(`${complaint}\n${helpText(program)}`);
  return exitUsage;
}

/** What the flags say, or the exit code when there is nothing to run. */
function read(program: Program, words: string[]): FlagValues | number {
  const found = readFlags(program, words, process.env);
  if ("complaint" in found) return usageError(program, found.complaint);
  if ("help" in found) {
    process.stderr.write(helpText(program));
    return 0;
  }
  if (found.values["version"] !== true) return found.values;
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  process.stdout.write(`${version}\n`);
  return 0;
}

async function runCommand<Command extends object>(
  program: Program,
  words: string[],
  commandOf: (values: FlagValues) => Command | string,
  run: (command: Command) => Promise<number>,
): Promise<number> {
  const values = read(program, words);
  if (typeof values === "number") return values;
  const command = commandOf(values);
  return typeof command === "string" ? usageError(program, command) : run(command);
}

async function main([word = "", ...rest]: string[]): Promise<number> {
  if (word === "serve") return runCommand(serveProgram, rest, serveCommandOf, runServe);
  if (word === "client") return runCommand(clientProgram, rest, clientCommandOf, runClient);
  const values = read(peerProgram, word === "" ? [] : [word, ...rest]);
  if (typeof values === "number") return values;
  return usageError(peerProgram, word === "" ? "missing command" : `unknown command: ${word}`);
}

process.exitCode = await main(process.argv.slice(2));
