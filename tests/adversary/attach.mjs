// What a hostile peer shows a tunnel: the attach message, and the token in it, each field of them free.
import { createPrivateKey, sign } from "node:crypto";
import { Connection } from "./connection.mjs";
import { bytesOf, spoil } from "./party.mjs";
import { fresh } from "./wire.mjs";

const now = () => Math.floor(Date.now() / 1000);
const b64u = (bytes) => Buffer.from(bytes).toString("base64url");
const without = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

/** The issuer's private half, as flowersec-issuer-keygen writes it. */
export function issuerOf({ kid, privkey_b64u: seedAndPublic }) {
  const seed = Buffer.from(seedAndPublic, "base64url").subarray(0, 32);
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  return { kid, key: createPrivateKey({ key: der, format: "der", type: "pkcs8" }) };
}

export class Attacher {
  role = 1;

  constructor(connection, { issuer, audience, iss, url }, channelId = `ch-${b64u(fresh(9))}`) {
    Object.assign(this, { connection, issuer, audience, iss, url, channelId });
  }
  static async dial(tunnel, channelId) {
    return new Attacher(await Connection.dial(tunnel.url), tunnel, channelId);
  }

  /** `fields`: of the payload, null leaves one out; those ending in `_in` count from now. `text` instead of it; `spoil` for the whole text; `head` for FST2;
   * `parts` to say how many; `reuse` for the last token once more. */
  token({ fields = {}, text, head = "FST2", spoil: how, signature, tail = "", reuse } = {}) {
    if (reuse) return this.lastToken;
    const times = Object.fromEntries(Object.entries(fields).filter(([name]) => name.endsWith("_in")).map(([name, value]) => [name.slice(0, -3), now() + value]));
    const plain = Object.fromEntries(Object.entries(fields).filter(([name]) => !name.endsWith("_in")));
    const payload = {
      kid: this.issuer.kid, aud: this.audience, iss: this.iss, channel_id: this.channelId, role: this.role, token_id: b64u(fresh(24)),
      init_exp: now() + 100, idle_timeout_seconds: 60, iat: now(), exp: now() + 50, ...times, ...plain,
    };
    const signed = `${head}.${b64u(text === undefined ? JSON.stringify(without(payload)) : bytesOf(text))}`;
    const mark = signature === undefined ? sign(null, Buffer.from(signed), this.issuer.key) : bytesOf(signature);
    this.lastToken = `${spoil(Buffer.from(`${signed}.${b64u(mark)}`), how).toString("latin1")}${tail}`;
    return this.lastToken;
  }

  /** The attach message. `fields` as above; `text` instead of it; `ws` for the message around it. */
  attach({ fields = {}, token, text, pad = 0, tail = "", ws = {} } = {}) {
    const said = { v: 1, channel_id: this.channelId, role: this.role, token: this.token(token), endpoint_instance_id: b64u(fresh(24)), ...fields };
    const payload = text === undefined ? Buffer.from(`${JSON.stringify(without(said))}${" ".repeat(pad)}${tail}`) : bytesOf(text);
    this.connection.sendWs({ op: 1, payload, ...ws });
  }

  /** Whether the tunnel took us in: an honest peer of the other role, on the same channel, reaches us. */
  async isPaired() {
    const other = await Attacher.dial({ issuer: this.issuer, audience: this.audience, iss: this.iss, url: this.url }, this.channelId);
    try {
      await other.connection.upgrade(this.url);
      other.role = 3 - this.role;
      other.attach();
      const text = fresh(16);
      other.connection.sendWs({ op: 2, payload: text });
      const got = await this.connection.message();
      if (!got.equals(text)) throw new Error(`another message came: ${got.toString("hex")}`);
    } finally {
      other.connection.drop();
    }
  }
}
