// A hostile peer in either role: it can do everything right up to some point, and then anything.
import { Connection } from "./connection.mjs";
import * as wire from "./wire.mjs";

const utf8 = (value) => Buffer.from(JSON.stringify(value));
const b64u = (bytes) => bytes.toString("base64url");

/** What a case calls bytes: text, "hex:…", {"times": n, "of": …}, {"zeros": n}, {"join": […]}. */
export function bytesOf(value) {
  if (value === undefined) return Buffer.alloc(0);
  if (Buffer.isBuffer(value)) return value;
  if (typeof value === "string") return value.startsWith("hex:") ? Buffer.from(value.slice(4), "hex") : Buffer.from(value);
  if (value.zeros !== undefined) return Buffer.alloc(value.zeros);
  if (value.join) return Buffer.concat(value.join.map(bytesOf));
  return Buffer.concat(Array(value.times).fill(bytesOf(value.of)));
}

/** Changes bytes: one bit flipped, the end cut off, something added. */
export function spoil(bytes, { flip, cut, add } = {}) {
  let out = Buffer.from(bytes);
  if (flip !== undefined) {
    const bit = flip < 0 ? out.length * 8 + flip : flip;
    out[bit >> 3] ^= 1 << (bit & 7);
  }
  if (cut !== undefined) out = out.subarray(0, cut < 0 ? out.length + cut : cut);
  return add === undefined ? out : Buffer.concat([out, bytesOf(add)]);
}

export class Party {
  sent = 0n; // number of the last record
  taken = 0n;
  plain = Buffer.alloc(0);

  constructor(role, connection, info) {
    Object.assign(this, { role, connection, info });
    this.psk = Buffer.from(info.e2ee_psk_b64u, "base64url");
    this.suite = info.default_suite;
    this.own = wire.ephemeral(this.suite);
    this.nonce = wire.fresh(32);
  }

  static async dial(url, info) {
    return new Party("client", await Connection.dial(url), info);
  }

  /** A frame of the handshake. `spec`: fields that take another value (null leaves one out), `text` instead of the JSON, `fseh` for the frame around it,
   * `spoil` for its bytes, `ws` for the message around that. */
  say(type, fields, { fields: others = {}, text, fseh = {}, spoil: how, ws = {}, times = 1 } = {}) {
    const said = Object.fromEntries(Object.entries({ ...fields, ...others }).filter(([, value]) => value !== null));
    const payload = text === undefined ? utf8(said) : bytesOf(text);
    const frame = spoil(wire.fseh({ type, payload, ...fseh }), how);
    for (let i = 0; i < times; i++) this.connection.sendWs({ op: 2, payload: frame, ...ws });
  }

  init(spec = {}) {
    const { suite, nonce, own } = this;
    this.clientFeatures = spec.fields?.client_features ?? 0;
    this.say(1, {
      channel_id: this.info.channel_id, role: 1, version: 1, suite, client_eph_pub_b64u: b64u(own.bytes), nonce_c_b64u: b64u(nonce), client_features: 0,
    }, spec);
  }

  async takeResp() {
    const frame = await this.connection.message();
    const resp = JSON.parse(frame.subarray(10));
    this.handshakeId = resp.handshake_id;
    this.#agree(Buffer.from(resp.server_eph_pub_b64u, "base64url"), Buffer.from(resp.nonce_s_b64u, "base64url"), { serverFeatures: resp.server_features });
    return frame;
  }

  ack(spec = {}) {
    const timestamp = BigInt(Math.floor(Date.now() / 1000) + (spec.skew ?? 0));
    const tag = spoil(wire.authTag(spec.psk ? bytesOf(spec.psk) : this.psk, this.transcript, timestamp), spec.tag);
    this.say(3, { handshake_id: this.handshakeId, timestamp_unix_s: Number(timestamp), auth_tag_b64u: b64u(tag) }, spec);
  }

  async takeInit() {
    this.last = await this.connection.message();
    const init = JSON.parse(this.last.subarray(10));
    this.asked = { key: Buffer.from(init.client_eph_pub_b64u, "base64url"), nonce: Buffer.from(init.nonce_c_b64u, "base64url"), features: init.client_features };
  }

  /** What it said last, back to it. */
  reflect() {
    this.connection.sendWs({ op: 2, payload: this.last });
  }

  resp(spec = {}) {
    const serverFeatures = spec.fields?.server_features ?? 0;
    this.#agree(this.asked.key, this.asked.nonce, { clientFeatures: this.asked.features, serverFeatures });
    this.say(2, { handshake_id: "adversary", server_eph_pub_b64u: b64u(this.own.bytes), nonce_s_b64u: b64u(this.nonce), server_features: 0 }, spec);
  }

  takeAck() {
    return this.connection.message();
  }

  #agree(peerKey, peerNonce, { clientFeatures = this.clientFeatures, serverFeatures }) {
    const isClient = this.role === "client";
    const [clientKey, serverKey] = isClient ? [this.own.bytes, peerKey] : [peerKey, this.own.bytes];
    const [clientNonce, serverNonce] = isClient ? [this.nonce, peerNonce] : [peerNonce, this.nonce];
    this.transcript = wire.transcriptHash({
      suite: this.suite, clientFeatures, serverFeatures, channelId: this.info.channel_id, clientNonce, serverNonce, clientKey, serverKey,
    });
    this.keys = wire.trafficKeys(this.psk, this.own.agree(peerKey), this.transcript);
    this.out = isClient ? this.keys.c2s : this.keys.s2c;
    this.in = isClient ? this.keys.s2c : this.keys.c2s;
  }

  /** One record. `seq` counts from the honest one; `with` seals with the other direction's keys or those of another session; `again` repeats the last. */
  record({ plain, flag = 0, seq = 0, keep = false, again = false, with: keys, spoil: how, ws = {}, ...header } = {}) {
    if (!again) {
      const number = this.sent + 1n + BigInt(seq);
      const key = keys === "peer" ? this.in : keys === "fresh" ? { ...this.out, key: wire.fresh(32) } : this.out;
      this.last = spoil(wire.record(key, { seq: number, flag, plain: bytesOf(plain), ...header }), how);
      if (!keep) this.sent = number;
    }
    this.connection.sendWs({ op: 2, payload: this.last, ...ws });
  }
  rekey() {
    this.record({ flag: wire.recordFlags.rekey });
    this.out = wire.afterRekey(this.keys, this.out, this.sent);
  }

  yamux({ type = "data", flags = [], body, ...rest }) {
    const flagBits = typeof flags === "number" ? flags : flags.reduce((sum, name) => sum | wire.yamuxFlags[name], 0);
    const typeNumber = typeof type === "number" ? type : wire.yamuxTypes[type];
    this.record({ plain: wire.yamuxFrame({ type: typeNumber, flags: flagBits, ...(body !== undefined && { body: bytesOf(body) }), ...rest }) });
  }
  open(id, kind = "echo") {
    this.yamux({ type: "window", flags: ["syn"], id });
    this.yamux({ id, body: wire.jsonFrame({ kind, v: 1 }) });
  }

  async takeRecord() {
    return this.read(await this.connection.message());
  }
  read(message) {
    const number = this.taken + 1n;
    const { flag, plain } = wire.openRecord(this.in, number, message);
    this.taken = number;
    if (flag === wire.recordFlags.app) this.plain = Buffer.concat([this.plain, plain]);
    if (flag === wire.recordFlags.rekey) this.in = wire.afterRekey(this.keys, this.in, number);
    return { flag, plain };
  }

  /** The next yamux frame that is so. Pings are answered; others are passed over, and kept in `seen`. */
  async takeYamux(wanted = () => true) {
    for (;;) {
      const got = wire.takeYamuxFrame(this.plain);
      if (got === undefined) {
        await this.takeRecord();
        continue;
      }
      this.plain = this.plain.subarray(got.taken);
      const { frame } = got;
      if (frame.type === wire.yamuxTypes.ping && frame.flags === wire.yamuxFlags.syn) this.yamux({ type: "ping", flags: ["ack"], length: frame.length });
      if (wanted(frame)) return frame;
    }
  }

  /** A text there and back on a stream of its own. */
  async echo(id, text = `echo ${id}`) {
    this.open(id);
    this.yamux({ id, body: text });
    let back = "";
    while (back.length < text.length) back += (await this.takeYamux((frame) => frame.id === id && frame.type === 0 && frame.length > 0)).body;
    if (back !== text) throw new Error(`the echo of ${text} is ${back}`);
    this.yamux({ type: "window", flags: ["rst"], id });
  }
}
