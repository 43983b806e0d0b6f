// The messages to and from one contact: numbered, acknowledged, sent again on the next channel, delivered once and in order.
// Layer rendezvous. Told what happened and the time, it answers with intents. Outlives channels. Source: SECURE_WEBSOCKET, "Messages".
// testdata/rendezvous/messages.json is its table of cases.

import { decodeBase64url, utf8 } from "../base/index.js";
import { RendezvousError, type RendezvousErrorCode } from "./error.js";
import { objectIn } from "./frames.js";
import { ackTimeoutMs, conversationBytes, helloTimeoutMs, maxMessageFrameBytes, maxQueuedMessageBytes, maxQueuedMessages, rendezvousVersion } from "./limits.js";

/** What is said on a stream of messages. */
export type MessageFrame =
  | { readonly type: "hello"; readonly conversation: string }
  | { readonly type: "message"; readonly id: number; readonly content: unknown; readonly sentAtMs?: number | undefined }
  | { readonly type: "ack"; readonly id: number }
  | { readonly type: "bye" }
  | { readonly type: "unknown" };

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;

/** undefined when the peer does not keep to the format; `unknown` is to be ignored. */
export function decodeMessageFrame(text: string): MessageFrame | undefined {
  const members = objectIn(text, maxMessageFrameBytes);
  if (members === undefined) return undefined;
  const { type, v, conversation, id, sent_at_ms } = members;
  switch (type) {
    case "hello":
      if (v !== rendezvousVersion || typeof conversation !== "string" || decodeBase64url(conversation, conversationBytes) === undefined) return undefined;
      return { type, conversation };
    case "message": {
      const sentAtMs = sent_at_ms ?? undefined;
      if (!isCount(id) || !("content" in members)) return undefined;
      if (sentAtMs !== undefined && !Number.isSafeInteger(sentAtMs)) return undefined;
      return { type, id, content: members["content"], sentAtMs: sentAtMs as number | undefined };
    }
    case "ack":
      return isCount(id) ? { type, id } : undefined;
    case "bye":
      return { type };
    default:
      return typeof type === "string" ? { type: "unknown" } : undefined;
  }
}

/** What the conversation wants, in this order. */
export type ConversationIntent =
  /** With the id of a message: tell moved() of its way. */
  | { readonly want: "send"; readonly text: string; readonly id?: number }
  /** Hand it to the application, then handed() or refused(). */
  | { readonly want: "deliver"; readonly id: number; readonly content: unknown; readonly sentAtMs: number | undefined }
  /** Complete the send() of this id. */
  | { readonly want: "settle"; readonly id: number; readonly code: RendezvousErrorCode | undefined }
  /** Close the channel: the peer broke the rules, is silent, or has said bye; or the application did not take a message. */
  | { readonly want: "close"; readonly why: "invalid_frame" | "channel_lost" | "bye" | "not_taken" };

interface Queued {
  readonly id: number;
  readonly text: string;
  readonly bytes: number;
  /** When it was sent on this channel, or more of it left. */
  sentAtMs: number | undefined;
}

export class Conversation {
  private readonly queue: Queued[] = [];
  private intents: ConversationIntent[] = [];
  private queuedBytes = 0;
  private lastId = 0;
  /** Of the peer: what its ids count in, the last one that was handed over, and the last one that is being handed over. */
  private theirs: { readonly conversation: string; lastId: number; givenId: number } | undefined;
  /** The channel, if there is one. */
  private channel: { helloByMs: number | undefined } | undefined;

  /** `conversation`: base64url of 16 random bytes, ours. */
  constructor(private readonly conversation: string) {}

  /** Messages that are not acknowledged. */
  get pending(): number {
    return this.queue.length;
  }

  /** Whether both have said hello. */
  get isOpen(): boolean {
    return this.channel !== undefined && this.channel.helloByMs === undefined;
  }

  get deadline(): number | undefined {
    if (this.channel === undefined) return undefined;
    if (this.channel.helloByMs !== undefined) return this.channel.helloByMs;
    const [oldest] = this.queue;
    return oldest?.sentAtMs === undefined ? undefined : oldest.sentAtMs + ackTimeoutMs;
  }

  pollIntent(): ConversationIntent | undefined {
    return this.intents.shift();
  }

  /**
   * Takes a message: `content` is JSON text. Returns its id. Throws RendezvousError message_too_large for what fits no frame, queue_full beyond
   * 100 messages or 1 MiB.
   */
  send(content: string, sentAtMs: number, nowMs: number): number {
    const id = this.lastId + 1;
    const text = `{"type":"message","id":${id},"content":${content},"sent_at_ms":${sentAtMs}}`;
    if (utf8(text).length > maxMessageFrameBytes) throw new RendezvousError("message_too_large");
    const bytes = utf8(content).length;
    if (this.queue.length >= maxQueuedMessages || this.queuedBytes + bytes > maxQueuedMessageBytes) throw new RendezvousError("queue_full");
    this.lastId = id;
    this.queuedBytes += bytes;
    const queued: Queued = { id, text, bytes, sentAtMs: undefined };
    this.queue.push(queued);
    if (this.isOpen) this.say(queued, nowMs);
    return id;
  }

  /** A send() that nobody waits for any more. One that was sent already may have arrived. */
  drop(id: number): void {
    this.take((queued) => queued.id === id);
  }

  /** More of this message has left. Its acknowledgement has its time from now on, and so have those of what waits behind it. */
  moved(id: number, nowMs: number): void {
    for (const queued of this.queue) if (queued.id >= id && queued.sentAtMs !== undefined) queued.sentAtMs = nowMs;
  }

  /** A channel is there, its stream too. */
  up(nowMs: number): void {
    this.down();
    this.channel = { helloByMs: nowMs + helloTimeoutMs };
    this.intents.push({ want: "send", text: JSON.stringify({ type: "hello", v: rendezvousVersion, conversation: this.conversation }) });
  }

  /** The channel is gone. What was not acknowledged is sent again on the next one. */
  down(): void {
    this.channel = undefined;
    for (const queued of this.queue) queued.sentAtMs = undefined;
    if (this.theirs !== undefined) this.theirs.givenId = this.theirs.lastId;
  }

  /** What the peer said on the channel. */
  text(text: string, nowMs: number): void {
    if (this.channel === undefined) return;
    const frame = decodeMessageFrame(text);
    if (frame === undefined || (this.isOpen ? frame.type === "hello" : frame.type !== "hello")) return this.end("invalid_frame");
    switch (frame.type) {
      case "hello":
        return this.greeted(frame.conversation, nowMs);
      case "message":
        return this.received(frame);
      case "ack":
        // Acknowledgements come in the order of the messages; one of a former life of ours is of no number that we know.
        for (const { id } of this.take((queued) => queued.sentAtMs !== undefined && queued.id <= frame.id)) this.settle(id, undefined);
        return;
      case "bye":
        return this.end("bye");
    }
  }

  /** The application has it. */
  handed(id: number): void {
    if (this.theirs !== undefined) this.theirs.lastId = Math.max(this.theirs.lastId, id);
    this.acknowledge(id);
  }

  /** The application does not take what it was given: it comes again on the next channel. */
  refused(): void {
    if (this.channel !== undefined) this.end("not_taken");
  }

  private acknowledge(id: number): void {
    if (this.channel !== undefined) this.intents.push({ want: "send", text: JSON.stringify({ type: "ack", id }) });
  }

  /** Says bye, when there is a channel. */
  bye(): void {
    if (this.isOpen) this.intents.push({ want: "send", text: '{"type":"bye"}' });
    this.down();
  }

  /** Nobody will take them any more. */
  failAll(code: RendezvousErrorCode): void {
    for (const { id } of this.take(() => true)) this.settle(id, code);
  }

  advance(nowMs: number): void {
    const { deadline } = this;
    if (deadline !== undefined && nowMs >= deadline) this.end("channel_lost");
  }

  private greeted(conversation: string, nowMs: number): void {
    if (this.theirs?.conversation !== conversation) this.theirs = { conversation, lastId: 0, givenId: 0 };
    this.channel = { helloByMs: undefined };
    for (const queued of this.queue) this.say(queued, nowMs);
  }

  private received({ id, content, sentAtMs }: MessageFrame & { type: "message" }): void {
    const { theirs } = this;
    if (theirs === undefined) return;
    if (id <= theirs.lastId) return this.acknowledge(id);
    if (id <= theirs.givenId) return; // its acknowledgement, if there is one, follows
    theirs.givenId = id;
    this.intents.push({ want: "deliver", id, content, sentAtMs });
  }

  private say(queued: Queued, nowMs: number): void {
    queued.sentAtMs = nowMs;
    this.intents.push({ want: "send", text: queued.text, id: queued.id });
  }

  private take(which: (queued: Queued) => boolean): Queued[] {
    const taken = this.queue.filter(which);
    for (const queued of taken) {
      this.queue.splice(this.queue.indexOf(queued), 1);
      this.queuedBytes -= queued.bytes;
    }
    return taken;
  }

  private settle(id: number, code: RendezvousErrorCode | undefined): void {
    this.intents.push({ want: "settle", id, code });
  }

  private end(why: (ConversationIntent & { want: "close" })["why"]): void {
    this.down();
    // What was meant for the channel has nobody left to do it; what became of messages is still told.
    this.intents = this.intents.filter(({ want }) => want === "settle");
    this.intents.push({ want: "close", why });
  }
}
