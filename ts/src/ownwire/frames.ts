// The frames of a chat: what a user's side and the gateway say to each other on the stream ownwire/chat.
// Layer ownwire. Texts only, no I/O and no state; unknown types and keys are ignored. Source: PROTOCOL, "OwnWire, chat stream".
// testdata/ownwire/chat_frames.json is its table of cases, which C++ shares.

import { utf8 } from "../base/index.js";
import { chatVersion, maxResumeTokenBytes } from "./limits.js";

/** From the user's side. */
export type UserFrame =
  | { readonly type: "hello"; readonly metadata?: string | undefined; readonly resume?: string | undefined; readonly auth?: string | undefined }
  | { readonly type: "message"; readonly id: number; readonly content: string }
  | { readonly type: "received"; readonly seq: number }
  | { readonly type: "typing"; readonly on: boolean }
  | { readonly type: "bye" };

const chatErrors = [
  "invalid_frame", "content_too_large", "metadata_too_large", "rate_limited", "backend_unavailable", "session_unknown", "session_taken", "shutting_down",
] as const;
/** What an error frame says; `other` is a code of another version. */
export type ChatErrorCode = (typeof chatErrors)[number] | "other";

/** From the gateway. */
export type GatewayFrame =
  | {
      readonly type: "welcome";
      readonly sessionId: string;
      /** The one before it dies with the next frame from us. */
      readonly resumeToken: string;
      readonly resumed: boolean;
      /** Highest id taken so far; 0 in a new session. */
      readonly lastId: number;
      readonly maxContentBytes: number;
    }
  | { readonly type: "ack"; readonly id: number }
  /** `seq` rises from 1; a gap stands for replies that could not be kept. */
  | { readonly type: "message"; readonly seq: number; readonly content: string; readonly metadata?: string }
  | { readonly type: "typing"; readonly on: boolean }
  | { readonly type: "error"; readonly code: ChatErrorCode; readonly id?: number; readonly fatal: boolean }
  /** To be ignored. */
  | { readonly type: "unknown" };

/** Its JSON text, not held against any limit. */
export function encodeUserFrame(frame: UserFrame): string {
  if (frame.type !== "hello") return JSON.stringify(frame);
  const { type, metadata, resume, auth } = frame;
  return JSON.stringify({ type, v: chatVersion, metadata, resume, auth });
}

const isCount = (value: unknown, least: number): value is number => Number.isSafeInteger(value) && (value as number) >= least;
const isText = (value: unknown): value is string => typeof value === "string";

/** undefined when the gateway does not keep to the format. */
export function decodeGatewayFrame(text: string): GatewayFrame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { type, v, session_id, resume_token, resumed, last_id, limits, id, seq, content, metadata, on, code, fatal } = value as Record<string, unknown>;
  switch (type) {
    case "welcome": {
      const isObject = typeof limits === "object" && limits !== null && !Array.isArray(limits);
      const maxContentBytes = isObject ? (limits as Record<string, unknown>)["max_content_bytes"] : undefined;
      const isGood = v === chatVersion && isText(session_id) && isText(resume_token) && utf8(resume_token).length <= maxResumeTokenBytes && typeof resumed === "boolean" && isCount(last_id, 0) && isCount(maxContentBytes, 1);
      return isGood ? { type, sessionId: session_id, resumeToken: resume_token, resumed, lastId: last_id, maxContentBytes } : undefined;
    }
    case "ack":
      return isCount(id, 1) ? { type, id } : undefined;
    case "message":
      if (!isCount(seq, 1) || !isText(content) || !isText(metadata ?? "")) return undefined;
      return { type, seq, content, ...(isText(metadata) && { metadata }) };
    case "typing":
      return typeof on === "boolean" ? { type, on } : undefined;
    case "error": {
      if (!isText(code) || typeof fatal !== "boolean" || !isCount(id ?? 1, 1)) return undefined;
      return { type, code: chatErrors.find((each) => each === code) ?? "other", ...(isCount(id, 1) && { id }), fatal };
    }
    default:
      return isText(type) ? { type: "unknown" } : undefined;
  }
}
