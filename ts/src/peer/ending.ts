// How a server's session ended, in the words of the program in C++.
import type { FlowersecError } from "../base/index.js";
import { RecordError, type RecordErrorCode } from "../record/index.js";
import { YamuxError, type YamuxErrorCode } from "../yamux/index.js";

const endsOfYamux: Partial<Record<YamuxErrorCode, string>> = {
  ping_timeout: "yamux/timeout", session_memory_exceeded: "yamux/resource_exhausted", reply_queue_overflow: "yamux/resource_exhausted",
};
const endsOfRecords: Partial<Record<RecordErrorCode, string>> = { exhausted: "secure/resource_exhausted" };
const endsOfTransport: Partial<Record<string, string>> = {
  "websocket: unexpected_text_frame": "secure/invalid_input", "websocket: send_buffer_timeout": "yamux/timeout",
};
const leaving = new Set<YamuxErrorCode>(["closed", "transport_closed", "go_away"]);

/** What was wrong with it; undefined for a session that was closed here or that the peer left: so it is supposed to end. */
export function whatWasWrong(ended: FlowersecError | undefined): string | undefined {
  for (let cause: unknown = ended?.cause; cause instanceof Error; cause = cause.cause) {
    const said = (code: string) => `${ended?.path}: ${code}: ${(cause as Error).message}`;
    if (cause instanceof YamuxError && !leaving.has(cause.code)) return said(endsOfYamux[cause.code] ?? "yamux/mux_failed");
    const ofTransport = endsOfTransport[cause.message];
    if (ofTransport !== undefined) return said(ofTransport);
    if (cause instanceof RecordError) return cause.code === "closed" ? undefined : said(endsOfRecords[cause.code] ?? "secure/invalid_input");
  }
  return undefined;
}
