// A stand-in for OwnWire's internal port and one for a language model: a test sees all that a client does there.
import { createServer } from "node:http";
import { once } from "node:events";
import { createRequire } from "node:module";
import { root } from "../browser/demo.mjs";

const { WebSocketServer } = createRequire(`${root}ts/package.json`)("ws");

/** What comes, in order, for whoever asks next. */
export function mailbox() {
  const waiting = [];
  const kept = [];
  return {
    put: (value) => (waiting.length > 0 ? waiting.shift()(value) : kept.push(value)),
    next: () => (kept.length > 0 ? Promise.resolve(kept.shift()) : new Promise((resolve) => waiting.push(resolve))),
    /** How much nobody has asked for. */
    get size() {
      return kept.length;
    },
  };
}

/** The internal port. `connection()` is the next client: what it sends, how it closes, and what it showed. */
export async function internalPort(port = 0) {
  const server = new WebSocketServer({ host: "127.0.0.1", port, path: "/ws" });
  const connections = mailbox();
  server.on("connection", (socket, request) => {
    const frames = mailbox();
    socket.on("message", (data, isBinary) => frames.put({ isBinary, ...JSON.parse(data) }));
    const closed = once(socket, "close").then(([code, reason]) => ({ code, reason: `${reason}` }));
    connections.put({
      headers: request.headers, closed, frames,
      send: (frame) => socket.send(typeof frame === "string" ? frame : JSON.stringify(frame)),
      reply: () => frames.next(),
      close: (code, reason) => socket.close(code, reason),
      cut: () => socket.terminate(),
      ping: () => new Promise((resolve) => socket.once("pong", resolve).ping()),
    });
  });
  await once(server, "listening");
  const { port: bound } = server.address();
  return {
    port: bound,
    url: `ws://127.0.0.1:${bound}/ws`,
    connection: connections.next,
    /** Nobody can connect from now on, and those who have are cut off. */
    async stop() {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A service with chat completions. `question()` is the next request; `answer(...)` or `refuse(status)` ends it. */
export async function languageModel() {
  const questions = mailbox();
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const end = (status, value) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
    questions.put({
      method: request.method, path: request.url, headers: request.headers, ...JSON.parse(body),
      answer: (content) => end(200, { choices: [{ index: 0, message: { role: "assistant", content } }] }),
      refuse: (status) => end(status, { error: { message: "no" } }),
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    question: questions.next,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
