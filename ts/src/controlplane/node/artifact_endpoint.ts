// The artifact endpoints for node:http.
// Layer controlplane, Node only. Source: CONTROLPLANE, "Artifact endpoints".

import type { IncomingMessage, ServerResponse } from "node:http";
import { concat } from "../../base/index.js";
import { answerArtifactRequest, type ArtifactEndpointOptions } from "../artifact_endpoint.js";
import { bodyTooLarge } from "../codec.js";

/** How long a caller that was answered before it had sent all may go on, so that it gets to read the answer. */
const lingerMs = 2000;

/**
 * A listener for `http.createServer`, or a handler of whatever routes requests on top of it, before anything that reads
 * bodies. Mount one for each path. Never throws.
 */
export function createNodeArtifactEndpoint(
  options: ArtifactEndpointOptions<IncomingMessage>,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => void serve(options, request, response);
}

async function serve(options: ArtifactEndpointOptions<IncomingMessage>, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => {
    if (!response.writableFinished) gone.abort(new Error("the caller has gone"));
  });
  let stopReading = () => {};
  const { status, headers, body } = await answerArtifactRequest(options, {
    native: request,
    method: request.method ?? "",
    header: (name) => [request.headers[name] ?? ""].flat().join(", "),
    remoteAddress: request.socket.remoteAddress ?? "",
    signal: gone.signal,
    readBody: (limit) => {
      const { body: reading, stop } = readBody(request, limit);
      stopReading = stop;
      return reading;
    },
    stopReading: () => stopReading(),
  });
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(body) });
  response.end(body);
  if (!request.complete) dropRest(request);
}

/** A body of at most `limit` bytes; whoever stops does not wait for it any more. */
function readBody(request: IncomingMessage, limit: number): { body: Promise<Uint8Array>; stop: () => void } {
  let stop = () => {};
  const body = new Promise<Uint8Array>((resolve, reject) => {
    const parts: Uint8Array[] = [];
    let length = 0;
    const onData = (part: Uint8Array) => {
      length += part.length;
      if (length <= limit) return void parts.push(part);
      stop();
      reject(bodyTooLarge(limit));
    };
    const onEnd = () => resolve(concat(...parts));
    const onClose = () => reject(new Error("the body was cut off"));
    if (request.readableEnded) reject(new Error("something has read the body before"));
    request.on("data", onData).on("end", onEnd).on("error", reject).on("close", onClose);
    stop = () => {
      request.pause().off("data", onData).off("end", onEnd).off("close", onClose);
    };
  });
  return { body, stop };
}

/** What is still to come goes nowhere, and not for ever. Cutting at once could take the answer from who is still sending. */
function dropRest(request: IncomingMessage): void {
  const timer = setTimeout(() => request.socket.destroy(), lingerMs);
  timer.unref();
  request.on("error", () => {}).on("close", () => clearTimeout(timer)).on("end", () => clearTimeout(timer));
  request.resume();
}
