// The cases of cases.json, one by one. A group says whom its cases are played to and in which state of the connection; README.md has both.
//
// A case has its name, `do`: steps, each an object whose first key is its name (steps.mjs has them all), and `expect`:
//
//   http      status of the answer to a request
//   ends      code and reason of the close frame, to the letter, "no code", or "tcp" when there is none; an object has one for each language
//   alive     the connection still does its work: an echo, or a message through the tunnel
//   says      what the program says of it: path and code of its error, of a session with the rule behind it (ends.mjs), "ok" of a client that got what it wanted, all that happened to a chat
//   peer      of the tunnel: what the honest end got, and how its connection ended
//   gives_up  we read no more, and what the server says is all
//   back      how a chat client came back: it "resumes" with the token of the last welcome, or comes "anew"; when a registry client did: "at once", or "later"
//   oracle    which one says all that (oracle.mjs)
//
// `only` is the one language that has it, `long` leaves it to FLOWERSEC_ADVERSARY=long. `says` may name one of `words`.
// `each` makes one case for every value of a list or range, which takes the place of "$" in the steps. chat.mjs says what else the case of a chat client may have, registries.mjs of a registry client.
import { readFileSync } from "node:fs";

/** A copy of `value` in which every "$" is `it`, and every "$" inside a longer text its text. */
export function filled(value, it) {
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

/** `isLong`: those that are marked `long` as well. */
export function* eachCase(isLong) {
  const { words, groups } = JSON.parse(readFileSync(new URL("cases.json", import.meta.url), "utf8"));
  const spelled = (expect) => (expect.says?.startsWith?.("@") ? { ...expect, says: words[expect.says.slice(1)] ?? `no word ${expect.says}` } : expect);
  for (const { group, to, in: state, suite = "x25519", cases, long: longGroup = false } of groups) {
    for (const { each, name, expect: written, long = longGroup, ...one } of cases) {
      const expect = spelled(written);
      if (long && !isLong) continue;
      const common = { group, to, in: state, suite, ...one };
      const make = (it, title) => ({ ...(each ? filled(common, it) : common), name: title, expect: each ? filled(expect, it) : expect });
      if (each === undefined) yield make(undefined, name);
      else for (const it of valuesOf(each)) yield make(it, `${name} ${short(it)}`);
    }
  }
}
