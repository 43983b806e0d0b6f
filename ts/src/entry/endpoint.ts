// flowersec/endpoint: the server role, on any platform.
export {
  acceptDirect, acceptDirectResolved, connectTunnel, type CredentialResolver, type DirectCredential, type ResolvedCredential,
} from "../endpoint/accept.js";
export type { DirectAcceptOptions, EndpointOptions, TunnelEndpointOptions } from "../endpoint/index.js";
export type { InitPeek } from "../handshake/init_peek.js";
export { Session, type AcceptedStream, type ServeRpcOptions, type SessionOptions } from "../session/index.js";
export type { WebSocketLike } from "../ws/socket.js";
