// What happens between this project's multiplexer and hashicorp's: the table of outcomes.
// `own` is this project's side and `go` the other; what a case gives back must be what stands beside its name.
import { ACK, DATA, PING, RST, SYN } from "./party.mjs";

const window = 262_144;
const range = (count) => Array.from({ length: count }, (_, i) => i);
const all = (...work) => Promise.all(work);

/** Asks again, a round trip later, until it says what is wanted. */
async function comes(wanted, party, line, other) {
  for (let tries = 0; tries < 200; tries++) {
    if ((await party.ask(line)) === wanted) return wanted;
    await other.ask("ping");
  }
  return party.ask(line);
}
const nothingLeft = async ({ own, go }) => `${await comes("count 0", own, "streams", go)} and ${await comes("count 0", go, "streams", own)}`;

/** A stream of its own that comes back as it was sent. */
async function echoed(party, name, bytes) {
  const opened = await party.ask(`open ${name}`);
  if (!opened.startsWith("id ")) return opened;
  const written = party.ask(`write ${name} ${bytes}`);
  const read = await party.ask(`read ${name} ${bytes}`);
  await party.ask(`close ${name}`);
  return `${await written} ${read}`;
}
/** Why a session of the other side ended. Who finds the connection gone hears of its end or of a reset, as it happens. */
const whyOf = async (go) => (await go.ask("ended")).replace(/^why (EOF|read_tcp.*|write_tcp.*)$/, "the connection is gone");
const once = (texts) => [...new Set(texts)].join(" | ");

/** Both ends of a stream that one side opened. */
async function joined(from, to, name = "s") {
  await from.ask(`open ${name}`);
  await to.ask(`accept ${name}`);
}
const stillLives = async ({ own, go }) => {
  const accepted = go.ask("accept last");
  await own.ask("open last");
  await accepted;
  await all(own.ask("write last 1000"), go.ask("read last 1000"), go.ask("write last 1000"));
  return (await own.ask("read last 1000")) === "ok" ? "the session lives" : "the session is broken";
};

export const cases = [
  ["echo on 30 streams of each side at once, of 0 to 300 000 bytes", "ok ok; count 0 and count 0", async (both) => {
    const { own, go } = both;
    await all(own.ask("serve"), go.ask("serve"));
    const sizes = [1, 2, 1000, 65_535, 65_536, 65_537, 262_143, 262_144, 262_145, 300_000];
    const work = range(30).flatMap((i) => [own, go].map((party) => echoed(party, `s${i}`, sizes[i % sizes.length])));
    return `${once(await all(...work))}; ${await nothingLeft(both)}`;
  }],
  ["short questions and answers on four streams, a hundred each", "ok", async ({ own, go }) => {
    const said = [];
    await all(...range(4).map(async (i) => {
      const [asks, answers] = i % 2 ? [own, go] : [go, own];
      const ready = answers.ask(`accept q${i}`);
      await asks.ask(`open q${i}`);
      await ready;
      for (const round of range(100)) {
        const [question, reply] = [16 + round, 1 + 2 * round];
        said.push(...(await all(asks.ask(`write q${i} ${question}`), answers.ask(`read q${i} ${question}`))));
        said.push(...(await all(answers.ask(`write q${i} ${reply}`), asks.ask(`read q${i} ${reply}`))));
      }
    }));
    return once(said);
  }],
  ["8 MiB both ways at once on one stream", "ok", async ({ own, go }) => {
    await joined(own, go);
    const mib = 1 << 20;
    const halves = range(8).map(() => own.ask(`write s ${mib / 2}`)); // 4 MiB is what may wait
    const reading = [own, go].map((party) => party.ask(`read s ${8 * mib}`));
    const written = go.ask(`write s ${8 * mib}`);
    const said = await all(...halves);
    for (const _ of range(8)) said.push(await own.ask(`write s ${mib / 2}`));
    return once([...said, await written, ...(await all(...reading))]);
  }],
  ["a write of 4 MiB is taken, one of a byte more is not", "error resource_exhausted, then ok", async ({ own, go }) => {
    await joined(own, go);
    const refused = await own.ask(`write s ${4_194_305}`);
    await own.ask("reset s");
    await joined(own, go, "t");
    const [written] = await all(own.ask(`write t ${4_194_304}`), go.ask(`read t ${4_194_304}`));
    return `${refused}, then ${written}`;
  }],
  ["this side closes its half, the other still sends a MiB", "go reads end 100000, own reads end 1048576; count 0 and count 0", async (both) => {
    const { own, go } = both;
    await joined(own, go);
    await own.ask("write s 100000");
    await own.ask("close s");
    const got = await go.ask("read s all");
    const answer = go.ask("write s 1048576").then(() => go.ask("close s"));
    const reply = await own.ask("read s all");
    await answer;
    return `go reads ${got}, own reads ${reply}; ${await nothingLeft(both)}`;
  }],
  ["SYN, data and FIN are here before the stream is accepted", "own reads end 1000; count 0 and count 0", async (both) => {
    const { own, go } = both;
    await go.ask("open s");
    await go.ask("write s 1000");
    await go.ask("close s");
    await own.ask("accept s");
    const got = await own.ask("read s all");
    await own.ask("close s");
    return `own reads ${got}; ${await nothingLeft(both)}`;
  }],
  ["both sides close at once", "end 0 and end 0; count 0 and count 0", async (both) => {
    const { own, go } = both;
    await joined(go, own);
    await all(own.ask("close s"), go.ask("close s"));
    const read = await all(own.ask("read s all"), go.ask("read s all"));
    return `${read.join(" and ")}; ${await nothingLeft(both)}`;
  }],
  // Its Close() is a full one: what comes later is kept and never read, so no credit comes back.
  ["the other side closes, and this one goes on sending", "own reads end 0; a window is taken, the next byte waits; reset frees it: error reset_locally; count 0 and count 0", async (both) => {
    const { own, go, link } = both;
    await joined(own, go);
    await go.ask("close s");
    const end = await own.ask("read s all");
    const taken = await own.ask(`write s ${window}`);
    const more = own.begin("write s 1");
    await all(own.ask("ping"), go.ask("ping"));
    const state = `${taken === "ok" && link.own.dataBytes === window ? "a window is taken" : `${taken}, ${link.own.dataBytes} bytes`}, the next byte ${more.so_far}`;
    await own.ask("reset s");
    return `own reads ${end}; ${state}; reset frees it: ${await more.answer}; ${await nothingLeft(both)}`;
  }],
  ["the other side does not read", "262144 bytes of 1048576 leave; read: ok ok", async ({ own, go, link }) => {
    await joined(own, go);
    const written = own.ask("write s 1048576");
    await link.until(() => link.own.dataBytes >= window);
    await all(own.ask("ping"), go.ask("ping"));
    const first = link.own.dataBytes;
    const read = await go.ask("read s 1048576");
    return `${first} bytes of 1048576 leave; read: ${await written} ${read}`;
  }],
  ["this side does not read", "262144 bytes of 1048576 come, count 262144; read: ok ok", async ({ own, go, link }) => {
    await joined(own, go);
    const written = go.ask("write s 1048576");
    await link.until(() => link.go.dataBytes >= window);
    await all(own.ask("ping"), go.ask("ping"));
    const first = `${link.go.dataBytes} bytes of 1048576 come, ${await own.ask("unread")}`;
    const read = await own.ask("read s 1048576");
    return `${first}; read: ${await written} ${read}`;
  }],
  ["a stream that nobody reads does not hold up another", "ok ok", async ({ own, go }) => {
    await joined(own, go);
    own.begin("write s 1048576");
    go.begin("write s 1048576");
    await go.ask("serve");
    return echoed(own, "t", 1_000_000);
  }],
  ["this side resets while the other reads", "error connection_reset, 1 RST; count 0 and count 0; the session lives", async (both) => {
    const { own, go, link } = both;
    await joined(own, go);
    const reading = go.ask("read s 10");
    await own.ask("reset s");
    const said = await reading;
    return `${said}, ${link.own.count(({ flags }) => flags & RST)} RST; ${await nothingLeft(both)}; ${await stillLives(both)}`;
  }],
  ["this side resets in the middle of what the other sends", "error connection_reset, 1 RST there, 0 back; count 0 and count 0; the session lives", async (both) => {
    const { own, go, link } = both;
    await joined(go, own);
    const writing = go.ask("write s 8388608");
    await own.ask("read s 1000000");
    await own.ask("reset s");
    const said = await writing;
    const left = await nothingLeft(both);
    const resets = [link.own, link.go].map((tap) => tap.count(({ flags }) => flags & RST));
    return `${said}, ${resets[0]} RST there, ${resets[1]} back; ${left}; ${await stillLives(both)}`;
  }],
  ["the other side's backlog of 1 is full", "error reset_by_peer twice, count 1; ok ok", async ({ own, go }) => {
    for (const name of ["s", "t", "u"]) await own.ask(`open ${name}`);
    const said = [await own.ask("read t 1"), await own.ask("read u 1")];
    const count = await own.ask("streams");
    await go.ask("serve");
    const kept = await all(own.ask("write s 1000"), own.ask("read s 1000"));
    return `${once(said)}${said.length === 2 ? " twice" : ""}, ${count}; ${kept.join(" ")}`;
  }, { go: "backlog=1" }],
  ["the other side opens 33 streams: 32 are open, one is reset", "32 open, error connection_reset; one less: ok; the session lives", async (both) => {
    const { own, go } = both;
    for (const i of range(33)) await go.ask(`open s${i}`);
    const refused = await go.ask("read s32 1");
    const open = await own.ask("streams");
    await own.ask("accept s0");
    await all(own.ask("close s0"), go.ask("close s0"));
    await own.ask("read s0 all");
    await comes("count 31", own, "streams", go);
    await go.ask("open more");
    for (const i of range(31)) await own.ask(`accept s${i + 1}`);
    await own.ask("accept more");
    await go.ask("write more 5");
    return `${open.replace("count ", "")} open, ${refused}; one less: ${await own.ask("read more 5")}; ${await stillLives(both)}`;
  }],
  ["64 streams are alive, of both sides: neither may open another", "error resource_exhausted here, error connection_reset there", async ({ own, go }) => {
    for (const i of range(32)) await all(own.ask(`open o${i}`), go.ask(`open g${i}`));
    await comes("count 64", own, "streams", go);
    const here = await own.ask("open more");
    await go.ask("open more");
    return `${here} here, ${await go.ask("read more 1")} there`;
  }, { own: "active=64 inbound=33" }],
  ["300 short streams of each side, sixteen at a time: the ids go on and nothing stays", "ok ok; the last ids are 599 and 600; count 0 and count 0", async (both) => {
    const { own, go, link } = both;
    await all(own.ask("serve"), go.ask("serve"));
    const said = [];
    const some = async (party, first) => {
      for (let i = first; i < 300; i += 8) said.push(await echoed(party, `s${i}`, 1 + i));
    };
    await all(...range(8).flatMap((first) => [some(own, first), some(go, first)]));
    const ids = [link.own, link.go].map((tap) => Math.max(...tap.headers.filter(({ flags, type }) => type < PING && flags & SYN).map(({ id }) => id)));
    return `${once(said)}; the last ids are ${ids.sort().join(" and ")}; ${await nothingLeft(both)}`;
  }],
  ["a hundred pings of the other side at once, from 0 on, and some of this one", "ok, 100 replies from 0 to 99; ok", async ({ own, go, link }) => {
    const theirs = once(await all(...range(100).map(() => go.ask("ping"))));
    const replies = link.own.headers.filter(({ type, flags }) => type === PING && flags & ACK).map(({ length }) => length).sort((a, b) => a - b);
    const ours = [];
    for (const _ of range(10)) ours.push(await own.ask("ping"));
    return `${theirs}, ${new Set(replies).size} replies from ${replies[0]} to ${replies.at(-1)}; ${once(ours)}`;
  }],
  ["the other side's keep-alive, answered", "the session lives", async (both) => {
    const { link } = both;
    await link.until(() => link.own.count(({ type, flags }) => type === PING && flags & ACK) >= 3);
    return stillLives(both);
  }, { go: "keep_alive_ms=15" }],
  ["the other side's keep-alive, not answered", "keepalive_timeout", async ({ own, go }) => {
    await own.ask("stall");
    return (await whyOf(go)).replace("why ", "");
  }, { go: "keep_alive_ms=10 write_timeout_ms=100" }],
  // Final here, as the protocol says; with hashicorp alone streams would go on.
  ["the other side says Go Away with code 0", "own: why go_away, a stream: error go_away; go: the connection is gone", async ({ own, go }) => {
    await joined(own, go);
    const reading = own.ask("read s 1");
    await go.ask("go_away");
    return `own: ${await own.ask("ended")}, a stream: ${await reading}; go: ${await whyOf(go)}`;
  }],
  ["this side ends the session", "own: error closed; go: end 0, the connection is gone", async ({ own, go }) => {
    await joined(own, go);
    const [here, there] = [own.ask("read s 1"), go.ask("read s all")];
    await own.ask("finish");
    return `own: ${await here}; go: ${await there}, ${await whyOf(go)}`;
  }],
  ["the other side ends the session", "own: error transport_closed, why transport_closed", async ({ own, go }) => {
    await joined(own, go);
    const reading = own.ask("read s 1");
    await go.ask("finish");
    return `own: ${await reading}, ${await own.ask("ended")}`;
  }],
  // A window above the protocol's is announced by credit on SYN and ACK. PROTOCOL, "Flow control".
  ["the other side's window is 1 MiB, and it opens", "own: why credit_overflow; go: the connection is gone", async ({ own, go }) => {
    go.begin("open s");
    return `own: ${await own.ask("ended")}; go: ${await whyOf(go)}`;
  }, { go: "window=1048576" }],
  ["the other side's window is 1 MiB, and it accepts", "own: why credit_overflow; go: the connection is gone", async ({ own, go }) => {
    await own.ask("open s");
    go.begin("accept s");
    return `own: ${await own.ask("ended")}; go: ${await whyOf(go)}`;
  }, { go: "window=1048576" }],
  ["frames of 65536 are taken here, one of a byte more ends the session", "ok; own: why frame_too_large; go: the connection is gone", async ({ own, go, link }) => {
    await joined(go, own);
    await go.ask("write s 65536");
    const taken = await own.ask("read s 65536");
    if (link.go.headers.findLast(({ type }) => type === DATA).length !== 65_536) return "not in one frame";
    go.begin("write s 65537");
    return `${taken}; own: ${await own.ask("ended")}; go: ${await whyOf(go)}`;
  }, { own: "frame=65536" }],
];
