// The client's half of the handshake, as two steps without I/O.
// Layer handshake. INIT goes out, RESP comes in, ACK goes out. What follows is a record, which this layer does not know:
// the server's "finished" ping must open before the keys are trusted or anything is sent.
// Source: PROTOCOL, "Handshake flow".

import { decodeBase64url, encodeBase64url, utf8, wipe } from "../base/index.js";
import { publicKeyBytes, type KeyPair } from "../crypto/index.js";
import { decodeE2EE_Resp, encodeE2EE_Init, type E2EE_Ack, type E2EE_Resp } from "../gen/flowersec/e2ee/v1.gen.js";
import { FramingError, HandshakeError } from "./error.js";
import { decodeMessage, encodeFrame, handshakeHeaderBytes, payloadOf, typeAck, typeInit, typeResp } from "./frame.js";
import { authTagOf, deriveTrafficKeys, hashOf, type TrafficKeys } from "./key_schedule.js";
import { checkedOptions, draw, drawKeyPair, type HandshakeOptions, type HandshakeTools } from "./options.js";

/** Send the frame; then the next message must be the server-finished record. Until it opened, the keys are unconfirmed. */
export interface ClientFinished {
  ackFrame: Uint8Array;
  keys: TrafficKeys;
}

/** One handshake. */
export class ClientHandshake {
  private isOver = false;

  private constructor(
    private readonly options: ReturnType<typeof checkedOptions<HandshakeOptions>>,
    private readonly tools: HandshakeTools,
    private readonly keyPair: KeyPair,
    private readonly nonceC: Uint8Array,
    /** INIT. Send it as it is; a retry is these same bytes. */
    readonly initFrame: Uint8Array,
  ) {}

  /**
   * Draws a key pair and a nonce. Throws HandshakeError bad_channel_id, bad_psk, bad_suite, bad_limits, random_failed, and
   * payload_too_large when our own INIT would break the limit.
   */
  static async begin(options: HandshakeOptions, tools: HandshakeTools): Promise<ClientHandshake> {
    const checked = checkedOptions(options);
    const nonceC = draw(tools.random, 32);
    const keyPair = await drawKeyPair(tools.crypto, checked.suite);
    const init = encodeE2EE_Init({
      channel_id: checked.channelId,
      role: 1,
      version: 1,
      suite: checked.suite,
      client_eph_pub_b64u: encodeBase64url(keyPair.publicKey),
      nonce_c_b64u: encodeBase64url(nonceC),
      client_features: checked.features,
    });
    const frame = encodeFrame(typeInit, utf8(init));
    if (frame.length - handshakeHeaderBytes > checked.maxPayloadBytes) throw new FramingError("payload_too_large");
    return new ClientHandshake(checked, tools, keyPair, nonceC, frame);
  }

  /**
   * The first message from the server. One call only: whatever comes of it, the handshake is over and its secrets are
   * wiped. `unixSeconds` goes into ACK. Throws FramingError, HandshakeError malformed_message, empty_handshake_id,
   * malformed_public_key, malformed_nonce, key_agreement_failed, clock_out_of_range; unexpected_type on a second call.
   */
  async onFrame(frame: Uint8Array, unixSeconds: number): Promise<ClientFinished> {
    if (this.isOver) throw new FramingError("unexpected_type");
    this.isOver = true;
    try {
      return await this.finish(frame, unixSeconds);
    } finally {
      this.wipe();
    }
  }

  /** Forgets the secrets, when no message will come. */
  abandon(): void {
    this.isOver = true;
    this.wipe();
  }

  private wipe(): void {
    wipe(this.options.psk);
    this.keyPair.wipe();
  }

  private async finish(frame: Uint8Array, unixSeconds: number): Promise<ClientFinished> {
    const { suite, psk, features, channelId, maxPayloadBytes } = this.options;
    const { crypto } = this.tools;
    const resp = decodeMessage(decodeE2EE_Resp, payloadOf(typeResp, frame, maxPayloadBytes));
    const { serverPublicKey, nonceS } = this.check(resp);
    let sharedSecret: Uint8Array;
    try {
      sharedSecret = await this.keyPair.agree(serverPublicKey);
    } catch (cause) {
      throw new HandshakeError("key_agreement_failed", { cause });
    }
    if (!Number.isSafeInteger(unixSeconds) || unixSeconds < 0) throw new HandshakeError("clock_out_of_range");

    const transcriptHash = await hashOf(crypto, {
      suite,
      clientFeatures: features,
      serverFeatures: resp.server_features,
      channelId,
      nonceC: this.nonceC,
      nonceS,
      clientPublicKey: this.keyPair.publicKey,
      serverPublicKey,
    });
    const tag = await authTagOf(crypto, psk, transcriptHash, BigInt(unixSeconds));
    const common = (features & resp.server_features) >>> 0;
    const keys = await deriveTrafficKeys(crypto, psk, sharedSecret, transcriptHash, common);
    wipe(sharedSecret);
    // Nothing in it that was not checked when it came, or is ours.
    const ack: E2EE_Ack = { handshake_id: resp.handshake_id, timestamp_unix_s: unixSeconds, auth_tag_b64u: encodeBase64url(tag) };
    return { ackFrame: encodeFrame(typeAck, utf8(JSON.stringify(ack))), keys };
  }

  private check(resp: E2EE_Resp): { serverPublicKey: Uint8Array; nonceS: Uint8Array } {
    if (resp.handshake_id === "") throw new HandshakeError("empty_handshake_id");
    const serverPublicKey = decodeBase64url(resp.server_eph_pub_b64u);
    if (!serverPublicKey) throw new HandshakeError("malformed_public_key");
    const nonceS = decodeBase64url(resp.nonce_s_b64u, 32);
    if (!nonceS) throw new HandshakeError("malformed_nonce");
    if (serverPublicKey.length !== publicKeyBytes(this.options.suite)) throw new HandshakeError("malformed_public_key");
    return { serverPublicKey, nonceS };
  }
}
