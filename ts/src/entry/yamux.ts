// The door `flowersec/yamux`: streams over any ordered channel of bytes.
export {
  type AbortOptions, ByteReader, type CheckedYamuxLimits, decodeHeader, DEFAULT_MAX_STREAM_WINDOW, DEFAULT_YAMUX_LIMITS, encodeHeader, FLAG_ACK,
  FLAG_FIN, FLAG_RST, FLAG_SYN, HEADER_LEN, isStreamEOFError, isYamuxPingTimeoutError, isYamuxResourceExhaustedError,
  isYamuxStreamResetError, type ReadChunk, type ReadOptions, StreamEOFError, TYPE_DATA, TYPE_GO_AWAY, TYPE_PING,
  TYPE_WINDOW_UPDATE, YAMUX_VERSION, type YamuxChannel, type YamuxCounters, type YamuxDiagnostic, type YamuxError,
  type YamuxErrorCode, type YamuxHeader, type YamuxLimits, YamuxPingTimeoutError, type YamuxResource,
  YamuxResourceExhaustedError, YamuxSession, type YamuxSessionOptions, YamuxStream, YamuxStreamResetError,
} from "../yamux/index.js";
