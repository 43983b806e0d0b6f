// A hostile peer in either role: it can do everything right up to some point, and then anything.
import { Connection } from "./connection.mjs";
import { objectText } from "./json_text.mjs";
import * as wire from "./wire.mjs";

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

const fixedPairs = new Map();
/** The key pair of a scalar, with public bytes of its own: a case may spoil them. */
function fixedPair(suite, scalar) {
  const name = `${suite} ${scalar.toString("hex")}`;
  if (!fixedPairs.has(name)) fixedPairs.set(name, wire.ephemeral(suite, scalar));
  const { bytes, agree } = fixedPairs.get(name);
  return { bytes: Buffer.from(bytes), agree };
}

export class Party {
  #own;
  #peerKey;
  #keys;
  #out;
  #in;
  sent = 0n; // number of the last record
  taken = 0n;
  plain = Buffer.alloc(0);
  passed = []; // frames that came
  answersPings = true;
  texts = new Map(); // what came on streams of JSON frames and was not taken

  constructor(role, connection, info) {
    Object.assign(this, { role, connection, info });
    if (info !== undefined) this.knows(info);
    this.nonce = wire.fresh(32);
  }

  /** The channel, and its key. */
  knows(info) {
    this.info = info;
    this.psk = Buffer.from(info.e2ee_psk_b64u, "base64url");
    this.suite = info.default_suite;
    this.#own = undefined;
  }
  /** Our key pair of the handshake, made when it is first asked for. */
  get own() {
    return (this.#own ??= wire.ephemeral(this.suite));
  }
  /** Key pair and nonce of the handshake vectors, so that a message has the same bytes every time. */
  useVectors() {
    const isClient = this.role === "client";
    const scalar = Buffer.alloc(32);
    scalar[31] = isClient ? 1 : 2;
    this.#own = fixedPair(this.suite, scalar);
    this.nonce = Buffer.from(Array.from({ length: 32 }, (_, i) => i + (isClient ? 0 : 32)));
  }

  static async dial(url, info) {
    return new Party("client", await Connection.dial(url), info);
  }

  /** A frame of the handshake. `text` instead of the JSON, `fseh` for the frame around it, `spoil` for its bytes, `ws` for the message around that; the rest
   * as objectText(). */
  say(type, usual, { text, prefix, fseh = {}, spoil: how, ws = {}, times = 1, ...spec } = {}) {
    const payload = Buffer.concat([bytesOf(prefix), text === undefined ? Buffer.from(objectText(usual, spec)) : bytesOf(text)]);
    this.frame = spoil(wire.fseh({ type, payload, ...fseh }), how);
    if (how !== undefined) this.spoiled = this.frame;
    for (let i = 0; i < times; i++) this.connection.sendWs({ op: 2, payload: this.frame, ...ws });
  }

  init(spec = {}) {
    const { suite, nonce, own } = this;
    this.clientFeatures = spec.fields?.client_features ?? 0;
    this.say(1, {
      channel_id: this.info.channel_id, role: 1, version: 1, suite, client_eph_pub_b64u: b64u(own.bytes), nonce_c_b64u: b64u(nonce), client_features: 0,
    }, spec);
  }

  async takeResp() {
    const frame = (this.last = await this.connection.message());
    const resp = (this.theirs = JSON.parse(frame.subarray(10)));
    this.handshakeId = resp.handshake_id;
    this.#agree(Buffer.from(resp.server_eph_pub_b64u, "base64url"), Buffer.from(resp.nonce_s_b64u, "base64url"), { serverFeatures: resp.server_features });
    return frame;
  }

  ack(spec = {}) {
    const timestamp = BigInt(Math.floor(Date.now() / 1000) + (spec.skew ?? 0));
    const tag = spoil(wire.authTag(spec.psk ? bytesOf(spec.psk) : this.psk, this.transcript, timestamp + BigInt(spec.shift ?? 0)), spec.tag);
    this.say(3, { handshake_id: this.handshakeId, timestamp_unix_s: Number(timestamp), auth_tag_b64u: b64u(tag) }, spec);
  }

  async takeInit() {
    this.last = await this.connection.message();
    const init = (this.theirs = JSON.parse(this.last.subarray(10)));
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

  async takeAck() {
    this.last = await this.connection.message();
  }

  #agree(peerKey, peerNonce, { clientFeatures = this.clientFeatures, serverFeatures }) {
    const isClient = this.role === "client";
    const [clientKey, serverKey] = isClient ? [this.own.bytes, peerKey] : [peerKey, this.own.bytes];
    const [clientNonce, serverNonce] = isClient ? [this.nonce, peerNonce] : [peerNonce, this.nonce];
    this.transcript = wire.transcriptHash({
      suite: this.suite, clientFeatures, serverFeatures, channelId: this.info.channel_id, clientNonce, serverNonce, clientKey, serverKey,
    });
    this.#keys = this.#out = this.#in = undefined;
    this.#peerKey = peerKey;
  }

  /** Of the session, made when they are first asked for: many a handshake ends before. */
  get keys() {
    return (this.#keys ??= wire.trafficKeys(this.psk, this.own.agree(this.#peerKey), this.transcript));
  }
  /** Those that we send with, and those that we get. */
  get out() {
    return (this.#out ??= this.keys[this.role === "client" ? "c2s" : "s2c"]);
  }
  set out(keys) {
    this.#out = keys;
  }
  get in() {
    return (this.#in ??= this.keys[this.role === "client" ? "s2c" : "c2s"]);
  }
  set in(keys) {
    this.#in = keys;
  }

  /** One record. `seq` counts from the honest number, `number` is one; `with`: "peer", the other direction's keys, "fresh", "first", those before any rekey, or one of
   * `others`; `resealed`: what the header says instead once it is sealed; `again` repeats the last, `stored` the one that was to be stored; `twice` in one message,
   * in two `halves`. */
  record({ plain, flag = 0, seq = 0, number, keep = false, again = false, store = false, stored = false, with: keys, spoil: how, resealed, nonceOff, twice, halves, ws = {}, ...header } = {}) {
    const honest = this.sent + 1n;
    if (!again && !stored) {
      const said = number === undefined ? honest + BigInt(seq) : BigInt(number);
      const key = { own: this.out, peer: this.in, fresh: { ...this.out, key: wire.fresh(32) }, first: this.keys[this.out.name], ...this.others }[keys ?? "own"];
      const nonce = nonceOff === undefined ? {} : { nonceSeq: said + BigInt(nonceOff) };
      const sealed = wire.record(key, { seq: said, flag, plain: bytesOf(plain), ...nonce, ...header });
      if (resealed?.flag !== undefined) sealed[5] = resealed.flag;
      if (resealed?.seq !== undefined) sealed.writeBigUInt64BE(said + BigInt(resealed.seq), 6);
      this.lastRecord = spoil(sealed, how);
      if (how !== undefined) this.spoiled = this.lastRecord;
      if (!keep) this.sent = number === undefined ? said : honest;
    }
    if (store) this.storedRecord = this.lastRecord;
    const bytes = stored ? this.storedRecord : this.lastRecord;
    const middle = Math.floor(bytes.length / 2);
    const messages = twice ? [Buffer.concat([bytes, bytes])] : halves ? [bytes.subarray(0, middle), bytes.subarray(middle)] : [bytes];
    for (const payload of messages) this.connection.sendWs({ op: 2, payload, ...ws });
  }
  rekey() {
    this.record({ flag: wire.recordFlags.rekey });
    this.rekeyed();
  }
  /** The record before was a rekey. `of`: whose keys follow. */
  rekeyed(of = this.out) {
    this.out = { ...this.out, key: wire.afterRekey(this.keys, of, this.sent).key };
  }

  /** `json`: a body that is a JSON frame. */
  yamuxBytes({ type = "data", flags = [], body, json, ...rest }) {
    const flagBits = typeof flags === "number" ? flags : flags.reduce((sum, name) => sum | wire.yamuxFlags[name], 0);
    const typeNumber = typeof type === "number" ? type : wire.yamuxTypes[type];
    const bytes = json === undefined ? body : wire.jsonFrame(json);
    return wire.yamuxFrame({ type: typeNumber, flags: flagBits, ...(bytes !== undefined && { body: bytesOf(bytes) }), ...rest });
  }
  yamux(frame) {
    this.record({ plain: this.yamuxBytes(frame) });
  }
  open(id, kind = "echo") {
    this.yamux({ type: "window", flags: ["syn"], id });
    this.yamux({ id, body: wire.jsonFrame({ kind, v: 1 }) });
  }

  /** JSON frames of a stream, one after the other. Throws when it ends instead. */
  async takeJson(id) {
    for (;;) {
      const bytes = this.texts.get(id) ?? Buffer.alloc(0);
      const length = bytes.length < 4 ? Infinity : bytes.readUInt32BE(0) + 4;
      if (bytes.length >= length) {
        this.texts.set(id, bytes.subarray(length));
        return JSON.parse(bytes.toString("utf8", 4, length));
      }
      const { type, flags, body } = await this.takeYamux((frame) => frame.id === id);
      if ((flags & (wire.yamuxFlags.fin | wire.yamuxFlags.rst)) !== 0 && body.length === 0) throw new Error(`stream ${id} ended with flags ${flags}`);
      if (type === wire.yamuxTypes.data) this.texts.set(id, Buffer.concat([bytes, body]));
    }
  }

  async takeRecord() {
    this.last = await this.connection.message();
    return this.read(this.last);
  }
  read(message) {
    const number = this.taken + 1n;
    const { flag, plain } = wire.openRecord(this.in, number, message);
    this.taken = number;
    if (flag === wire.recordFlags.app) this.plain = Buffer.concat([this.plain, plain]);
    if (flag === wire.recordFlags.rekey) this.in = wire.afterRekey(this.keys, this.in, number);
    return { flag, plain };
  }

  /** The next yamux frame that is so. Pings are answered; others are passed over. */
  async takeYamux(wanted = () => true) {
    for (;;) {
      const got = wire.takeYamuxFrame(this.plain);
      if (got === undefined) {
        await this.takeRecord();
        continue;
      }
      this.plain = this.plain.subarray(got.taken);
      const { frame } = got;
      this.passed.push(frame);
      if (this.answersPings && frame.type === wire.yamuxTypes.ping && frame.flags === wire.yamuxFlags.syn) this.yamux({ type: "ping", flags: ["ack"], length: frame.length });
      if (wanted(frame)) return frame;
    }
  }

  /** A client under test says "hello there" on a stream: its id. */
  async takeEcho() {
    const said = new Map();
    for (;;) {
      const { id, body } = await this.takeYamux((frame) => frame.type === 0);
      said.set(id, (said.get(id) ?? "") + body.toString("latin1"));
      if (said.get(id).endsWith("hello there")) return (this.echoId = id);
    }
  }
  answerEcho() {
    this.yamux({ type: "window", flags: ["ack"], id: this.echoId });
    this.yamux({ type: "data", flags: ["fin"], id: this.echoId, body: "hello there" });
  }

  /** A client under test calls. */
  async takeCall() {
    const { kind } = await this.takeJson(1);
    const { type_id, request_id, response_to, payload } = await this.takeJson(1);
    if (kind !== "rpc" || type_id !== 7 || request_id !== 1 || response_to !== 0 || payload !== "x") throw new Error(`no call: ${kind} ${type_id} ${request_id} ${response_to} ${payload}`);
    this.yamux({ type: "window", flags: ["ack"], id: 1 });
  }
  answerCall(payload) {
    this.yamux({ id: 1, json: { type_id: 7, request_id: 0, response_to: 1, payload } });
  }

  /** A ping of the multiplexer, there and back. */
  async ping() {
    this.yamux({ type: "ping", flags: ["syn"], length: 77 });
    await this.takeYamux(({ type, flags, length }) => type === wire.yamuxTypes.ping && flags === wire.yamuxFlags.ack && length === 77);
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
