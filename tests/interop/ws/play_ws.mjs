// The steps of a case, played with the package `ws`.
import { once } from "node:events";

/** What a message carries: every value of a byte, or characters of one to four bytes. */
export function payloadOf({ size, repeats }) {
  if (repeats !== undefined) return Buffer.from("aé€😀".repeat(repeats));
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = i * 7 + (i >> 8);
  return bytes;
}

const patient = (work, what) => {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`${what}: nothing for 60 s`)), 60_000)));
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
};

function send(socket, { by, empties, ping, ...what }) {
  const payload = payloadOf(what);
  const binary = what.repeats === undefined;
  if (by === undefined) return socket.send(payload, { binary });
  for (let at = 0; at < payload.length; at += by) {
    socket.send(payload.subarray(at, at + by), { binary, fin: false });
    if (empties) socket.send(Buffer.alloc(0), { binary, fin: false });
    if (ping) socket.ping("between");
  }
  socket.send(Buffer.alloc(0), { binary, fin: true });
}

/** What `ws` sees of a case on an open socket. */
export async function play(socket, { does }) {
  const seen = [];
  const ended = once(socket, "close").then(([code, reason]) => `closed ${code === 1005 ? "-" : code} ${reason}`.trim());
  socket.on("error", () => {});
  let pinged = 0;
  socket.on("ping", () => pinged++);
  for (const step of does) {
    const what = Object.keys(step)[0];
    let outcome;
    if (step.back) {
      const answer = once(socket, "message").then(([data, isBinary]) => (isBinary === (step.back.repeats === undefined) && payloadOf(step.back).equals(data) ? "back" : "something else"));
      send(socket, step.back);
      outcome = await patient(Promise.race([answer, ended]), what);
    } else if (step.ping !== undefined) {
      const bytes = payloadOf({ size: step.ping });
      const answer = once(socket, "pong").then(([data]) => (bytes.equals(data) ? "pong" : "another pong"));
      socket.ping(bytes);
      outcome = await patient(Promise.race([answer, ended]), what);
    } else if (step.close) {
      socket.close(...step.close);
      outcome = await patient(ended, what);
    } else if (step.ask) {
      socket.send(`close ${step.ask.join(" ")}`);
      outcome = await patient(ended, what);
    } else if (step.pings) {
      const enough = (async () => {
        while (pinged < step.pings) await once(socket, "ping");
        return "pinged";
      })();
      outcome = await patient(Promise.race([enough, ended]), what);
    } else {
      socket.terminate();
      outcome = "cut";
    }
    seen.push(outcome);
    if (outcome.startsWith("closed")) break;
  }
  return seen.join(", ");
}
