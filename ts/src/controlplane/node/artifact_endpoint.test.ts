// The artifact endpoints behind node:http, asked over real sockets.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { after, test } from "node:test";
import { CaseWorld, endpointCases, sampleArtifact } from "../../testing/artifact_endpoint_cases.js";
import { ManualClock } from "../../testing/manual_clock.js";
import type { ArtifactEndpointOptions } from "../artifact_endpoint.js";
import { ControlplaneRequestError, requestConnectArtifact, requestEntryConnectArtifact } from "../artifact_request.js";
import { ControlplaneCodecError } from "../codec.js";
import { createNodeArtifactEndpoint } from "./artifact_endpoint.js";

let handler: RequestListener = () => {};
const server = createServer({ requireHostHeader: false }, (request, response) => handler(request, response));
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
after(() => server.close());

function opened(): Socket {
  return connect(port, "127.0.0.1").on("error", () => {});
}

/** Everything that comes until the end. */
async function received(socket: Socket): Promise<{ status: number; header(name: string): string | undefined; body: string }> {
  let text = "";
  socket.setEncoding("utf8").on("data", (part: string) => (text += part));
  await once(socket, "close");
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]));
  return { status: Number(first.split(" ")[1]), header: (name) => headers.get(name), body: rest.join("\r\n\r\n") };
}

for (const row of endpointCases()) {
  if (row.method === "post") continue; // which Node's parser refuses
  test(`endpoint, by node:http: ${row.name}`, async () => {
    const world = new CaseWorld(row);
    handler = createNodeArtifactEndpoint(world.options());
    const body = Buffer.from(row.body);
    const lines = [`${row.method} / HTTP/1.1`, "Connection: close", `Content-Length: ${body.length}`, ...row.headers.map((each) => each.join(": "))];
    const socket = opened();
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    socket.write(body);
    const answer = await received(socket);
    if (row.method === "HEAD") return assert.equal(answer.status, row.status);
    world.check(answer);
    if (world.asked !== undefined) assert.equal(world.asked.metadata.remoteAddress, "127.0.0.1");
  });
}

const head = (length: number | string) => `POST / HTTP/1.1\r\nContent-Type: application/json\r\n${length === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`}\r\n\r\n`;

test("a body that is too long is refused when it is announced, or where it passes the limit", async () => {
  handler = createNodeArtifactEndpoint({ issue: () => sampleArtifact, maxBodyBytes: 20 });
  const announced = opened();
  announced.write(head(1e9));
  assert.equal((await received(announced)).status, 413);
  const counted = opened();
  counted.write(`${head("chunked")}15\r\n${" ".repeat(21)}\r\n`);
  const { status, body } = await received(counted);
  assert.deepEqual([status, JSON.parse(body)], [413, { error: { code: "body_too_large", message: "request body exceeds 20 bytes" } }]);
});

test("a body that does not come is answered in time, and its connection ends", async () => {
  const clock = new ManualClock();
  const asked = new Promise<void>((resolve) => {
    const endpoint = createNodeArtifactEndpoint({ issue: () => sampleArtifact, clock });
    handler = (request, response) => {
      endpoint(request, response);
      resolve();
    };
  });
  const socket = opened();
  socket.write(`${head(20)}{"endpoint`);
  await asked;
  clock.advance(10_000);
  assert.equal((await received(socket)).status, 400);
});

test("a caller that goes away is told to the hooks, and ends nothing", async () => {
  let tell: (signal: AbortSignal) => void = () => {};
  const asked = new Promise<AbortSignal>((resolve) => (tell = resolve));
  handler = createNodeArtifactEndpoint({ issue: ({ signal }) => new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("gone")));
    tell(signal);
  }) });
  const socket = opened();
  socket.write(`${head(20)}{"endpoint_id":"e1"}`);
  const signal = await asked;
  const fired = once(signal, "abort");
  socket.destroy();
  await fired;
  const cutOff = opened();
  const answered = new Promise<void>((resolve) => {
    const endpoint = createNodeArtifactEndpoint({ issue: () => sampleArtifact });
    handler = (request, response) => {
      endpoint(request, response);
      response.on("close", () => resolve());
    };
  });
  cutOff.write(`${head(20)}{"endp`);
  cutOff.end();
  cutOff.destroySoon();
  await answered;
});

test("a redirect is not followed: it is a typed error", async () => {
  const targets: (string | undefined)[] = [];
  handler = ({ url }, response) => {
    targets.push(url);
    response.writeHead(307, { location: "/elsewhere" }).end();
  };
  const asked = requestConnectArtifact({ baseUrl: `http://127.0.0.1:${port}`, allowLoopbackHTTP: true, endpointId: "e1" });
  await assert.rejects(asked, { name: "ControlplaneRequestError", status: 0, code: "", message: "controlplane request failed: fetch failed" });
  assert.deepEqual(targets, ["/v1/connect/artifact"]);
});

test("a client of this package gets what the hooks give, and their words when they refuse", async () => {
  const options: ArtifactEndpointOptions<IncomingMessage> = {
    validate: ({ ticket, isEntry }) => {
      if (isEntry && ticket !== "t1") throw new ControlplaneCodecError(403, "denied", "no such ticket");
    },
    issue: ({ endpointId, correlation }) => ({
      ...sampleArtifact, correlation: { v: 1, ...(correlation?.traceId && { trace_id: correlation.traceId }), tags: [{ key: "endpoint", value: endpointId }] },
    }),
  };
  const routes = new Map([
    ["/v1/connect/artifact", createNodeArtifactEndpoint(options)],
    ["/v1/connect/artifact/entry", createNodeArtifactEndpoint({ ...options, isEntry: true })],
  ]);
  handler = (request, response) => {
    const route = routes.get(request.url ?? "");
    if (route !== undefined) return route(request, response);
    response.writeHead(404).end();
  };
  const base = { baseUrl: `http://127.0.0.1:${port}`, allowLoopbackHTTP: true, endpointId: "e1" };
  const artifact = await requestConnectArtifact({ ...base, correlation: { traceId: "trace-0001" } });
  assert.deepEqual(artifact, { ...sampleArtifact, correlation: { v: 1, trace_id: "trace-0001", tags: [{ key: "endpoint", value: "e1" }] } });
  assert.equal((await requestEntryConnectArtifact({ ...base, entryTicket: "t1" })).v, 1);
  await assert.rejects(requestEntryConnectArtifact({ ...base, entryTicket: "t2" }), (error) => {
    assert.ok(error instanceof ControlplaneRequestError);
    assert.deepEqual([error.status, error.code, error.message], [403, "denied", "no such ticket"]);
    return true;
  });
});
