// Ratios that a busy machine does not bend: subjects take turns, each turn gives a ratio, the median of them counts.
import { appendFileSync } from "node:fs";

/** Something to measure: seconds for one unit, in one turn. */
export type Subject = () => Promise<number>;

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

export interface Compared<Name extends string> {
  /** Median seconds per unit of each subject. */
  readonly seconds: Readonly<Record<Name, number>>;
  /** Median over the turns of `numerator` seconds divided by `denominator` seconds. */
  ratio(numerator: Name, denominator: Name): number;
}

/** Lets subjects take turns, A B C A B C; the first turn warms up and does not count. */
export async function compare<Name extends string>(subjects: Readonly<Record<Name, Subject>>, turns: number): Promise<Compared<Name>> {
  const names = Object.keys(subjects) as Name[];
  const taken: Record<Name, number>[] = [];
  for (let turn = 0; turn <= turns; turn++) {
    const seconds = {} as Record<Name, number>;
    for (const name of names) seconds[name] = await subjects[name]();
    if (turn > 0) taken.push(seconds);
  }
  return {
    seconds: Object.fromEntries(names.map((name) => [name, median(taken.map((turn) => turn[name]))])) as Record<Name, number>,
    ratio: (numerator, denominator) => median(taken.map((turn) => turn[numerator] / turn[denominator])),
  };
}

let missed = 0;

/** A line of the table that is only shown. */
export function show(what: string, figures: string): void {
  console.log(`${what.padEnd(60)} ${figures}`);
}

export interface Goal {
  readonly kind: "at_least" | "at_most";
  readonly limit: number;
}
export const atLeast = (limit: number): Goal => ({ kind: "at_least", limit });
export const atMost = (limit: number): Goal => ({ kind: "at_most", limit });

/** A line of the table with a goal. `id` names it for machines, which read it where FLOWERSEC_BENCH_ROWS says. */
export function judge(id: string, what: string, ratio: number, goal: Goal): void {
  const isMet = goal.kind === "at_least" ? ratio >= goal.limit : ratio <= goal.limit;
  if (!isMet) missed++;
  const words = `${goal.kind.replace("_", " ")} ${goal.limit}`;
  console.log(`${what.padEnd(60)} ${`${ratio.toFixed(2)} x`.padStart(8)}   ${words.padEnd(13)} ${isMet ? "met" : "MISSED"}`);
  const rows = process.env["FLOWERSEC_BENCH_ROWS"];
  const row = { id: `ts.${id}`, title: what, unit: "x", median: ratio, goal: goal.limit, goal_kind: goal.kind, verdict: isMet ? "ok" : "missed" };
  if (rows !== undefined) appendFileSync(rows, `${JSON.stringify(row)}\n`);
}

/** `1` when a goal was missed, for process.exitCode. */
export const exitCode = (): number => (missed > 0 ? 1 : 0);

/** MB/s from seconds per byte. */
export const rate = (secondsPerByte: number): string => `${(1e-6 / secondsPerByte).toFixed(0)} MB/s`;
export const microseconds = (seconds: number): string => `${(seconds * 1e6).toFixed(0)} us`;
