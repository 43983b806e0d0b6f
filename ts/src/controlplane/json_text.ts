// JSON texts of the control plane, where JSON.parse alone would let through what the protocol refuses.
// Layer controlplane. Source: PROTOCOL, "JSON rules".

import { fromUtf8 } from "../base/index.js";
import { decodeCredentialWrapper } from "../gen/flowersec/controlplane/v1.gen.js";

export type Members = Record<string, unknown>;

export function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The object that a text is. Throws BadMessageError for one of more than 1 MiB, invalid UTF-8, half a surrogate pair, what is
 * no JSON or no object, and nesting beyond reason. Keys and values are the reader's to judge.
 */
export function readObject(text: string | Uint8Array): Members {
  // A message of which every member may be absent and of any kind, and strangers stay: nothing but the rules of JSON.
  return decodeCredentialWrapper(text) as Members;
}

const stringOrNumber = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
const notPlain = /^[^"]*[.eE]/;

/**
 * The same object with one half in place of every number that is not written in plain digits: 1.0 is no integer, and
 * JSON.parse does not tell it from 1. `text` is one that readObject has taken.
 */
export function readIntegers(text: string | Uint8Array, object: Members): Members {
  const whole = typeof text === "string" ? text : fromUtf8(text);
  let isPlain = true;
  const marked = whole.replace(stringOrNumber, (token) => {
    if (!notPlain.test(token)) return token;
    isPlain = false;
    return "0.5";
  });
  return isPlain ? object : (JSON.parse(marked) as Members);
}

/** The first stranger by code points, which is how errors name one of several; undefined: there is none. */
export function strangerAmong(object: Members, known: readonly string[]): string | undefined {
  const order = (key: string) => Array.from(key, (point) => point.codePointAt(0)?.toString(16).padStart(6, "0")).join("");
  return Object.keys(object).filter((key) => !known.includes(key)).sort((a, b) => (order(a) < order(b) ? -1 : 1))[0];
}
