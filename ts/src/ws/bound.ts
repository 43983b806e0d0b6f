// A limit on messages that is smaller than the socket's own, for as long as nobody knows who is there.
// Layer ws. WebSockets of the `ws` package hold a whole message before they hand it out, up to the `maxPayload` of their
// server, and offer no other limit: this reaches into their receiver, by name and not by import. A socket without one is
// left as it is, and only the length of what it hands out can be looked at.

import { e2eeDefaults } from "../base/index.js";
import type { WebSocketLike } from "./socket.js";

/** Bytes beyond the largest record or handshake message; a handshake message has a header of 10. */
const slack = 64;
const handshakeHeader = 10;
const tooBigCode = 1009;

/** The largest message of a connection with these limits; a limit that makes no sense counts as the default. */
export function maxPayloadFor(maxRecordBytes?: number, maxHandshakePayload?: number): number {
  const or = (value: number | undefined, otherwise: number) => (Number.isSafeInteger(value) && Number(value) > 0 ? Number(value) : otherwise);
  return Math.max(or(maxRecordBytes, e2eeDefaults.maxRecordBytes), or(maxHandshakePayload, e2eeDefaults.maxHandshakePayload) + handshakeHeader) + slack;
}

interface Limited {
  _maxPayload: number;
}

/** Of `ws` since version 7. */
interface Receiver extends Limited {
  readonly _extensions?: { readonly "permessage-deflate"?: Limited };
  prependListener(event: "error", listener: (error: unknown) => void): unknown;
  off(event: "error", listener: (error: unknown) => void): unknown;
}

const overLimit = "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";

/** Whether an error of a socket, or the event that brings it, says that a message was too long. */
export function isOverLimit(told: unknown): boolean {
  const { code, error } = Object(told) as { code?: unknown; error?: { code?: unknown } };
  return code === overLimit || error?.code === overLimit;
}

function receiverOf(socket: WebSocketLike): Receiver | undefined {
  const { _receiver: found } = Object(socket.adapted ?? socket) as { _receiver?: Partial<Receiver> };
  return typeof found?._maxPayload === "number" && typeof found.prependListener === "function" ? (found as Receiver) : undefined;
}

/**
 * From the next message on none has more than `maxBytes`, all its fragments together, also when it was compressed. One that has is refused when its
 * header announces it: the socket is closed with `code` and `reason`, and its error is one that isOverLimit() knows. Returns what ends the bound.
 */
export function boundMessages(socket: WebSocketLike, maxBytes: number, code: number, reason: string): () => void {
  const receiver = receiverOf(socket);
  if (receiver === undefined) return () => {};
  // Ahead of the socket's own listener, which would say 1009.
  const refuse = (error: unknown) => isOverLimit(error) && socket.close(code, reason);
  receiver.prependListener("error", refuse);
  const inflating = receiver._extensions?.["permessage-deflate"];
  const undo = [receiver, ...(inflating ? [inflating] : [])].map((limited) => {
    const { _maxPayload: before } = limited;
    limited._maxPayload = before > 0 ? Math.min(before, maxBytes) : maxBytes; // 0: no limit
    return () => (limited._maxPayload = before);
  });
  return () => {
    receiver.off("error", refuse);
    for (const each of undo) each();
  };
}

const ignored = (): void => {};

/**
 * For a socket that a server accepted, for good: no message is longer than one of a session may be, whatever its server allows. And until it is closed
 * its peer can make it fail, also after whoever served it has stopped listening; an emitter that has no listener for errors ends the process.
 */
export function guard(socket: WebSocketLike, { maxRecordBytes, maxHandshakePayload }: { maxRecordBytes?: number | undefined; maxHandshakePayload?: number | undefined }): void {
  boundMessages(socket, maxPayloadFor(maxRecordBytes, maxHandshakePayload), tooBigCode, "");
  if (typeof (socket as { on?: unknown }).on === "function") socket.addEventListener("error", ignored);
}
