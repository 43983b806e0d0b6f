// What the steps of a case do. The name of a step is its first key.
import { Attacher } from "./attach.mjs";
import { untilBlocked } from "./blocked.mjs";
import { Connection } from "./connection.mjs";
import { fills, staysNarrow, wide, widens } from "./flow.mjs";
import { bytesOf, Party } from "./party.mjs";
import { openMessage } from "./sealed.mjs";
import * as wire from "./wire.mjs";

const isObject = (value) => typeof value === "object" && value !== null;
/** Whether everything that is wanted is there. */
export function isPart(wanted, got) {
  if (!isObject(wanted)) return wanted === got;
  return isObject(got) && Object.entries(wanted).every(([name, value]) => isPart(value, got[name]));
}
const isFrame = ({ body, ...wanted }, got) => isPart(wanted, got) && (body === undefined || bytesOf(body).equals(got.body));
/** Members that are null are left out. */
const withoutNull = (value) => (isObject(value) && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null)) : value);
/** A stream by its id, or that of chats. */
const streamOf = (party, id = 0) => (id === "chat" ? party.stream : id);
/** Less than the answers to any flood: what a full socket may still take when its kernel settles. */
const little = 16_384;
const bothEnds = "the connection ended";

const takes = {
  ack: (party) => party.takeAck(),
  resp: (party) => party.takeResp(),
  finished: (party) => party.takeRecord(),
  head: ({ connection }) => connection.head(),
  /** The same bytes as the message before. */
  same: async (party) => {
    const before = party.last;
    party.last = await party.connection.message();
    if (!before.equals(party.last)) throw new Error("another message than before");
  },
};

/** Another session of the same client with the same server, as honest as ours was up to here. */
async function otherSession(party) {
  const other = await Party.dial(party.shim.url, party.info);
  party.extra.push(other.connection);
  party.otherSessions++;
  await other.connection.upgrade(party.shim.url);
  other.init();
  await other.takeResp();
  other.ack();
  await other.takeRecord();
  return other;
}

const list = {
  raw: ({ connection }, value) => connection.send(bytesOf(value)),
  ws: ({ connection }, { payload, times = 1, ...frame }) => {
    for (let i = 0; i < times; i++) connection.sendWs({ ...frame, payload: bytesOf(payload) });
  },
  finish: ({ connection }) => connection.finish(),
  /** Nothing is read, until `listens`: for as long as the other side takes what we say, and at most for a while. */
  deaf: ({ connection }) => connection.socket.pause(),
  listens: async ({ connection }) => {
    await connection.drained();
    connection.socket.resume();
  },
  sources: (party, streams) => {
    for (let i = 0; i < streams; i++) party.open(1_000_001 + 2 * i, "source");
  },
  /** We are deaf, and streams that say all that their windows let through are asked for, until the other side has no room for another byte to us. What we say then
   * is to be little: a kernel that has no room left takes acknowledgements late. */
  fills_way: async (party, streams) => {
    list.sources(party, streams);
    party.unsent = await untilBlocked(party.connection, party.shim.pid);
  },
  /** How many pings with a value of 1000 and above were answered, whatever else there was to say. */
  answered: async (party, wanted) => {
    const isAnswer = ({ type, flags, length }) => type === wire.yamuxTypes.ping && flags === wire.yamuxFlags.ack && length >= 1_000;
    const count = () => party.passed.filter(isAnswer).length;
    while (count() < wanted) await party.takeYamux(isAnswer);
    await party.ping(); // one more while they wait would not be answered
    if (count() !== wanted) throw new Error(`${count()} pings were answered`);
  },
  /** That it is as blocked as it was, though it has read all that we said since. */
  stays_blocked: async (party) => {
    const unsent = await untilBlocked(party.connection, party.shim.pid);
    if (unsent > party.unsent + little) throw new Error(`it was not blocked: ${unsent} bytes are unsent, ${party.unsent} were`);
  },
  /** Another key than the honest one, which both sides then speak of. */
  key: ({ own }, text) => (own.bytes = Buffer.from(text, "base64url")),
  top_bit: ({ own }) => (own.bytes[31] |= 0x80),
  vectors: (party) => party.useVectors(),
  /** Any frame of the handshake. */
  say: (party, { type, fields }) => party.say(type, fields),
  /** The other side's own key and nonce, as if they were ours. */
  init_of_theirs: (party) => party.init({ fields: { client_eph_pub_b64u: party.theirs.server_eph_pub_b64u, nonce_c_b64u: party.theirs.nonce_s_b64u } }),
  resp_of_theirs: (party) => party.resp({ fields: { server_eph_pub_b64u: party.theirs.client_eph_pub_b64u, nonce_s_b64u: party.theirs.nonce_c_b64u } }),
  /** Our answer to an upgrade, the right one but for this. */
  accept: ({ connection }, spec) => connection.acceptUpgrade(spec),
  open_message: (party, spec) => {
    const { payload, info } = openMessage(party.shim.publicKey, party.suite ?? party.shim.suite, spec);
    party.knows(info);
    party.connection.sendWs({ op: 1, ...spec.ws, payload });
  },
  init: (party, spec) => party.init(spec),
  resp: (party, spec) => party.resp(spec),
  ack: (party, spec) => party.ack(spec),
  /** Everything that is left of the handshake, as if nothing were wrong; or as far as the other side goes along. */
  go_on: async (party) => {
    try {
      if (party.role === "client") {
        await party.takeResp();
        party.ack();
        await party.takeRecord();
      } else {
        await party.takeAck();
        party.record({ flag: 1 });
        await party.takeEcho();
      }
    } catch (error) {
      if (error.message !== bothEnds && party.connection.closedWith === undefined) throw error;
    }
  },
  record: (party, { times = 1, ...spec }) => {
    for (let i = 0; i < times; i++) party.record(spec);
  },
  rekey: (party, times) => {
    for (let i = 0; i < Number(times); i++) party.rekey();
  },
  /** What follows a rekey record that was sent as any other. */
  rekeyed: (party) => party.rekeyed(),
  rekey_other: (party) => party.rekeyed(party.in),
  /** A rekey record that is sealed with the key that it makes. */
  rekey_early: (party) => {
    party.sent++;
    party.rekeyed();
    party.sent--;
    party.record({ flag: wire.recordFlags.rekey });
  },
  /** As if keys were made of the ones before. */
  rekey_chained: (party) => {
    party.record({ flag: wire.recordFlags.rekey });
    const base = { ...party.keys, rekeyBase: party.out.key };
    party.out = wire.afterRekey(base, party.out, party.sent);
  },
  remember_key: (party) => (party.others = { remembered: party.out }),
  skip: (party, count) => (party.sent += BigInt(count)),
  /** A yamux ping whose header is cut there, with a rekey between. */
  cut_ping: (party, at) => {
    const bytes = party.yamuxBytes({ type: "ping", flags: ["syn"], length: 3 });
    party.record({ plain: bytes.subarray(0, at) });
    party.rekey();
    party.record({ plain: bytes.subarray(at) });
  },
  /** A record with a yamux ping in fragments of so many bytes. */
  ping_in_fragments: (party, size, { empty = false, pings = false }) => {
    const { connection } = party;
    const send = connection.sendWs;
    connection.sendWs = ({ payload }) => {
      for (let at = 0; at < payload.length; at += size) {
        send.call(connection, { op: at === 0 ? 2 : 0, fin: at + size >= payload.length, payload: payload.subarray(at, at + size) });
        if (at + size >= payload.length) break;
        if (empty) send.call(connection, { op: 0, fin: false });
        if (pings) send.call(connection, { op: 9, payload: Buffer.from("between") });
      }
    };
    party.yamux({ type: "ping", flags: ["syn"], length: 7 });
    connection.sendWs = send;
  },
  yamux: (party, { times = 1, step = 0, ...spec }) => {
    for (let i = 0; i < times; i++) party.yamux({ ...spec, id: streamOf(party, spec.id) + i * step });
  },
  /** Several yamux frames in one record, or one record for every so many bytes of them. */
  packed: (party, { frames, pieces }) => {
    const all = Buffer.concat(frames.map((frame) => party.yamuxBytes(frame)));
    for (let at = 0, size = pieces ?? all.length; at < all.length; at += size) party.record({ plain: all.subarray(at, at + size) });
  },
  open: (party, { id, kind }) => party.open(id, kind),
  echo: (party, id) => party.echo(id),
  /** A JSON frame on a stream. `length` may lie; `text` instead of a value. */
  json: (party, { id = party.stream ?? 1, times = 1, value, text, length }) => {
    const said = text === undefined ? JSON.stringify(withoutNull(party.filled?.(value) ?? value)) : bytesOf(text).toString("utf8");
    for (let i = 0; i < times; i++) party.yamux({ id, body: wire.jsonFrame(said, { length }) });
  },
  /** Another visitor with our session. */
  second_visitor: async (party, hello) => {
    const other = await Party.dial(party.shim.url);
    Object.assign(other, { shim: party.shim });
    party.extra.push(other.connection);
    await other.connection.upgrade(party.shim.url);
    list.open_message(other, {});
    other.init();
    await other.takeResp();
    other.ack();
    await other.takeRecord();
    other.open(1, "ownwire/chat");
    other.yamux({ id: 1, body: wire.jsonFrame({ type: "hello", v: 1, ...party.filled(hello) }) });
    const got = await other.takeJson(1);
    if (got.type !== "welcome" || !got.resumed) throw new Error(`the session was not resumed: ${JSON.stringify(got)}`);
  },
  leave: ({ connection }) => connection.sendWs({ op: 8, payload: Buffer.from([3, 232]) }),
  /** The next JSON frame of a stream; notifications that nobody asked for are passed over. */
  hears: async (party, { stream = party.stream ?? 1, ...wanted }) => {
    for (;;) {
      const got = await party.takeJson(stream);
      if (got.request_id === 0 && got.response_to === 0) continue;
      if (!isPart(wanted, got)) throw new Error(`another frame came: ${JSON.stringify(got)}`);
      party.heard = got;
      return;
    }
  },
  /** No message until the end. */
  says_nothing: ({ connection }) => connection.message().then(
    () => Promise.reject(new Error("it said something")),
    () => {},
  ),
  /** Whether nothing came for a stream, and nothing comes: a ping is answered behind it. */
  quiet: async (party, id) => {
    await party.ping();
    const heard = party.passed.find((frame) => frame.id === id);
    if (heard !== undefined) throw new Error(`a frame for stream ${id} came: type ${heard.type}, flags ${heard.flags}`);
  },
  /** The same behind a stream that was there: no RST `but` so many, whatever else was under way. */
  quiet_reset: async (party, id, { but = 0 }) => {
    await list.quiet(party, -1);
    const resets = party.passed.filter((frame) => frame.id === id && (frame.flags & wire.yamuxFlags.rst) !== 0).length;
    if (resets !== but) throw new Error(`${resets} RST for stream ${id} came`);
  },
  /** No answer to a ping with that value. */
  no_pong: async (party, value) => {
    await list.quiet(party, -1);
    if (party.passed.some((frame) => frame.type === wire.yamuxTypes.ping && frame.length === value)) throw new Error(`a ping was answered`);
  },
  /** Frames of one stream that are not looked at, but for their number of bytes. Credit is given. */
  counts: async (party, { id, bytes }) => {
    for (let left = bytes; left > 0; ) {
      const { length } = await party.takeYamux((frame) => frame.id === id && frame.type === 0);
      left -= length;
      party.yamux({ type: "window", id, length });
      if (left < 0) throw new Error(`${-left} bytes too many`);
    }
  },
  /** So many frames in one record, in so many records. */
  yamux_flood: (party, { times, records = 1, step = 0, frame }) => {
    const all = Buffer.concat(Array.from({ length: times }, (_, i) => party.yamuxBytes({ ...frame, id: streamOf(party, frame.id) + i * step })));
    for (let i = 0; i < records; i++) party.record({ plain: all });
  },
  pings: (party, times, { records = 1 }) => {
    const all = Buffer.concat(Array.from({ length: times }, (_, i) => party.yamuxBytes({ type: "ping", flags: ["syn"], length: 1_000 + i })));
    for (let i = 0; i < records; i++) party.record({ plain: all });
  },
  /** Exactly so many answers, in order. */
  pongs: async (party, count) => {
    // One more while they wait would not be answered.
    for (let i = 0; i < count; i++) await party.takeYamux(({ type, flags }) => type === wire.yamuxTypes.ping && flags === wire.yamuxFlags.ack);
    await list.quiet(party, -1);
    const values = party.passed.filter(({ type, flags, length }) => type === wire.yamuxTypes.ping && flags === wire.yamuxFlags.ack && length >= 1_000).map(({ length }) => length);
    if (values.length !== count || values.some((value, i) => value !== 1_000 + i)) throw new Error(`${values.length} answers, from ${values[0]} to ${values.at(-1)}`);
  },
  open_and_reset: (party, { times, records = 1, hello = false }) => {
    const pair = (id) => [
      { type: "window", flags: ["syn"], id }, ...(hello ? [{ id, json: { kind: "echo", v: 1 } }] : []), { type: "window", flags: ["rst"], id },
    ].map((frame) => party.yamuxBytes(frame));
    for (let i = 0; i < records; i++) party.record({ plain: Buffer.concat(Array.from({ length: times }, (_, n) => pair(101 + 2 * (i * times + n))).flat()) });
  },
  wide: (party, features) => wide(party, features === true ? undefined : features),
  widens: (party, spec) => widens(party, spec),
  stays_narrow: (party, spec) => staysNarrow(party, spec),
  /** Everything that was granted; `past`: and so many bytes more. */
  fills: (party, id, { past = 0 }) => fills(party, id, past),
  cut_end: (party, at) => party.record({ plain: party.yamuxBytes({ type: "ping", flags: ["syn"] }).subarray(0, at) }),
  sees: (party, wanted) => party.takeYamux((frame) => isFrame(wanted, frame)),
  frame: async (party, wanted) => {
    let got = await party.connection.frame();
    for (; got?.op === 2; got = await party.connection.frame()) party.read(got.payload); // what it says of itself
    if (got === undefined || !isFrame(wanted, { ...got, body: got.payload })) throw new Error(`the frame is ${got === undefined ? "none" : `${got.op} ${got.payload.toString("hex")}`}`);
  },
  attach: (attacher, spec) => attacher.attach(spec),
  /** Who comes now comes after us. */
  taken: (attacher) => attacher.taken(),
  /** Another peer that attaches to our channel: in the other role or, `again`, in ours; with a token of its own or, `reuse`, with ours; `neighbour`: to the
   * channel of that name of another tenant. */
  other: async (attacher, { again = false, reuse = false, neighbour = false, ends, ...spec }) => {
    const other = await Attacher.dial(neighbour ? attacher.neighbour : attacher, attacher.channelId);
    attacher.extra.push(other.connection);
    attacher.other = other;
    await other.connection.upgrade(attacher.url);
    other.role = again ? attacher.role : 3 - attacher.role;
    if (reuse) other.lastToken = attacher.lastToken;
    other.attach(reuse ? { token: { reuse } } : spec);
    if (ends === undefined) return other.taken();
    const end = await other.connection.end();
    if (end !== ends) throw new Error(`the other one ended with ${end}`);
  },
  /** That it is still there. */
  other_stays: ({ other }) => other.taken(),
  /** Keys of another session, for records that are `with` its "other" (what it would send) or "other peer" (what it would get). */
  other_session: async (party) => {
    const other = await otherSession(party);
    party.others = { other: other.out, "other peer": other.in };
    party.otherLast = other.last;
  },
  /** What it said last, back to it; or, "other", what it said last to somebody else. */
  reflect: (party, which) => party.connection.sendWs({ op: 2, payload: which === "other" ? party.otherLast : party.last }),
  /** The frame of the handshake that we said last, once more, on a connection of its own, which ends so. */
  replay: async (party, { ends, says }) => {
    const connection = await Connection.dial(party.shim.url);
    party.extra.push(connection);
    await connection.upgrade(party.shim.url);
    connection.sendWs({ op: 2, payload: party.frame });
    const end = await connection.end();
    const said = await party.shim.heard();
    if (end !== ends || said !== says) throw new Error(`the other connection ended with ${end}, ${said}`);
  },
  /** The other role attaches, and gets so many bytes at first. */
  joins: async (attacher, { bytes }) => {
    attacher.peer = await attacher.otherEnd();
    attacher.extra.push(attacher.peer.connection);
    const got = await attacher.peer.connection.message();
    if (got.length !== bytes) throw new Error(`${got.length} bytes came`);
  },
  /** What came to the honest peer next: messages, whole, each in one frame without reserved bits and mask. */
  peer_gets: async ({ peer }, wanted) => {
    for (const each of Array.isArray(wanted) ? wanted : [wanted]) {
      const frame = await peer.connection.frame();
      const expected = bytesOf(each);
      if (frame === undefined) throw new Error("the peer's connection ended");
      const { op, fin, rsv, masked, payload } = frame;
      if (op !== 2 || !fin || rsv !== 0 || masked || !payload.equals(expected)) throw new Error(`the peer got opcode ${op}, ${payload.length} bytes: ${payload.toString("hex", 0, 40)}`);
    }
  },
  /** What the honest peer says, and whether it comes. */
  peer_says: async ({ peer, connection }, value) => {
    peer.connection.sendWs({ op: 2, payload: bytesOf(value) });
    const got = await connection.message();
    if (!got.equals(bytesOf(value))) throw new Error(`${got.length} bytes came`);
  },
  /** So many calls at once, each answered once. */
  calls: async (party, count) => {
    for (let i = 1; i <= count; i++) party.yamux({ id: 1, body: wire.jsonFrame({ type_id: 7, request_id: i, response_to: 0, payload: i }) });
    const left = new Set(Array.from({ length: count }, (_, i) => i + 1));
    while (left.size > 0) {
      const { response_to: id, payload, error } = await party.takeJson(1);
      if (id === 0) continue;
      if (!left.delete(id) || (payload !== id && error?.code !== 429)) throw new Error(`the answer to ${id} is ${JSON.stringify(payload)}`);
    }
  },
  resp_as_client: (party, spec) => party.say(2, { handshake_id: "x", server_eph_pub_b64u: party.own.bytes.toString("base64url"), nonce_s_b64u: party.nonce.toString("base64url"), server_features: 0 }, spec),
  /** What a registry or a site's program says or is told: WebSocket texts. */
  says: (party, { text, ...value }) => party.connection.sendWs({ op: 1, payload: text === undefined ? Buffer.from(JSON.stringify(withoutNull(party.filled(value)))) : bytesOf(text) }),
  says_many: (party, { times, value }) => {
    for (let i = 0; i < times; i++) list.says(party, value);
  },
  told: async (party, wanted) => {
    let got = await party.takeText();
    while (got.type === "session_start" && wanted.type !== "session_start") got = await party.takeText();
    if (!isPart(wanted, got)) throw new Error(`another text came: ${JSON.stringify(got)}`);
    party.heard = got;
  },
  register: (party, spec) => party.register(spec),
  challenge: (party, spec) => party.challenge(spec),
  registered: (party, spec) => party.registered(spec),
  welcome: (party, spec) => party.welcome(spec),
  replies: (party, spec) => party.replies(spec),
  long_reply: (party, bytes, { seq = 1 }) => party.longReply(seq, bytes),
};

export async function doAll(party, steps) {
  for (const step of steps) {
    const [[name, value], ...more] = Object.entries(step);
    const what = name === "takes" ? takes[value] : list[name];
    if (what === undefined) throw new Error(`no step ${name} ${value}`);
    await what(party, value, Object.fromEntries(more));
  }
}
