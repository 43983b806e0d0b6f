// The sealed open message once more: boxes, keys and messages, each part of them free. PROTOCOL, "Sealed open".
import { createCipheriv, createDecipheriv, createHash, hkdfSync } from "node:crypto";
import { objectText } from "./json_text.mjs";
import { bytesOf, spoil } from "./party.mjs";
import { fresh, u16, x25519Pair } from "./wire.mjs";

const b64u = (bytes) => Buffer.from(bytes).toString("base64url");
export const kidOf = (publicKey) => b64u(createHash("sha256").update(publicKey).digest().subarray(0, 8));

/** The text of a key file with one fresh key, and its public half. */
export function serverKey() {
  const secret = fresh(32);
  const { bytes } = x25519Pair(secret);
  const file = { version: 1, keys: [{ kid: kidOf(bytes), private_key_b64u: b64u(secret), created_at_unix_s: 1 }] };
  return { publicKey: bytes, keyFile: JSON.stringify(file) };
}

const sealLabel = "ownwire-seal-v1";
const associated = (label, channel) => {
  const id = Buffer.from(channel);
  return Buffer.concat([Buffer.from(label), u16(id.length), id]);
};

/** 80 bytes. `channel`: another one in the associated data; `to`: another key; `point`: instead of the sealing key, with an agreement of zeros; `label`: another one. */
function box(serverPublic, channelId, psk, { channel = channelId, to, point, label = sealLabel, psk: otherPsk } = {}) {
  const pair = x25519Pair();
  const server = to === undefined ? serverPublic : bytesOf(to);
  const sealing = point === undefined ? pair.bytes : Buffer.from(point, "base64url");
  const shared = point === undefined ? pair.agree(server) : Buffer.alloc(32);
  const salt = Buffer.concat([sealing, server]);
  const derived = (name, bytes) => Buffer.from(hkdfSync("sha256", shared, salt, `${label}:${name}`, bytes));
  const cipher = createCipheriv("aes-256-gcm", derived("key", 32), derived("nonce", 12)).setAAD(associated(label, channel));
  return Buffer.concat([sealing, cipher.update(otherPsk === undefined ? psk : bytesOf(otherPsk)), cipher.final(), cipher.getAuthTag()]);
}

/** What a box holds for the owner of this key pair; throws when it is for somebody else. */
export function unseal({ bytes, agree }, channel, sealed) {
  const [sealing, ciphertext, tag] = [sealed.subarray(0, 32), sealed.subarray(32, 64), sealed.subarray(64)];
  const salt = Buffer.concat([sealing, bytes]);
  const derived = (name, length) => Buffer.from(hkdfSync("sha256", agree(sealing), salt, `${sealLabel}:${name}`, length));
  const cipher = createDecipheriv("aes-256-gcm", derived("key", 32), derived("nonce", 12)).setAAD(associated(sealLabel, channel)).setAuthTag(tag);
  return Buffer.concat([cipher.update(ciphertext), cipher.final()]);
}

/** Text of an open message for a fresh channel, and the credential that goes with it. `box`: see above; `spoil` for its bytes; `channel_id_of` so many bytes;
 * the rest as objectText(). */
export function openMessage(serverPublic, suite, { box: how = {}, spoil: spoiled, text, channel_id_of: length = 32, ...spec } = {}) {
  const channelId = b64u(fresh(256)).slice(0, length);
  const psk = fresh(32);
  const sealed = spoil(box(serverPublic, channelId, psk, how), spoiled);
  const said = { v: 1, type: "ownwire_open", channel_id: channelId, kid: kidOf(serverPublic), suite, sealed_psk_b64u: b64u(sealed) };
  const whole = text === undefined ? Buffer.from(objectText(said, spec)) : bytesOf(text);
  return { payload: whole, info: { channel_id: channelId, e2ee_psk_b64u: b64u(psk), default_suite: suite } };
}
