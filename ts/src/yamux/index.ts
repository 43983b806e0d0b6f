// What the layers above use of yamux; the door `./yamux` opens to less.
export * from "./byte_reader.js";
export type { YamuxCounters, YamuxDiagnostic } from "./stream_table.js";
export * from "./errors.js";
export {
  decodeHeader, encodeHeader, FLAG_ACK, FLAG_FIN, FLAG_RST, FLAG_SYN, HEADER_LEN, TYPE_DATA, TYPE_GO_AWAY, TYPE_PING, TYPE_WINDOW_UPDATE,
  YAMUX_VERSION, type YamuxHeader,
} from "./frame.js";
export {
  checkYamuxLimits, type CheckedYamuxLimits, DEFAULT_MAX_STREAM_WINDOW, DEFAULT_YAMUX_LIMITS, type YamuxLimits,
} from "./limits.js";
export { type YamuxChannel, YamuxSession, type YamuxSessionOptions } from "./session.js";
export { type AbortOptions, type ReadOptions, YamuxStream } from "./stream.js";
export type { WideWindows } from "./wide_windows.js";
