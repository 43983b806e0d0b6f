// The wire once more, written for saying things that no peer should: frames as bytes, each field of them free.
// Shares no code with the libraries under test. PROTOCOL has the layouts.
import { createCipheriv, createDecipheriv, createECDH, createHash, createHmac, createPrivateKey, createPublicKey, diffieHellman, hkdfSync, randomBytes } from "node:crypto";

export const u64 = (value) => {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)));
  return out;
};
export const u32 = (value) => u64(value).subarray(4);
export const u16 = (value) => u64(value).subarray(6);

// ---- WebSocket

/** The same with every byte XORed, which is its own inverse. */
function unmasked(payload, mask) {
  const out = Buffer.allocUnsafe(payload.length);
  for (let i = 0; i < payload.length; i++) out[i] = payload[i] ^ mask[i & 3];
  return out;
}

/** `length` may lie about the payload; `lengthBytes` (0, 2, 8) says how it is written. */
export function wsFrame({ op = 2, fin = true, rsv = 0, masked = false, payload = Buffer.alloc(0), length = payload.length, lengthBytes }) {
  const form = lengthBytes ?? (length < 126 ? 0 : length <= 0xffff ? 2 : 8);
  const head = [Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | op, (masked ? 0x80 : 0) | (form === 0 ? length : form === 2 ? 126 : 127)])];
  if (form > 0) head.push(form === 2 ? u16(length) : u64(length));
  if (!masked) return Buffer.concat([...head, payload]);
  const mask = Buffer.from([0x5a, 0x17, 0xc3, 0x99]);
  return Buffer.concat([...head, mask, unmasked(payload, mask)]);
}

/** The first whole frame of `bytes`, and how many bytes it takes; nothing when it is not whole yet. */
export function takeWsFrame(bytes) {
  if (bytes.length < 2) return undefined;
  let at = 2;
  let length = bytes[1] & 0x7f;
  if (length >= 126) {
    const size = length === 126 ? 2 : 8;
    if (bytes.length < at + size) return undefined;
    length = Number(size === 2 ? bytes.readUInt16BE(at) : bytes.readBigUInt64BE(at));
    at += size;
  }
  const masked = (bytes[1] & 0x80) !== 0;
  const mask = masked ? bytes.subarray(at, (at += 4)) : undefined;
  if (bytes.length < at + length) return undefined;
  const payload = bytes.subarray(at, at + length);
  return { frame: { op: bytes[0] & 15, fin: bytes[0] >= 0x80, rsv: (bytes[0] >> 4) & 7, masked, payload: mask ? unmasked(payload, mask) : payload }, taken: at + length };
}

export const acceptKey = (key) => createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");

// ---- Handshake

export function fseh({ type, payload, magic = "FSEH", version = 1, length = payload.length }) {
  return Buffer.concat([Buffer.from(magic), Buffer.from([version, type]), u32(length), payload]);
}

// As JWK: OpenSSL reads and writes the other formats through its decoders, which takes ten times as long as an agreement.
const x25519Key = (make, members) => make({ key: { kty: "OKP", crv: "X25519", ...members }, format: "jwk" });
const x25519Bytes = (publicKey) => Buffer.from(publicKey.export({ format: "jwk" }).x, "base64url");

/** An X25519 key pair: its public bytes, and what it agrees on with those of another. `secret` when it is to be a certain one. */
export function x25519Pair(secret = randomBytes(32)) {
  const privateKey = x25519Key(createPrivateKey, { d: secret.toString("base64url"), x: "" });
  const read = (raw) => x25519Key(createPublicKey, { x: raw.toString("base64url") });
  return { bytes: x25519Bytes(createPublicKey(privateKey)), agree: (other) => diffieHellman({ privateKey, publicKey: read(other) }) };
}

function p256Pair(secret) {
  const pair = createECDH("prime256v1");
  if (secret === undefined) pair.generateKeys();
  else pair.setPrivateKey(secret);
  return { bytes: pair.getPublicKey(), agree: (other) => pair.computeSecret(other) };
}

/** An ephemeral key pair of a suite. */
export const ephemeral = (suite, secret) => (suite === 1 ? x25519Pair(secret) : p256Pair(secret));

export function transcriptHash({ suite, clientFeatures, serverFeatures, channelId, clientNonce, serverNonce, clientKey, serverKey }) {
  const id = Buffer.from(channelId);
  return createHash("sha256").update(Buffer.concat([
    Buffer.from("flowersec-e2ee-v1"), Buffer.from([1]), u16(suite), Buffer.from([1]), u32(clientFeatures), u32(serverFeatures), u16(id.length), id,
    clientNonce, serverNonce, u16(clientKey.length), clientKey, u16(serverKey.length), serverKey,
  ])).digest();
}

export const authTag = (psk, transcript, timestamp) => createHmac("sha256", psk).update(Buffer.concat([transcript, u64(timestamp)])).digest();

/** Keys and nonce prefixes of both directions. HKDF in full: of its two steps the first is the same for all of them. */
export function trafficKeys(psk, shared, transcript) {
  const mac = (key, bytes) => createHmac("sha256", key).update(bytes).digest();
  const extracted = mac(psk, Buffer.concat([shared, transcript]));
  const out = (label, bytes) => mac(extracted, Buffer.from(`flowersec-e2ee-v1:${label}\u0001`)).subarray(0, bytes);
  const direction = (name) => ({ key: out(`${name}:key`, 32), prefix: out(`${name}:nonce_prefix`, 4), name });
  return { c2s: direction("c2s"), s2c: direction("s2c"), rekeyBase: out("rekey_base", 32), transcript };
}

// ---- Records

export const recordFlags = { app: 0, ping: 1, rekey: 2 };

/** `seq` and `length` of the header may lie; the nonce then lies with the header. `nonceSeq` keeps it honest. */
export function record({ key, prefix }, { seq, flag = 0, plain = Buffer.alloc(0), magic = "FSEC", version = 1, length = plain.length + 16, nonceSeq = seq }) {
  const head = Buffer.concat([Buffer.from(magic), Buffer.from([version, flag]), u64(seq), u32(length)]);
  const cipher = createCipheriv("aes-256-gcm", key, Buffer.concat([prefix, u64(nonceSeq)])).setAAD(head);
  return Buffer.concat([head, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Plaintext of a record that must be this one; throws when it is not. */
export function openRecord({ key, prefix }, seq, frame) {
  const head = frame.subarray(0, 18);
  if (head.toString("latin1", 0, 4) !== "FSEC" || head.readBigUInt64BE(6) !== BigInt(seq)) throw new Error(`not record ${seq}: ${head.toString("hex")}`);
  const cipher = createDecipheriv("aes-256-gcm", key, Buffer.concat([prefix, u64(seq)])).setAAD(head).setAuthTag(frame.subarray(-16));
  return { flag: head[5], plain: Buffer.concat([cipher.update(frame.subarray(18, -16)), cipher.final()]) };
}

/** The direction's keys after a rekey record with this number. */
export function afterRekey(keys, direction, seq) {
  const salt = createHmac("sha256", keys.rekeyBase).update(Buffer.concat([keys.transcript, u64(seq), Buffer.from([direction.name === "c2s" ? 1 : 2])])).digest();
  const key = Buffer.from(hkdfSync("sha256", Buffer.from("flowersec-e2ee-v1:rekey"), salt, "flowersec-e2ee-v1:rekey:key", 32));
  return { ...direction, key };
}

// ---- Yamux, stream hello, JSON frames

export const yamuxTypes = { data: 0, window: 1, ping: 2, goAway: 3 };
export const yamuxFlags = { syn: 1, ack: 2, fin: 4, rst: 8 };

export function yamuxFrame({ version = 0, type = 0, flags = 0, id = 0, body = Buffer.alloc(0), length = body.length }) {
  const out = Buffer.alloc(12 + body.length);
  out.writeUInt16BE((version << 8) | type);
  out.writeUInt16BE(flags, 2);
  out.writeUInt32BE(id, 4);
  out.writeUInt32BE(length, 8);
  out.set(body, 12);
  return out;
}

export function takeYamuxFrame(bytes) {
  if (bytes.length < 12) return undefined;
  const frame = { version: bytes[0], type: bytes[1], flags: bytes.readUInt16BE(2), id: bytes.readUInt32BE(4), length: bytes.readUInt32BE(8) };
  const size = frame.type === 0 ? frame.length : 0;
  if (bytes.length < 12 + size) return undefined;
  return { frame: { ...frame, body: bytes.subarray(12, 12 + size) }, taken: 12 + size };
}

export function jsonFrame(value, { length } = {}) {
  const text = Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  return Buffer.concat([u32(length ?? text.length), text]);
}

export const fresh = (bytes) => randomBytes(bytes);
