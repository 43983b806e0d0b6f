// What a proxy makes of a request.
import { createServer } from "node:http";
import { once } from "node:events";
import { connect } from "node:tls";
import { host } from "./world.mjs";

/** Sends a request with these lines through the proxy; gives what it made of it, as the gateway would get it. */
export async function passedOn(...lines) {
  const upstream = createServer().listen(8080, "127.0.0.1");
  await once(upstream, "listening");
  const seen = new Promise((resolve) => {
    upstream.on("request", (request, response) => {
      resolve(request);
      response.end();
    });
    upstream.on("upgrade", (request, socket) => {
      resolve(request);
      socket.destroy();
    });
  });
  const socket = connect({ host, port: 443, servername: host });
  socket.on("error", () => {}).write([...lines, "", ""].join("\r\n"));
  const { url, headers, httpVersion } = await seen;
  socket.destroy();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
  return { url, headers, httpVersion };
}
