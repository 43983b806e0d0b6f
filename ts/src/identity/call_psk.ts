// The pre-shared key of a call: what both ends derive, and nobody else can, so that it is never sent.
// Layer identity. Knows neither grants nor sessions: whoever builds a connection out of a grant asks for a CallPsk, which only
// the derivation makes. Source: IDENTITY, "The key of a call".

import { concat, maxChannelIdBytes, utf8, wipe, writeU16 } from "../base/index.js";
import type { Contact } from "./contacts.js";
import { IdentityError } from "./error.js";
import { hkdf32 } from "./hkdf.js";
import type { EphemeralKey, Identity } from "./identity.js";
import type { PublicKey } from "./public_key.js";

/** Bytes of the secret of an invitation. */
export const invitationSecretBytes = 16;

const label = "flowersec-rv-psk-v2";

/** What one end knows of a call. */
export interface CallDerivation {
  readonly own: Identity;
  /** From the contact list, never from the grant. */
  readonly peer: Contact;
  readonly ownEphemeral: EphemeralKey;
  readonly peerEphemeral: PublicKey;
  /** 1 to 256 bytes of UTF-8. */
  readonly channelId: string;
  /** Of the first call of an invitation, 16 bytes. */
  readonly invitation?: Uint8Array | undefined;
}

/** label || u16(length of channel_id) || channel_id || keys. For tests, which also use it for the first version. */
export function pskInfo(name: string, channelId: string, keys: readonly PublicKey[]): Uint8Array {
  const id = utf8(channelId);
  const length = new Uint8Array(2);
  writeU16(length, 0, id.length);
  return concat(utf8(name), length, id, ...keys.map(({ bytes }) => bytes));
}

/** A key that came out of a derivation, never out of a message. */
export class CallPsk {
  readonly #value: Uint8Array;
  private constructor(value: Uint8Array) {
    this.#value = value;
  }

  /** 32 bytes, valid until wipe(). */
  get value(): Uint8Array {
    return this.#value;
  }

  /** Overwrites it. */
  wipe(): void {
    wipe(this.#value);
  }

  /**
   * PSK = HKDF-SHA256(ikm, "flowersec-rv-psk-v2:salt", info, 32);
   * ikm = DH(a, B) || DH(x, B) || DH(a, Y) [|| "flowersec-rv-psk-v2:invitation" || secret], as the caller sees them;
   * info = "flowersec-rv-psk-v2" || u16(length of channel_id) || channel_id || A || B || X || Y.
   * Throws IdentityError bad_channel_id, bad_invitation for a secret of another length, and those of Identity.agree().
   */
  static async derive(role: "caller" | "callee", call: CallDerivation): Promise<CallPsk> {
    const { own, peer, ownEphemeral, peerEphemeral, channelId, invitation } = call;
    const idBytes = utf8(channelId).length;
    if (idBytes === 0 || idBytes > maxChannelIdBytes) throw new IdentityError("bad_channel_id");
    if (invitation !== undefined && invitation.length !== invitationSecretBytes) throw new IdentityError("bad_invitation");
    const ours = await ownEphemeral.agree(peer.publicKey);
    const theirs = await own.agree(peerEphemeral);
    // DH(x, B) is what the caller computes with its ephemeral key, and the callee with its lasting one.
    const ends = [
      { dh: ours, lasting: own.publicKey, ephemeral: ownEphemeral.publicKey },
      { dh: theirs, lasting: peer.publicKey, ephemeral: peerEphemeral },
    ] as const;
    const [caller, callee] = role === "caller" ? ends : ([ends[1], ends[0]] as const);
    const info = pskInfo(label, channelId, [caller.lasting, callee.lasting, caller.ephemeral, callee.ephemeral]);
    const invited = invitation === undefined ? [] : [utf8(`${label}:invitation`), invitation];
    const psk = await hkdf32(utf8(`${label}:salt`), [peer.dh, caller.dh, callee.dh, ...invited], info);
    wipe(ours, theirs);
    return new CallPsk(psk);
  }
}
