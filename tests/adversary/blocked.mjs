// Whether a program can still write to us, and has done all that it can: by what the kernel knows of the connection and of the program.
import { readdirSync, readFileSync } from "node:fs";
import { patienceMs } from "./connection.mjs";

/** Looks that must find it idle while nothing changes, and what is between them: the table is long where many sockets are. */
const looks = 5;
const betweenLooksMs = 150;
/** How often it is looked at least: where the table is very long one look may take seconds. */
const leastLooks = 100;

const port = (number) => number.toString(16).toUpperCase().padStart(4, "0");

/** The other end of a connection to this machine: bytes that it has given to the kernel and we have not taken, and bytes of ours that it has not read. */
function otherEnd({ localPort, remotePort }) {
  for (const line of readFileSync("/proc/net/tcp", "latin1").split("\n")) {
    const [, local, remote, , queues] = line.trim().split(/\s+/);
    if (!local?.endsWith(`:${port(remotePort)}`) || !remote.endsWith(`:${port(localPort)}`)) continue;
    const [unsent, unread] = queues.split(":").map((text) => Number.parseInt(text, 16));
    return { unsent, unread };
  }
  throw new Error("no connection to the other side");
}

/** Whether no thread of a program has anything to do at this moment, and how often its first one had not. */
function restOf(pid) {
  const stateOf = (task) => readFileSync(`/proc/${pid}/task/${task}/status`, "latin1");
  const isAsleep = (task) => /^State:\s+S/m.test(stateOf(task));
  try {
    return { asleep: readdirSync(`/proc/${pid}/task`).every(isAsleep), rests: Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(stateOf(pid))[1]) };
  } catch {
    return { asleep: false, rests: 0 }; // a thread ended just now
  }
}

/** What we said does not leave: a kernel whose receive buffer ran over takes no acknowledgement until somebody reads. Says nothing of the other side; on another connection it goes better. */
export class Stalled extends Error {}

/** Until it has read all that we said, has gone to sleep again and again, and could not say it all: we take nothing, and its kernel takes nothing. Resolves to the
 * bytes that are in there. */
export async function untilBlocked({ socket }, pid) {
  const until = Date.now() + patienceMs;
  for (let idle = 0, before = {}, looked = 1; ; looked++, await new Promise((resolve) => setTimeout(resolve, betweenLooksMs))) {
    const { unsent, unread } = otherEnd(socket);
    const unsaid = socket.writableLength;
    const { asleep, rests } = restOf(pid);
    if (unsent === 0 || unsent !== before.unsent || unread > 0 || unsaid !== before.unsaid) idle = 0;
    else if (asleep || rests > before.rests) idle++; // some look now and then whether the network takes something
    if (idle === looks && unsaid > 0) throw new Stalled(`${unsaid} bytes do not leave`);
    if (idle === looks) return unsent;
    if (Date.now() > until && looked >= leastLooks) throw new Error(`it is not blocked: ${unsent} bytes are unsent, ${unread} unread, ${unsaid} unsaid`);
    before = { unsent, unsaid, rests };
  }
}

/** Until all that we said has left. */
export async function untilSaid({ socket }) {
  for (let same = 0, before = Infinity; socket.writableLength > 0; before = socket.writableLength) {
    same = socket.writableLength === before ? same + 1 : 0;
    if (same === 4 * looks) throw new Stalled(`${before} bytes do not leave`);
    await new Promise((resolve) => setTimeout(resolve, betweenLooksMs));
  }
}
