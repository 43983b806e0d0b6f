// One connection to OwnWire's internal WebSocket that carries the texts of all sessions, and comes back when it was lost.
import { readFileSync } from "node:fs";

// What npm has put here, or else Debian's node-ws, which stands where imports do not look.
const { default: WebSocket } = await import("ws").catch(() => import("/usr/share/nodejs/ws/wrapper.mjs")).catch(() => {
  console.error("the library ws is missing: npm install, or Debian's package node-ws");
  process.exit(1);
});

const firstDelayMs = 250;
const longestDelayMs = 10_000;
const mostKeptReplies = 1000;

export const log = (...words) => console.error(new Date().toISOString(), ...words);

/** The first line of a file that holds a secret. Ends with 1 when there is none. */
export function readSecret(path) {
  try {
    const secret = readFileSync(path, "utf8").trim();
    if (secret) return secret;
    log(`${path} is empty`);
  } catch (error) {
    log(error.message);
  }
  process.exit(1);
}

/**
 * Calls `answer(message, reply)` with each text of a user: message = {content, session_id, metadata?}. `reply(text)`
 * sends to that session and may be called as often as wanted, also later. What `answer` throws is logged. Runs until the
 * process is told to end.
 */
export function serve({ url, token, answer }) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const kept = []; // replies made while there is no connection
  let socket;
  let delayMs = firstDelayMs;
  let stopping = false;

  const send = (frame) => {
    if (socket.readyState === WebSocket.OPEN) return socket.send(frame);
    if (kept.push(frame) > mostKeptReplies) {
      kept.shift();
      log("too many replies wait for a connection: the oldest is lost");
    }
  };

  async function onText(data) {
    try {
      const message = JSON.parse(data);
      if (!message.content) return log(`session ${message.session_id}: empty content, ignored`);
      // The same session and metadata, another content: that is a reply.
      await answer(message, (content) => send(JSON.stringify({ ...message, content })));
    } catch (error) {
      log(`a message could not be answered: ${error.message}`);
    }
  }

  function connect() {
    socket = new WebSocket(url, { headers });
    socket.on("open", () => {
      log(`connected to ${url}`);
      delayMs = firstDelayMs;
      for (const frame of kept.splice(0)) socket.send(frame);
    });
    socket.on("message", onText); // pings are answered by the library
    socket.on("error", (error) => log(`error: ${error.message}`)); // a close follows
    socket.on("close", (code, reason) => {
      log(`closed: code ${code}, reason "${reason}"`);
      if (stopping) process.exit(0);
      setTimeout(connect, delayMs * (0.5 + Math.random() / 2));
      delayMs = Math.min(delayMs * 2, longestDelayMs);
    });
  }

  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      if (stopping || socket.readyState !== WebSocket.OPEN) process.exit(0);
      stopping = true;
      socket.close(1000, "client ends");
      setTimeout(() => process.exit(0), 2000).unref();
    });
  }
  connect();
}
