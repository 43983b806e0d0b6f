// What a peer of another maker does on one connection, and what comes of it on both ends.
//
// `does` is a list of steps: { back } a message that must come back as it was sent; { ping } of so many bytes; { close } with
// code and reason; { ask } this project's side to close; { cut } the connection without a close frame; { pings } wait until so
// many pings of this project's side came. `seen` is what the peer sees of it, step by step; `own` is the last line of ws-peer.
// A peer that closes is answered with its code, and no reason.
// `needs`: what Chromium's API cannot do, or only a server can see.

const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 1_048_576];
const reason123 = "r".repeat(123);
const closed = "closed 1000 done";
const done = { close: [1000, "done"] };

const whole = sizes.map((size) => ({ name: `${size} bytes`, does: [{ back: { size } }, done], seen: "back, closed 1000", own: closed }));
const texts = [0, 1, 30, 6554].map((repeats) => ({ name: `a text of ${10 * repeats} bytes, of every plane`, does: [{ back: { repeats } }, done], seen: "back, closed 1000", own: closed }));
const fragments = [
  ["300 bytes, each in a frame of its own", { size: 300, by: 1 }],
  ["300 bytes, each in a frame of its own, and empty frames between", { size: 300, by: 1, empties: true }],
  ["a text whose characters are torn apart", { repeats: 30, by: 1 }],
  ["65536 bytes in frames of 125", { size: 65_536, by: 125 }],
  ["1 MiB in frames of 65535", { size: 1_048_576, by: 65_535 }],
  ["fragments with a ping behind each", { size: 40, by: 10, ping: true }],
].map(([name, back]) => ({ name, needs: "frames", does: [{ back }, done], seen: "back, closed 1000", own: closed }));
const pings = [0, 1, 125].map((ping) => ({ name: `a ping of ${ping} bytes`, needs: "frames", does: [{ ping }, { back: { size: 10 } }, done], seen: "pong, back, closed 1000", own: closed }));

const codes = [
  [1000, ""], [1000, "bye"], [1000, "grüße 😀"], [3000, ""], [4999, reason123], [4000, "é".repeat(61)],
].map(([code, reason]) => ({ code, reason }));
const protocolCodes = [[1001, "going"], [1003, "no text"], [1008, "policy"], [1011, "internal"]].map(([code, reason]) => ({ code, reason, needs: "codes" }));
const closes = [...codes, ...protocolCodes].map(({ code, reason, needs }) => ({
  name: `the peer closes with ${code} and ${Buffer.byteLength(reason)} bytes of reason`, needs,
  does: [{ close: [code, reason] }], seen: `closed ${code}`, own: `closed ${code} ${reason}`.trim(),
}));
const empty = { name: "the peer closes without a code", needs: "codes", does: [{ close: [] }], seen: "closed -", own: "closed -" };
const asked = [...codes, { code: 1001, reason: "away" }, { code: 1008, reason: "token_replay" }, { code: 1009, reason: "" }, { code: 1011, reason: "x" }, { code: 1013, reason: "later" }].map(({ code, reason }) => ({
  name: `this side closes with ${code} and ${Buffer.byteLength(reason)} bytes of reason`,
  does: [{ back: { size: 10 } }, { ask: [code, reason] }], seen: `back, closed ${code} ${reason}`.trim(), own: "closed here",
}));

export const cases = [
  ...whole, ...texts, ...fragments, ...pings, ...closes, empty, ...asked,
  { name: "one byte more than the limit", does: [{ back: { size: 1_048_577 } }], seen: "closed 1009", own: "failed message is too big" },
  { name: "the limit in frames, and one byte more", needs: "frames", does: [{ back: { size: 1_048_577, by: 262_144 } }], seen: "closed 1009", own: "failed message is too big" },
  { name: "the connection is cut", needs: "frames", does: [{ back: { size: 10 } }, { cut: true }], seen: "back, cut", own: "failed connection ended without a close frame" },
  { name: "pings of this side are answered", needs: "pings", does: [{ pings: 3 }, { back: { size: 10 } }, done], seen: "pinged, back, closed 1000", own: closed },
];
