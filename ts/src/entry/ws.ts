// flowersec/ws: a WebSocket as a pipe of binary messages.
export { DEFAULT_WEB_SOCKET_LIMITS, type WebSocketLimits } from "../ws/limits.js";
export { WsCloseError, type WebSocketEvents, type WebSocketFactory, type WebSocketLike, type WebSocketListener } from "../ws/socket.js";
export type { ReadOptions } from "../ws/inbound.js";
export { WebSocketBinaryTransport, type WebSocketTransportOptions } from "../ws/binary_transport.js";
