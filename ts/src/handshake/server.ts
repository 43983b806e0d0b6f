// The server's half of the handshake, as a machine without I/O.
// Layer handshake. INIT in, RESP out (as often as the client repeats INIT), ACK in, keys out. Then the "finished" ping goes
// out, a record, which this layer does not know.
// Source: PROTOCOL, "Handshake flow", "Retries and the handshake cache", "Time rules".

import { constantTimeEqual, decodeBase64url, encodeBase64url, utf8, wipe } from "../base/index.js";
import { publicKeyBytes } from "../crypto/index.js";
import {
  decodeE2EE_Ack, decodeE2EE_Init, decodeE2EE_InitSuite, encodeE2EE_Init, encodeE2EE_Resp, type E2EE_Ack, type E2EE_Init,
} from "../gen/flowersec/e2ee/v1.gen.js";
import { FramingError, HandshakeError } from "./error.js";
import { decodeFrame, decodeMessage, encodeFrame, handshakeHeaderBytes, typeAck, typeInit, typeResp } from "./frame.js";
import { authTagOf, deriveTrafficKeys, hashOf, type TrafficKeys } from "./key_schedule.js";
import { checkedServerOptions, draw, drawKeyPair, type HandshakeTools, type ServerOptions } from "./options.js";
import { ServerHandshakeCache, type PendingResponse } from "./response_cache.js";

/** Send the frame and wait for the next one; or send the server-finished ping with the keys, and the session exists. */
export type ServerStep = { respond: Uint8Array } | { finished: TrafficKeys };

/** One moment on both clocks: the cache ages on one, the client's timestamp is judged by the other. */
export interface Moment {
  monoMs: number;
  unixSeconds: number;
}

/** What a server remembers of the INIT it answered. */
interface AwaitingAck {
  readonly fingerprint: string;
  readonly clientPublicKey: Uint8Array;
  readonly nonceC: Uint8Array;
  readonly clientFeatures: number;
}

const handshakeIdBytes = 24;

function decodeInit(payload: Uint8Array): E2EE_Init {
  try {
    return decodeE2EE_Init(payload);
  } catch (cause) {
    if (names(cause, "suite") && namesSuite(payload)) throw new HandshakeError("wrong_suite", { cause });
    throw new HandshakeError("malformed_message", { cause });
  }
}

const names = (error: unknown, field: string) => (error as { field?: unknown }).field === field;

/** A suite that no version of the protocol knows is still best reported as what it is. */
function namesSuite(payload: Uint8Array): boolean {
  try {
    return Boolean(decodeE2EE_InitSuite(payload));
  } catch {
    return false;
  }
}

/** One handshake. */
export class ServerHandshake {
  private readonly options: ReturnType<typeof checkedServerOptions> & ServerOptions;
  private state: "awaiting_init" | AwaitingAck | "ended" = "awaiting_init";

  /** Without a cache, a private one. Throws HandshakeError of our own side. */
  constructor(
    options: ServerOptions,
    private readonly tools: HandshakeTools,
    private readonly cache = new ServerHandshakeCache(),
  ) {
    this.options = { ...options, ...checkedServerOptions(options) };
  }

  /**
   * The next message from the client, whole. Calls must not overlap. Throws FramingError, HandshakeError malformed_message,
   * then those of INIT or ACK in their order. The first error is the end: secrets are wiped, later calls give
   * unexpected_type.
   */
  async onFrame(frame: Uint8Array, now: Moment): Promise<ServerStep> {
    try {
      const step = await this.dispatch(frame, now);
      if ("finished" in step) this.abandon();
      return step;
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** Forgets the secrets, when no message will come. */
  abandon(): void {
    this.state = "ended";
    wipe(this.options.psk);
  }

  private dispatch(frame: Uint8Array, now: Moment): Promise<ServerStep> {
    const { type, payload } = decodeFrame(frame, this.options.maxPayloadBytes);
    const { state } = this;
    if (state === "awaiting_init" && type === typeInit) return this.onInit(payload, now);
    if (typeof state === "object" && type === typeInit) return this.onRetriedInit(state, payload, now);
    if (typeof state === "object" && type === typeAck) return this.onAck(state, payload, now.unixSeconds);
    throw new FramingError("unexpected_type");
  }

  private async onInit(payload: Uint8Array, now: Moment): Promise<ServerStep> {
    const init = decodeInit(payload);
    const { clientPublicKey, nonceC } = this.check(init);
    const fingerprint = await this.fingerprintOf(init);
    const response = this.cache.find(fingerprint, now.monoMs) ?? (await this.makeResponse(fingerprint, now.monoMs));
    this.state = { fingerprint, clientPublicKey, nonceC, clientFeatures: init.client_features };
    return { respond: this.respFrameOf(response) };
  }

  private async onRetriedInit(state: AwaitingAck, payload: Uint8Array, now: Moment): Promise<ServerStep> {
    // The same fingerprint has passed every other check before.
    if ((await this.fingerprintOf(decodeInit(payload))) !== state.fingerprint) throw new HandshakeError("different_init");
    const response = this.cache.find(state.fingerprint, now.monoMs);
    if (response === undefined) throw new HandshakeError("state_lost");
    return { respond: this.respFrameOf(response) };
  }

  private async onAck(state: AwaitingAck, payload: Uint8Array, unixSeconds: number): Promise<ServerStep> {
    // Consumed before anything in the ACK is looked at: one INIT gets one attempt, even a wrong one.
    const response = this.cache.take(state.fingerprint);
    if (response === undefined) throw new HandshakeError("state_lost");
    try {
      return { finished: await this.authenticate(state, response, decodeMessage(decodeE2EE_Ack, payload), unixSeconds) };
    } finally {
      response.keyPair.wipe();
    }
  }

  private async authenticate(
    state: AwaitingAck,
    response: PendingResponse,
    ack: E2EE_Ack,
    unixSeconds: number,
  ): Promise<TrafficKeys> {
    const { suite, channelId, psk } = this.options;
    const { crypto } = this.tools;
    if (ack.handshake_id !== response.handshakeId) throw new HandshakeError("wrong_handshake_id");
    this.checkTimestamp(ack.timestamp_unix_s, unixSeconds);
    const tag = decodeBase64url(ack.auth_tag_b64u, 32);
    if (tag === undefined) throw new HandshakeError("malformed_auth_tag");
    const transcriptHash = await hashOf(crypto, {
      suite,
      clientFeatures: state.clientFeatures,
      serverFeatures: response.features,
      channelId,
      nonceC: state.nonceC,
      nonceS: response.nonceS,
      clientPublicKey: state.clientPublicKey,
      serverPublicKey: response.keyPair.publicKey,
    });
    const expected = await authTagOf(crypto, psk, transcriptHash, BigInt(ack.timestamp_unix_s));
    if (!constantTimeEqual(tag, expected)) throw new HandshakeError("auth_tag_mismatch");

    let sharedSecret: Uint8Array;
    try {
      sharedSecret = await response.keyPair.agree(state.clientPublicKey);
    } catch (cause) {
      throw new HandshakeError("key_agreement_failed", { cause });
    }
    const common = (state.clientFeatures & response.features) >>> 0;
    const keys = await deriveTrafficKeys(crypto, psk, sharedSecret, transcriptHash, common);
    wipe(sharedSecret);
    return keys;
  }

  private check(init: E2EE_Init): { clientPublicKey: Uint8Array; nonceC: Uint8Array } {
    const { channelId, suite } = this.options;
    if (init.version !== 1) throw new HandshakeError("unsupported_init_version");
    if (init.role !== 1) throw new HandshakeError("wrong_role");
    if (init.channel_id === "") throw new HandshakeError("empty_channel_id");
    if (!constantTimeEqual(utf8(init.channel_id), utf8(channelId))) throw new HandshakeError("wrong_channel_id");
    if (init.suite !== suite) throw new HandshakeError("wrong_suite");
    const clientPublicKey = decodeBase64url(init.client_eph_pub_b64u);
    if (clientPublicKey === undefined) throw new HandshakeError("malformed_public_key");
    const nonceC = decodeBase64url(init.nonce_c_b64u, 32);
    if (nonceC === undefined) throw new HandshakeError("malformed_nonce");
    // Whether it is a point is found out at ACK, behind the tag: nobody makes us multiply without the PSK.
    if (clientPublicKey.length !== publicKeyBytes(suite)) throw new HandshakeError("malformed_public_key");
    return { clientPublicKey, nonceC };
  }

  private checkTimestamp(theirs: number, now: number): void {
    const { clockSkewSeconds, initExpireAtUnixS } = this.options;
    if (Math.abs(now - theirs) > clockSkewSeconds) throw new HandshakeError("timestamp_out_of_skew");
    if (theirs > initExpireAtUnixS + clockSkewSeconds) throw new HandshakeError("timestamp_after_init_exp");
  }

  /** Over the seven known fields only: a retry may carry them in another layout. */
  private async fingerprintOf(init: E2EE_Init): Promise<string> {
    return encodeBase64url(await this.tools.crypto.sha256(utf8(encodeE2EE_Init(init))));
  }

  private async makeResponse(fingerprint: string, monoMs: number): Promise<PendingResponse> {
    const { crypto, random } = this.tools;
    const handshakeId = encodeBase64url(draw(random, handshakeIdBytes));
    const nonceS = draw(random, 32);
    const keyPair = await drawKeyPair(crypto, this.options.suite);
    return this.cache.insert(fingerprint, { handshakeId, keyPair, nonceS, features: this.options.features }, monoMs);
  }

  private respFrameOf(response: PendingResponse): Uint8Array {
    const resp = encodeE2EE_Resp({
      handshake_id: response.handshakeId,
      server_eph_pub_b64u: encodeBase64url(response.keyPair.publicKey),
      nonce_s_b64u: encodeBase64url(response.nonceS),
      server_features: response.features,
    });
    const frame = encodeFrame(typeResp, utf8(resp));
    if (frame.length - handshakeHeaderBytes > this.options.maxPayloadBytes) throw new FramingError("payload_too_large");
    return frame;
  }
}
