// The cases of cases.json, one by one. A group says whom its cases are played to and in which state of the connection:
//
//   to "server", "client"   upgraded, init (a client's INIT was answered, or a client's INIT came), acked, session, stream (an echo stream is open)
//   to "tunnel"             upgraded, attached
//
// A case has its name, `do`: steps, each an object with one key (play.mjs has them all), and `expect`:
//
//   http      status of the answer to a request
//   ends      code and reason of the close frame, "no code", or "tcp" when there is none; an object has one for each language
//   alive     the connection still does its work: an echo, or a message through the tunnel
//   says      what the program says of it: path and code of its error, "ok" of a client that got what it wanted
//
// `each` makes one case for every value of a list or range, which takes the place of "$" in the steps.
import { readFileSync } from "node:fs";

/** A copy of `value` in which every "$" is `it`, and every "$" inside a longer text its text. */
function filled(value, it) {
  if (value === "$") return it;
  if (typeof value === "string") return value.replaceAll("$", it);
  if (Array.isArray(value)) return value.map((each) => filled(each, it));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name.replace("$", it), filled(each, it)]));
}

const short = (value) => (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 60);

/** Values of `each`: a list, or {"from": a, "to": b, "step": c}. */
function valuesOf(each) {
  if (Array.isArray(each)) return each;
  const { from, to, step = 1 } = each;
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);
}

export function* eachCase() {
  const { groups } = JSON.parse(readFileSync(new URL("cases.json", import.meta.url), "utf8"));
  for (const { group, to, in: state, suite = "x25519", cases } of groups) {
    for (const { each, name, expect, ...one } of cases) {
      const common = { group, to, in: state, suite, ...one };
      // What a case expects is also what it asks for.
      const make = (it, title) => ({ ...(each ? filled(common, it) : common), name: title, expect, alive: expect.alive, says: expect.says, http: expect.http });
      if (each === undefined) yield make(undefined, name);
      else for (const it of valuesOf(each)) yield make(it, `${name} ${short(it)}`);
    }
  }
}
