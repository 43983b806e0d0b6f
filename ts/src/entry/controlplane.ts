// flowersec/controlplane: asking for connect artifacts, and issuing them.
export type { CancelTimer, Clock } from "../base/clock.js";
export {
  ControlplaneRequestError, DEFAULT_CONNECT_ARTIFACT_PATH, DEFAULT_ENTRY_CONNECT_ARTIFACT_PATH, requestConnectArtifact, requestEntryConnectArtifact,
  type ArtifactRequestCorrelation, type ConnectArtifactEnvelope, type ControlplaneBaseConfig, type ControlplaneErrorEnvelope,
  type RequestConnectArtifactInput, type RequestEntryConnectArtifactInput,
} from "../controlplane/artifact_request.js";
export {
  createArtifactEndpoint, requireBearerKey, type ArtifactEndpointOptions, type ArtifactQuestion, type RequestMetadata,
} from "../controlplane/artifact_endpoint.js";
export { decodeConnectArtifact, encodeConnectArtifact } from "../controlplane/artifact_text.js";
export {
  CHANNEL_INIT_WINDOW_SECONDS, ChannelInitService, DEFAULT_IDLE_TIMEOUT_SECONDS, DEFAULT_TOKEN_EXP_SECONDS, type ChannelInitParams, type UnixClock,
} from "../controlplane/channel_init.js";
export {
  bearerToken, ControlplaneCodecError, decodeArtifactRequest, encodeArtifactEnvelope, encodeControlplaneError, type ArtifactRequest,
} from "../controlplane/codec.js";
export { IssuerKeyset } from "../controlplane/issuer_keyset.js";
export { chooseTunnel, tunnelScore } from "../controlplane/tunnel_choice.js";
export type { ConnectArtifact } from "../endpoint/artifact.js";
export type { ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
export { TokenError, type TokenErrorCode } from "../token/error.js";
export { TOKEN_PREFIX, type TokenPayload } from "../token/payload.js";
export { signToken } from "../token/sign.js";
export {
  equalSignedTokenPart, parseToken, verifyToken, type ParsedToken, type TokenKeyLookup, type TokenVerifyOptions,
} from "../token/verify.js";
