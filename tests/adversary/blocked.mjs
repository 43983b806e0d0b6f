// Whether a program can still write to us, and has done all that it can: by what the kernel knows of the connection and of the program.
import { readFileSync } from "node:fs";
import { patienceMs } from "./connection.mjs";

/** Looks in a row at which nothing may have changed, and what is between them. */
const looks = 4;
const betweenLooksMs = 40;

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

/** Whether a program sleeps, and how long it has ever worked. */
function stateOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1].split(" ");
  return { sleeps: fields[0] === "S", ticks: Number(fields[11]) + Number(fields[12]) };
}

/** Until it has read all that we said, has nothing left to do, and could not say it all: we take nothing, and its kernel takes nothing. Resolves to the bytes that
 * are in there. */
export async function untilBlocked({ socket }, pid) {
  const until = Date.now() + patienceMs;
  for (let same = 0, before = {}; ; await new Promise((resolve) => setTimeout(resolve, betweenLooksMs))) {
    const { unsent, unread } = otherEnd(socket);
    const { sleeps, ticks } = stateOf(pid);
    const isQuiet = sleeps && unread === 0 && socket.writableLength === 0;
    same = isQuiet && unsent > 0 && unsent === before.unsent && ticks === before.ticks ? same + 1 : 0;
    if (same === looks) return unsent;
    if (Date.now() > until) throw new Error(`it is not blocked: ${unsent} bytes are unsent, ${unread} unread, ${socket.writableLength} unsaid`);
    before = { unsent, ticks };
  }
}
