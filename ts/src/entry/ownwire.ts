// flowersec/ownwire: a chat with whoever is behind an OwnWire gateway, from pages and from programs.
export type { CancelTimer, Clock } from "../base/clock.js";
export { OwnwireError, type OwnwireErrorCode } from "../ownwire/error.js";
export type { DeliveryStatus, OwnwireState } from "../ownwire/machine.js";
export { Ownwire, type OwnwireMessageInfo, type OwnwireOpenInfo, type OwnwireOptions } from "../ownwire/ownwire.js";
export type { OwnwireStorage } from "../ownwire/saved.js";
export type { ReconnectSettings } from "../reconnect/settings.js";
export type { WebSocketEvents, WebSocketFactory, WebSocketLike, WebSocketListener } from "../ws/socket.js";
