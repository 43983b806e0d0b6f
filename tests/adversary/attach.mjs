// What a hostile peer shows a tunnel: the attach message, and the token in it, each field of them free.
import { createPrivateKey, sign } from "node:crypto";
import { Connection } from "./connection.mjs";
import { objectText } from "./json_text.mjs";
import { bytesOf, spoil } from "./party.mjs";
import { fresh } from "./wire.mjs";

const now = () => Math.floor(Date.now() / 1000);
const b64u = (bytes) => Buffer.from(bytes).toString("base64url");

/** The issuer's private half, as flowersec-issuer-keygen writes it. */
export function issuerOf({ kid, privkey_b64u: seedAndPublic }) {
  const seed = Buffer.from(seedAndPublic, "base64url").subarray(0, 32);
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  return { kid, key: createPrivateKey({ key: der, format: "der", type: "pkcs8" }) };
}

/** When each channel began: both of its ends have tokens with the same end of the init window. */
const beginnings = new Map();

export class Attacher {
  role = 1;

  constructor(connection, { issuer, audience, iss, url, neighbour }, channelId = `ch-${b64u(fresh(9))}`) {
    Object.assign(this, { connection, issuer, audience, iss, url, neighbour, channelId });
    if (!beginnings.has(channelId)) beginnings.set(channelId, now());
  }
  static async dial(tunnel, channelId) {
    return new Attacher(await Connection.dial(tunnel.url), tunnel, channelId);
  }

  /** `fields`: of the payload; those ending in `_in` count from now. `text` instead of it; `spoil` for the whole text; `head` for FST2; `reuse` for the last token
   * once more; `foreign`: signed with the key of another tenant; the rest as objectText(). */
  token({ fields = {}, text, head = "FST2", spoil: how, signature, tail = "", reuse, foreign = false, ...spec } = {}) {
    if (reuse) return this.lastToken;
    const times = Object.fromEntries(Object.entries(fields).filter(([name]) => name.endsWith("_in")).map(([name, value]) => [name.slice(0, -3), now() + value]));
    const plain = Object.fromEntries(Object.entries(fields).filter(([name]) => !name.endsWith("_in")));
    const payload = {
      kid: this.issuer.kid, aud: this.audience, iss: this.iss, channel_id: this.channelId, role: this.role, token_id: b64u(fresh(24)),
      init_exp: beginnings.get(this.channelId) + 100, idle_timeout_seconds: 60, iat: now(), exp: now() + 50, ...times,
    };
    const signed = `${head}.${b64u(text === undefined ? objectText(payload, { ...spec, fields: plain }) : bytesOf(text))}`;
    const mark = signature === undefined ? sign(null, Buffer.from(signed), (foreign ? this.neighbour : this).issuer.key) : bytesOf(signature);
    this.lastToken = `${spoil(Buffer.from(`${signed}.${b64u(mark)}`), how).toString("latin1")}${tail}`;
    return this.lastToken;
  }

  /** The attach message. As above; `spaced`: white space around the texts; `ws` for the message around it. */
  attach({ token, text, pad = 0, tail = "", spaced = false, ws = {}, ...spec } = {}) {
    const around = spaced ? " " : "";
    const said = { v: 1, channel_id: `${around}${this.channelId}${around}`, role: this.role, token: `${around}${this.token(token)}${around}`, endpoint_instance_id: b64u(fresh(24)) };
    const payload = text === undefined ? Buffer.from(`${objectText(said, spec)}${" ".repeat(pad)}${tail}`) : bytesOf(text);
    this.connection.sendWs({ op: 1, payload, ...ws });
  }

  /** Until the tunnel has read our attach message and went on to the next: what others say now comes after it. */
  async taken() {
    this.connection.sendWs({ op: 9, payload: Buffer.from("taken") });
    const answer = await this.connection.frame();
    if (answer?.op !== 10) throw new Error(answer === undefined ? "the connection ended" : `opcode ${answer.op} in place of a pong`);
  }

  /** Whoever attaches to our channel in the other role. */
  async otherEnd() {
    const other = await Attacher.dial(this, this.channelId);
    await other.connection.upgrade(this.url);
    other.role = 3 - this.role;
    other.attach();
    return other;
  }

  /** An honest peer of the other role, which has reached us, and stays. */
  async pair() {
    this.peer = await this.otherEnd();
    this.extra.push(this.peer.connection);
    await this.peer.reaches(this);
  }

  async reaches(other) {
    const text = fresh(16);
    this.connection.sendWs({ op: 2, payload: text });
    const got = await other.connection.message();
    if (!got.equals(text)) throw new Error(`another message came: ${got.toString("hex")}`);
  }

  /** Whether the tunnel took us in: we and an honest peer, the one that is there or one that comes, reach each other. */
  async isPaired() {
    if (this.peer === undefined) await this.pair();
    else await this.peer.reaches(this);
    await this.reaches(this.peer);
  }

  /** What the honest peer got: the messages that no step has taken, how much came of another one, and how its connection ended. */
  async whatPeerGot() {
    const { connection } = this.peer;
    const got = [];
    const end = await connection.end(({ op, payload }) => {
      const text = `${op === 2 ? "" : `opcode ${op} `}${payload.length > 20 ? `${payload.length} bytes` : payload}`;
      if (got.at(-1)?.text === text) got.at(-1).times++;
      else got.push({ text, times: 1 });
    });
    const messages = got.map(({ text, times }) => (times === 1 ? text : `${times} x ${text}`));
    return [...messages, ...(connection.unread > 0 ? [`${connection.unread} bytes of one`] : []), end].join(", ");
  }
}
