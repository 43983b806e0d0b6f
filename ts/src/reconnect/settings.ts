// How often and how fast a lost connection is tried again.
// Layer reconnect. Pure: no clock, no random numbers of its own.

import { FlowersecError } from "../base/index.js";

/** Times are milliseconds. Bad settings are refused before anything happens, never clamped; an explicit 0 is kept. */
export interface ReconnectSettings {
  /** Whether anything is tried twice. When not, the first failure and the first loss are final. Default false. */
  readonly enabled?: boolean | undefined;
  /** Attempts of one cycle, the first one included: an integer of at least 1, default 5; counts as 1 when not enabled. */
  readonly maxAttempts?: number | undefined;
  /** Before the second attempt of a cycle, and after a loss. Default 500. */
  readonly initialDelayMs?: number | undefined;
  /** No wait is longer, jitter and spread aside. Default 10 000. */
  readonly maxDelayMs?: number | undefined;
  /** From one wait of a cycle to the next: at least 1, default 1.8. */
  readonly factor?: number | undefined;
  /** Each wait is longer or shorter by up to this part of itself: 0 to 1, default 0.2. */
  readonly jitterRatio?: number | undefined;
  /**
   * When the other side said that it is going away, everybody it told comes back at the same time: each wait after such a
   * hint is longer by a random part of this. Default 10 000; 0 disregards hints.
   */
  readonly drainSpreadMs?: number | undefined;
}

/** Settings with nothing left out. */
export type WholeSettings = { readonly [name in keyof ReconnectSettings]-?: Exclude<ReconnectSettings[name], undefined> };

export const reconnectDefaults: WholeSettings = {
  enabled: false,
  maxAttempts: 5,
  initialDelayMs: 500,
  maxDelayMs: 10_000,
  factor: 1.8,
  jitterRatio: 0.2,
  drainSpreadMs: 10_000,
};

const names = Object.keys(reconnectDefaults) as (keyof WholeSettings)[];

/** What artifacts come from: `once` has one, `missing` none. */
export type SourceKind = "missing" | "once" | "refreshable";

/**
 * Settings with defaults. Throws auto/validate/invalid_option for a value out of its range, for no source, and for a source
 * that yields once when enabled.
 */
export function checkSettings(given: ReconnectSettings = {}, source: SourceKind): WholeSettings {
  const whole = Object.fromEntries(names.map((name) => [name, given[name] ?? reconnectDefaults[name]])) as WholeSettings;
  const { enabled, maxAttempts, initialDelayMs, maxDelayMs, factor, jitterRatio, drainSpreadMs } = whole;
  const from = (least: number, value: number) => Number.isFinite(value) && value >= least;
  if (typeof enabled !== "boolean") refuse("enabled");
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1) refuse("maxAttempts");
  if (!from(0, initialDelayMs)) refuse("initialDelayMs");
  if (!from(0, maxDelayMs)) refuse("maxDelayMs");
  if (!from(1, factor)) refuse("factor");
  if (!from(0, jitterRatio) || jitterRatio > 1) refuse("jitterRatio");
  if (!from(0, drainSpreadMs)) refuse("drainSpreadMs");
  if (source === "missing") refuse("no source");
  if (source === "once" && enabled) refuse("a source that yields once cannot reconnect");
  return whole;
}

function refuse(message: string): never {
  throw new FlowersecError({ path: "auto", stage: "validate", code: "invalid_option", message: `reconnect: ${message}` });
}

export function sameSettings(a: WholeSettings, b: WholeSettings): boolean {
  return names.every((name) => a[name] === b[name]);
}

/**
 * The wait after failed attempt `index` of a cycle, counted from 0, in whole milliseconds. `unit` is uniform in 0..1 and
 * decides the jitter.
 */
export function reconnectDelayMs(settings: WholeSettings, index: number, unit: number): number {
  const { initialDelayMs, maxDelayMs, factor, jitterRatio } = settings;
  // 0 times an overflow would be no number.
  const grown = initialDelayMs > 0 ? initialDelayMs * factor ** index : 0;
  return Math.round(Math.max(0, Math.min(maxDelayMs, grown) * (1 + (2 * unit - 1) * jitterRatio)));
}
