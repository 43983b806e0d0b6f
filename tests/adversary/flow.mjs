// Windows of a stream, as PROTOCOL has them under "Flow control" and "Wide windows": what the other side grants, counted frame by frame.
import * as wire from "./wire.mjs";

const wideBit = 0x0001_0000;
const narrowWindow = 262_144;
/** What is read before a receiver grants anew. */
const halfWindow = 131_072;
/** Halves that are said while the answer to a ping is held back: whatever takes longer is no path worth a wide window. */
const halvesHeld = 8;
/** Until a ping comes: what measures the path is loaded when it is first needed, in TypeScript. */
const halvesToAsk = 4_096;
/** From then until a window must have grown: a busy machine may stand still in one and the next. And while one must not. */
const halvesToGrow = 64;
const halvesToStay = 16;

/** A handshake with these features of ours from where the connection is upgraded, and what follows up to a stream of theirs or ours. */
export async function wide(party, features = wideBit) {
  if (party.role === "client") {
    party.init({ fields: { client_features: features } });
    await party.takeResp();
    party.ack();
    await party.takeRecord();
    party.open(1);
  } else {
    await party.takeInit();
    party.resp({ fields: { server_features: features } });
    await party.takeAck();
    party.record({ flag: 1 });
    await party.takeEcho();
  }
  const { server_features, client_features } = party.theirs;
  if (((server_features ?? client_features) & wideBit) === 0) throw new Error("it does not offer wide windows");
  noneOpensWithCredit(party);
}

function noneOpensWithCredit({ passed }) {
  const bad = passed.find(({ type, flags, length }) => type === wire.yamuxTypes.window && (flags & (wire.yamuxFlags.syn | wire.yamuxFlags.ack)) !== 0 && length !== 0);
  if (bad !== undefined) throw new Error(`a frame with SYN or ACK has a length of ${bad.length}`);
}

/** Bytes that a receiver reads: anything for an echo, a notification on a client's stream of calls. */
const filling = (party, bytes) => (party.role === "client" ? Buffer.alloc(bytes) : notification(bytes));
function notification(bytes) {
  const head = '{"type_id":9,"request_id":0,"response_to":0,"payload":"';
  return wire.jsonFrame(`${head}${"x".repeat(bytes - 4 - head.length - 2)}"}`);
}

/** Says one half of a window after the other, until one above the first was granted. The answer to the first ping is late, so that the path looks long, and
 * no other is answered meanwhile. Leaves what may be said now in `party.credit`, with nothing unread over there. */
async function untilWider(party, { id, said }, halvesAtMost, halvesUnasked = 0) {
  let credit = narrowWindow - said;
  const held = [];
  const answerHeld = () => held.splice(0).forEach((length) => party.yamux({ type: "ping", flags: ["ack"], length }));
  party.answersPings = false;
  let asked; // in which half
  for (let halves = 0; halves < (asked ?? halvesUnasked) + halvesAtMost; halves++) {
    party.yamux({ id, body: filling(party, halfWindow - said) });
    credit -= halfWindow - said;
    said = 0;
    for (let granted = 0; granted === 0; ) {
      const frame = await party.takeYamux(({ type, flags, id: of }) => (type === wire.yamuxTypes.ping && flags === wire.yamuxFlags.syn) || of === id);
      if (frame.type === wire.yamuxTypes.ping) {
        held.push(frame.length);
        asked ??= halves;
      } else if (frame.type === wire.yamuxTypes.data) party.yamux({ type: "window", id, length: frame.length });
      else if ((frame.flags & wire.yamuxFlags.rst) !== 0) throw new Error("the stream was reset");
      else credit += granted = frame.length;
    }
    if (halves - asked === halvesHeld) answerHeld();
    if (credit > narrowWindow) break;
  }
  answerHeld();
  party.answersPings = true;
  noneOpensWithCredit(party);
  party.credit = credit;
}

/** `said`: what of the first window is used up already. */
export async function widens(party, where) {
  await untilWider(party, where, halvesToGrow, halvesToAsk);
  if (party.credit <= narrowWindow || party.credit > 4_194_304) throw new Error(`a window of ${party.credit} after ${halvesToGrow} halves`);
}
export async function staysNarrow(party, where) {
  await untilWider(party, where, halvesToStay);
  if (party.credit > narrowWindow) throw new Error(`a window of ${party.credit}`);
}

/** All that may be said, and so many bytes more, in one record. */
export function fills(party, id, past) {
  const all = filling(party, party.credit + past);
  const frames = [];
  for (let at = 0; at < all.length; at += halfWindow) frames.push(party.yamuxBytes({ id, body: all.subarray(at, at + halfWindow) }));
  party.record({ plain: Buffer.concat(frames) });
}
