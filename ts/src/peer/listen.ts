// A listening WebSocket server for direct clients.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, STATUS_CODES, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { BlockList, isIP, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { maxPayloadFor } from "../ws/bound.js";
import type { ServeCommand } from "./options.js";
import { originMatches } from "./origins.js";

export interface PeerListener {
  readonly url: string;
  close(): void;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8);
loopback.addAddress("::1", "ipv6");

function addressOf(direct: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(direct) ?? [];
  const host = bracketed ?? plain ?? "";
  if (isIP(host) === 0 || Number(port) > 65_535) throw new Error(`invalid --direct ${direct}: not address:port, such as 127.0.0.1:9000 or [::1]:9000`);
  return { host, port: Number(port) };
}

/** Listens, and hands over each socket that was upgraded. Errors: what makes no sense on the command line, what the system says. */
export async function listen(command: ServeCommand, wsUrl: string, onSocket: (socket: WebSocket) => void): Promise<PeerListener> {
  const { host, port } = addressOf(command.direct);
  const path = new URL(wsUrl).pathname;
  const isLoopback = loopback.check(host, isIP(host) === 6 ? "ipv6" : "ipv4");
  const given = command.allowedOrigins;
  if (given.length === 0 && !isLoopback) throw new Error("missing --allow-origin (only a loopback --direct can do without)");
  const origins = given.length === 0 ? ["localhost", "127.0.0.1", "::1"] : given;
  const isTls = command.cert !== "";
  const server = isTls ? createTlsServer({ cert: readFileSync(command.cert), key: readFileSync(command.key) }) : createServer();
  const upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: maxPayloadFor() });
  server.on("request", (_, response) => response.writeHead(404).end("404 page not found\n"));
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { origin } = request.headers;
    const accepted = origin === undefined ? given.length === 0 : origins.some((entry) => originMatches(entry, origin));
    const status = request.url?.split("?")[0] !== path ? 404 : accepted ? 101 : 403;
    if (status === 101) return upgrades.handleUpgrade(request, socket, head, onSocket);
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  server.listen(port, host);
  await once(server, "listening");
  const { port: chosen } = server.address() as AddressInfo;
  return {
    url: `${isTls ? "wss" : "ws"}://${isIP(host) === 6 ? `[${host}]` : host}:${chosen}${path}`,
    close: () => {
      server.close();
      server.closeIdleConnections();
    },
  };
}
