// What the door of rendezvous shows. Node's has RegistryServer too: node/registry_server.ts.
export type { ReconnectSettings } from "../reconnect/settings.js";
export { CompatibleSocketClient, type CompatibleMessage, type CompatibleSocketOptions } from "./compatible_client.js";
export { RendezvousError, type RegistryErrorCode, type RendezvousErrorCode } from "./error.js";
export { SecureSocketClient } from "./secure_socket_client.js";
export { SecureWebSocket, type SecureCloseEvent, type SecureErrorEvent, type SecureMessageEvent } from "./secure_web_socket.js";
export { artifactOf, ticketOf, type ChannelTicket } from "./ticket.js";
export type { ChannelOptions } from "./channel.js";
export type { ContactName, IncomingCall, ReceivedMessage, RegistryAddress, SecureSocketEvent, SecureSocketOptions } from "./options.js";
export type { PeerSession } from "./peer_host.js";
export type { PeerState } from "./peer_machine.js";
export type { RegistryTransport } from "./registry_connection.js";
export type { RegistryState } from "./registry_link.js";
