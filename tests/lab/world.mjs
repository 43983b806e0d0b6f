// Two or three network namespaces: a client's, a server's, and a router between them that rewrites addresses.
import { join } from "node:path";
import { run, start, within } from "./programs.mjs";

export const serverAddress = "10.80.9.9";
const clientAddress = "10.80.1.1";
const outerAddresses = ["10.80.2.1", "10.80.2.2"]; // the router's, one after the other
let worlds = 0;

const kernel = [
  "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1", "net.ipv4.ip_forward=1", "net.ipv4.tcp_rmem=4096 131072 33554432",
  "net.ipv4.tcp_wmem=4096 16384 33554432", "net.ipv4.tcp_congestion_control=reno", // the one that every kernel lets a namespace have
];
const inside = (space, command) => `nsenter --net=/run/netns/${space} ${command}`;
const made = (space, sysctls) =>
  [`ip netns add ${space}`, ...[...kernel, ...sysctls].map((each) => inside(space, `sysctl -qw '${each}'`)), `ip -n ${space} link set lo up`].join("\n");
const device = (space, name, mtu) => `ip -n ${space} link set ${name} up mtu ${mtu} txqueuelen 10000`;
const sh = (text) => run("sh", "-ec", text);

// What a home router does. `mute`: it forgets silently, and drops what it does not know.
const nat = (mute) => `
table ip lab {
  chain out { type nat hook postrouting priority 100; oifname "wan" masquerade; }
  chain through { type filter hook forward priority 0; ${mute ? "ct state invalid drop;" : ""} }
}`;

/**
 * `link`: what the link does from the beginning, by direction, as flowersec-lab-link takes it. `router`: "nat" or "mute nat" in
 * between. `offload`: packets of 64 KiB, for rates that single packets would be too many for; no MTU holds then.
 */
export async function makeWorld(cpp, { link = {}, router, offload = false, mtu = 1500, sysctls = [], seed = 1 } = {}) {
  const mine = worlds++;
  const [client, middle, server] = ["client", "router", "server"].map((name) => `${name}-${mine}`);
  const spaces = router === undefined ? [client, server] : [client, middle, server];
  await sh(spaces.map((space) => made(space, sysctls)).join("\n"));
  const running = [];
  const joinThem = async (from, to) => {
    const it = start(from.split(":")[0], join(cpp, "flowersec-lab-link"), "join", from, to, seed, ...(offload ? ["offload"] : []));
    running.push(it);
    await it.json();
    return it;
  };
  const linkProgram = await joinThem(`${client}:lab`, router === undefined ? `${server}:lab` : `${middle}:lan`);
  if (router !== undefined) await joinThem(`${middle}:wan`, `${server}:lab`);
  const end = (space, address) =>
    [`ip -n ${space} addr add ${address}/32 dev lab`, device(space, "lab", mtu), `ip -n ${space} route add default dev lab src ${address}`].join("\n");
  await sh([
    end(client, clientAddress),
    end(server, serverAddress),
    ...(router === undefined ? [] : [
      device(middle, "lan", mtu), device(middle, "wan", mtu), `ip -n ${middle} addr add ${outerAddresses[0]}/32 dev wan`,
      `ip -n ${middle} route add ${clientAddress} dev lan`, `ip -n ${middle} route add default dev wan`,
      inside(middle, `nft '${nat(router === "mute nat")}'`), inside(middle, `sysctl -qw net.netfilter.nf_conntrack_tcp_loose=${router === "mute nat" ? 0 : 1}`),
    ]),
  ].join("\n"));

  let hole;
  const answers = [];
  const holes = []; // resolved at their ends
  linkProgram.each((line) => (line.is === "open" ? holes.splice(0).forEach((opened) => opened()) : answers.shift()?.(line)));
  const tell = async (line) => {
    const said = new Promise((resolve) => answers.push(resolve));
    linkProgram.tell(line);
    const answer = await within(10_000, said, `answer of the link to ${line}`);
    if (answer.is === "error") throw new Error(`the link: ${answer.what}`);
    return answer;
  };
  for (const [which, what] of Object.entries(link)) await tell(`set ${which} ${what}`);
  return {
    client, server,
    figures: () => tell("stats"),
    /** Nothing passes for so long; resolves when that has begun, `opened` when it is over. */
    hole: async (which, ms) => {
      hole = new Promise((resolve) => holes.push(resolve));
      await tell(`hole ${which} ${ms}`);
    },
    opened: () => hole,
    /**
     * The router gets another address and forgets every connection, as after a new dial-in. The kernel forgets them some time after the
     * address has gone: until then they are carried under the old one. A kernel that does not list them is not waited for.
     */
    rebind: async () => {
      const [old, fresh] = outerAddresses;
      await sh([`ip -n ${middle} addr add ${fresh}/32 dev wan`, `ip -n ${middle} addr del ${old}/32 dev wan`].join("\n"));
      const known = "/proc/net/nf_conntrack";
      const forgotten = sh(inside(middle, `sh -c 'while grep -qs "dst=${old} " ${known}; do sleep 0.01; done'`));
      await within(10_000, forgotten, "end of what the router knows");
    },
    close: async () => {
      running.forEach((each) => each.stop());
      await Promise.all(running.map(({ ended }) => ended));
      await sh(spaces.map((space) => `ip netns del ${space}`).join("\n"));
    },
  };
}
